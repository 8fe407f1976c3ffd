/**
 * @file Conditions in SQL's words: `width >= 1024 and taken between '2020-05' and '2020-08' and not format = 'png'`.
 *
 * What SQL means is meant here, with three things made easier. Bare names may differ in case from the column's. A
 * plain text beside a time is the period that it names, so that `taken = '2020-05'` is the whole of May and
 * `taken > '2020'` begins with 2021; `date '…'` and `timestamp '…'` are instants, as in SQL. Division is that of real
 * numbers.
 */
import type { Cell, Column } from './columns.js';
import type { Filter, Operand } from './filter.js';
import { Cursor } from './where-cursor.js';
import type { Token } from './where-lexer.js';
import { parsePeriod } from './where-time.js';
import type { Comparison, Node, Truth, Value } from './where-types.js';

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  '=': '=',
  '==': '=',
  '!=': '!=',
  '<>': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};
const KEYWORDS = new Set('and or not in between like ilike is null true false'.split(' '));

/**
 * Reads a condition: `and or not ( )`, `= == != <> < <= > >=`, `[not] in (…)`, `[not] between … and …`,
 * `[not] like` and `ilike`, `is [not] null|true|false`, a boolean column alone, `+ - * /` of numbers, numbers,
 * `'text'`, `true`, `false`, `date '…'`, `timestamp '…'`, names bare, in double quotes or in backticks.
 * @param columns the columns that it may name, besides `id`
 * @throws UsageError that shows the place, and names the nearest column for one that is not there.
 */
export function parseWhere(text: string, columns: readonly Column[]): Filter {
  return new Parser(text, columns).parse();
}

class Parser extends Cursor {
  parse(): Filter {
    const { filter } = this.truth(this.or());
    const token = this.tokens[this.next]!;
    if (token.kind !== 'end') throw this.expected('"and", "or" or the end');
    return filter;
  }

  private or(): Node {
    return this.chain('or', () => this.and());
  }

  private and(): Node {
    return this.chain('and', () => this.not());
  }

  private chain(op: 'and' | 'or', part: () => Node): Node {
    const first = part();
    if (!this.isWord(op)) return first;
    const parts = [this.truth(first)];
    while (this.takeWord(op)) parts.push(this.truth(part()));
    const place = { start: first.start, end: parts.at(-1)!.end };
    return { filter: { op, filters: parts.map(({ filter }) => filter) }, ...place };
  }

  private not(): Node {
    const { start } = this.tokens[this.next]!;
    if (!this.takeWord('not')) return this.predicate();
    return this.deeper(() => {
      const { filter, end } = this.truth(this.not());
      return { filter: { op: 'not', filter }, start, end };
    });
  }

  /** A value, and what is said of it. */
  private predicate(): Node {
    const left = this.sum();
    const token = this.tokens[this.next]!;
    const sign = token.kind === 'sign' ? COMPARISONS[token.text] : undefined;
    if (sign !== undefined) {
      this.next++;
      if (this.isWord('null'))
        throw this.check.error(
          this.tokens[this.next]!,
          'nothing compares with null',
          'write "is null" or "is not null"',
        );
      const right = this.sum();
      return this.truthAt(left, this.check.compare(sign, this.value(left), this.value(right)));
    }
    if (this.takeWord('is')) return this.is(this.named(left, 'is'));
    const negated = this.isWord('not');
    if (negated) this.next++;
    const filter = this.takeWord('between')
      ? this.between(this.value(left))
      : this.takeWord('in')
        ? this.in(this.named(left, 'in'))
        : this.isWord('like') || this.isWord('ilike')
          ? this.like(this.named(left, 'like'))
          : undefined;
    if (filter) return this.truthAt(left, negated ? { op: 'not', filter } : filter);
    if (negated) throw this.expected('"in", "between", "like" or "ilike" after "not"');
    return left;
  }

  private is(value: Value & { column: string }): Truth {
    const negated = this.takeWord('not');
    const { column } = value;
    const wanted = this.isWord('true') ? true : this.isWord('false') ? false : undefined;
    if (wanted !== undefined) {
      if (value.type !== 'boolean') throw this.check.error(value, `"${column}" is not true or false`);
      this.next++;
      const there: Filter = { op: 'not', filter: { op: 'null', column } };
      const equal: Filter = { op: '=', left: { column }, right: { value: wanted } };
      const both: Filter = { op: 'and', filters: [there, equal] };
      return this.truthAt(value, negated ? { op: 'not', filter: both } : both);
    }
    if (!this.takeWord('null')) throw this.expected('"null", "true" or "false" after "is"');
    const filter: Filter = { op: 'null', column };
    return this.truthAt(value, negated ? { op: 'not', filter } : filter);
  }

  private between(value: Value): Filter {
    const low = this.value(this.sum());
    if (!this.takeWord('and')) throw this.expected('"and" between the two bounds');
    const high = this.value(this.sum());
    return {
      op: 'and',
      filters: [this.check.compare('>=', value, low), this.check.compare('<=', value, high)],
    };
  }

  private in(value: Value & { column: string }): Filter {
    if (!this.takeSign('(')) throw this.expected('"(" and a list of values after "in"');
    const tests: Filter[] = [];
    const values: Exclude<Cell, null>[] = [];
    do {
      if (this.isWord('null'))
        throw this.check.error(this.tokens[this.next]!, 'nothing is equal to null', 'add "or … is null"');
      const element = this.value(this.sum());
      if (!('value' in element.operand))
        throw this.check.error(element, 'expected a value in the list, not a column');
      tests.push(this.check.compare('=', value, element));
      values.push(element.operand.value);
    } while (this.takeSign(','));
    if (!this.takeSign(')')) throw this.expected('"," or ")"');
    return value.type === 'time' ? { op: 'or', filters: tests } : { op: 'in', column: value.column, values };
  }

  private like(value: Value & { column: string }): Filter {
    const ignoreCase = this.isWord('ilike');
    this.next++;
    if (value.type !== 'text')
      throw this.check.error(value, `"like" needs a column of text, which "${value.column}" is not`);
    const token = this.tokens[this.next]!;
    if (token.kind !== 'text') throw this.expected("a pattern in single quotes, such as '%.png',");
    this.next++;
    if (this.isWord('escape')) throw this.check.error(this.tokens[this.next]!, '"escape" is not supported');
    return { op: 'like', column: value.column, pattern: token.value, ignoreCase };
  }

  private sum(): Node {
    return this.arithmetic(['+', '-'], () => this.arithmetic(['*', '/'], () => this.factor()));
  }

  private arithmetic(signs: readonly ('+' | '-' | '*' | '/')[], part: () => Node): Node {
    let left = part();
    for (;;) {
      const token = this.tokens[this.next]!;
      const op = token.kind === 'sign' ? signs.find((sign) => sign === token.text) : undefined;
      if (op === undefined) return left;
      this.next++;
      const a = this.check.number(this.value(left), op);
      const b = this.check.number(this.value(part()), op);
      if (op === '/' && 'value' in b.operand && b.operand.value === 0)
        throw this.check.error(b, 'nothing can be divided by 0');
      const whole = op !== '/' && a.type === 'integer' && b.type === 'integer';
      left = {
        operand: computed(op, a.operand, b.operand),
        type: whole ? 'integer' : 'number',
        start: a.start,
        end: b.end,
      };
    }
  }

  private factor(): Node {
    const token = this.tokens[this.next]!;
    if (this.takeSign('+')) return this.check.number(this.value(this.deeper(() => this.factor())), '+');
    if (this.takeSign('-')) {
      const { operand, type, end } = this.check.number(this.value(this.deeper(() => this.factor())), '-');
      return { operand: computed('-', { value: 0 }, operand), type, start: token.start, end };
    }
    if (this.takeSign('(')) {
      const inner = this.deeper(() => this.or());
      const { end } = this.tokens[this.next]!;
      if (!this.takeSign(')')) throw this.expected('")"');
      return { ...inner, start: token.start, end };
    }
    this.next++;
    const { start, end } = token;
    if (token.kind === 'number')
      return {
        operand: { value: token.value },
        type: Number.isInteger(token.value) ? 'integer' : 'number',
        start,
        end,
      };
    if (token.kind === 'text') return { operand: { value: token.value }, type: 'text', start, end };
    if (token.kind === 'name') return this.check.column(token.text, this.check.text[start]!, token);
    this.next--;
    if (token.kind !== 'word') throw this.expected('a column or a value');
    return this.word(token);
  }

  private word(token: Token & { kind: 'word' }): Node {
    const { start, end, lower, text } = token;
    if (lower === 'true' || lower === 'false') {
      this.next++;
      return { operand: { value: lower === 'true' }, type: 'boolean', start, end };
    }
    if (KEYWORDS.has(lower)) throw this.expected('a column or a value');
    this.next++;
    const after = this.tokens[this.next]!;
    if ((lower === 'date' || lower === 'timestamp') && after.kind === 'text') {
      this.next++;
      const period = parsePeriod(after.value);
      if (!period)
        throw this.check.error(after, "expected a time such as '2020-05-17' or '2020-05-17T18:30:00Z'");
      return { operand: { value: period.start }, type: 'time', start, end: after.end };
    }
    if (after.kind === 'sign' && after.text === '(')
      throw this.check.error(
        token,
        `functions such as "${text}" are not supported`,
        'ilike compares text without regard to case',
      );
    return this.check.column(text, '', token);
  }

  /** What stands where something true or false is wanted. */
  private truth(node: Node): Truth {
    if ('filter' in node) return node;
    if (node.type !== 'boolean')
      throw this.check.error(
        node,
        `expected a condition but received ${this.check.written(node)}`,
        'compare it with something, as in "width > 1000"',
      );
    const filter: Filter = { op: '=', left: node.operand, right: { value: true } };
    return { filter, start: node.start, end: node.end };
  }

  private truthAt({ start }: Node, filter: Filter): Truth {
    return { filter, start, end: this.tokens[this.next - 1]!.end };
  }

  private value(node: Node): Value {
    if ('operand' in node) return node;
    throw this.check.error(node, 'expected a column or a value but received a condition');
  }

  private named(node: Node, what: string): Value & { column: string } {
    const value = this.value(node);
    if (value.column === undefined)
      throw this.check.error(
        value,
        `expected a column before "${what}" but received ${this.check.written(value)}`,
      );
    return { ...value, column: value.column };
  }
}

/** Arithmetic of two numbers that are known is done here. */
function computed(op: '+' | '-' | '*' | '/', left: Operand, right: Operand): Operand {
  if (!('value' in left && 'value' in right)) return { op, left, right };
  const [a, b] = [left.value as number, right.value as number];
  return { value: op === '+' ? a + b : op === '-' ? a - b : op === '*' ? a * b : a / b };
}
