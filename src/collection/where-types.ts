/** @file What the parts of an SQL condition are, and which of them can be compared with which. */
import { nearestName, type UsageError } from '../errors.js';
import type { Column, ColumnType } from './columns.js';
import type { Filter, Operand } from './filter.js';
import { type Place, pointAt } from './point.js';
import { parsePeriod } from './where-time.js';

/** A value of a condition, with its type and place. */
export type Value = Place & {
  operand: Operand;
  type: ColumnType;
  /** The name, where it is a column alone. */
  column?: string;
};

/** A part that is true or false. */
export type Truth = Place & { filter: Filter };

export type Node = Value | Truth;

/** The signs that compare. */
export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=';

const ARTICLE: Readonly<Record<ColumnType, string>> = {
  text: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  time: 'a time',
};

/** Errors about one condition and the columns that it may name. */
export class Checker {
  private readonly columns: ReadonlyMap<string, Column>;

  constructor(
    readonly text: string,
    columns: readonly Column[],
  ) {
    const id: Column = { name: 'id', type: 'text' };
    this.columns = new Map([id, ...columns].map((column) => [column.name, column]));
  }

  error(place: Place, message: string, hint?: string): UsageError {
    return pointAt(this.text, place, `where: ${message}`, hint);
  }

  /** How the place was written. */
  written({ start, end }: Place): string {
    return this.text.slice(start, end) || 'the end';
  }

  /** Finds a column; a bare name may differ in case. @throws UsageError that names the nearest. */
  column(name: string, quote: string, place: Place): Value {
    const bare = quote === '';
    const alike = bare
      ? [...this.columns.values()].filter((c) => c.name.toLowerCase() === name.toLowerCase())
      : [];
    const column = this.columns.get(name) ?? (alike.length === 1 ? alike[0] : undefined);
    if (column) return { operand: { column: column.name }, type: column.type, column: column.name, ...place };
    const names = [...this.columns.keys()];
    const near = nearestName(name, names);
    const literal = `text is written in single quotes: '${name.replaceAll("'", "''")}'`;
    const hint =
      bare && name.toLowerCase() === 'score'
        ? 'hits are cut by their score with --min-score'
        : `${quote === '"' && near === undefined ? `${literal}; ` : ''}the columns are ${names.join(', ')}`;
    throw this.error(place, `there is no column "${name}"${near ? `; did you mean "${near}"?` : ''}`, hint);
  }

  /** `left sign right`, where a plain text beside a time is the period that it names. */
  compare(sign: Comparison, left: Value, right: Value): Filter {
    if (left.type === 'time' && isText(right)) return this.comparePeriod(sign, left, right);
    if (right.type === 'time' && isText(left)) return this.comparePeriod(MIRRORED[sign], right, left);
    if (kind(left.type) !== kind(right.type)) {
      const [known, wrong] =
        left.column !== undefined || right.column === undefined ? [left, right] : [right, left];
      const hint =
        wrong.type === 'text' && wrong.column === undefined && kind(known.type) === 'number'
          ? 'numbers are written without quotes'
          : known.type === 'text' && wrong.column === undefined
            ? 'text is written in single quotes'
            : undefined;
      throw this.error(
        wrong,
        `"${this.written(known)}" is ${ARTICLE[known.type]}; expected ${ARTICLE[known.type]} but received ${this.written(wrong)}`,
        hint,
      );
    }
    if (left.type === 'boolean' && sign !== '=' && sign !== '!=')
      throw this.error(left, 'true and false have no order', 'compare them with = or !=');
    return { op: sign, left: left.operand, right: right.operand };
  }

  /** A number, for arithmetic. */
  number(value: Value, sign: string): Value {
    if (kind(value.type) === 'number') return value;
    throw this.error(value, `expected a number beside "${sign}" but received ${ARTICLE[value.type]}`);
  }

  private comparePeriod(sign: Comparison, time: Value, text: Value & { operand: { value: string } }): Filter {
    const period = parsePeriod(text.operand.value);
    if (!period)
      throw this.error(
        text,
        `expected a time such as '2020', '2020-05-17' or '2020-05-17T18:30:00Z' but received ${this.written(text)}`,
      );
    const at = (op: Comparison, value: Date): Filter => ({ op, left: time.operand, right: { value } });
    switch (sign) {
      case '<':
        return at('<', period.start);
      case '>=':
        return at('>=', period.start);
      case '>':
        return at('>=', period.end);
      case '<=':
        return at('<', period.end);
      case '=':
        return { op: 'and', filters: [at('>=', period.start), at('<', period.end)] };
      case '!=':
        return { op: 'or', filters: [at('<', period.start), at('>=', period.end)] };
      default:
        throw sign satisfies never;
    }
  }
}

const MIRRORED: Readonly<Record<Comparison, Comparison>> = {
  '=': '=',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

function isText(value: Value): value is Value & { operand: { value: string } } {
  return value.type === 'text' && 'value' in value.operand && typeof value.operand.value === 'string';
}

/** Whole numbers and others compare with each other. */
function kind(type: ColumnType): Exclude<ColumnType, 'integer'> {
  return type === 'integer' ? 'number' : type;
}
