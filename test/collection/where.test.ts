/** @file Conditions: what DuckDB finds with the same text (fixtures/collection/make_where.py), and errors that point. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Cell, type Column, ITEM_COLUMNS, type Values } from '#src/collection/columns.js';
import type { Filter, Operand } from '#src/collection/filter.js';
import { LanceStore } from '#src/collection/lance/lance-store.js';
import { parseWhere } from '#src/collection/where.js';
import { parsePeriod } from '#src/collection/where-time.js';
import { UsageError } from '#src/errors.js';

const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/collection/where.json', import.meta.url), 'utf8'),
) as { rows: Record<string, string | number | boolean | null>[]; cases: { where: string; ids: string[] }[] };
const COLUMNS: Column[] = [
  { name: 'w', type: 'integer' },
  { name: 'h', type: 'integer' },
  { name: 'x', type: 'number' },
  { name: 't', type: 'text' },
  { name: 'b', type: 'boolean' },
  { name: 'd', type: 'time' },
];
const rows = fixture.rows.map(
  (row): Values => ({ ...row, d: row.d === null ? null : new Date(row.d as string) }),
);

/** A filter's value for a row; null is SQL's unknown. */
function holds(filter: Filter, row: Values): boolean | null {
  switch (filter.op) {
    case 'and':
    case 'or': {
      const decided = filter.op === 'or';
      const parts = filter.filters.map((f) => holds(f, row));
      return parts.includes(decided) ? decided : parts.includes(null) ? null : !decided;
    }
    case 'not': {
      const inner = holds(filter.filter, row);
      return inner === null ? null : !inner;
    }
    case 'null':
      return (row[filter.column] ?? null) === null;
    case 'in': {
      const cell = row[filter.column] ?? null;
      return cell === null ? null : filter.values.includes(cell);
    }
    case 'like': {
      const cell = row[filter.column] as string | null;
      const escaped = filter.pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      const pattern = escaped.replaceAll('%', '.*').replaceAll('_', '.');
      return cell === null ? null : new RegExp(`^${pattern}$`, filter.ignoreCase ? 'isu' : 'su').test(cell);
    }
    default: {
      const [a, b] = [plain(operand(filter.left, row)), plain(operand(filter.right, row))];
      if (a === null || b === null) return null;
      const less =
        typeof a === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(b as string)) < 0 : a < b;
      return {
        '=': a === b,
        '!=': a !== b,
        '<': less,
        '<=': less || a === b,
        '>': !less && a !== b,
        '>=': !less,
      }[filter.op];
    }
  }
}

function operand(side: Operand, row: Values): Cell {
  if ('value' in side) return side.value;
  if ('column' in side) return row[side.column] ?? null;
  const [a, b] = [operand(side.left, row) as number | null, operand(side.right, row) as number | null];
  if (a === null || b === null) return null;
  return side.op === '+' ? a + b : side.op === '-' ? a - b : side.op === '*' ? a * b : a / b;
}

const plain = (cell: Cell) => (cell instanceof Date ? cell.getTime() : cell);

describe('what a condition finds', () => {
  it('is what DuckDB finds, for 400 random conditions', () => {
    for (const { where, ids } of fixture.cases) {
      const filter = parseWhere(where, COLUMNS);
      const found = rows.filter((row) => holds(filter, row) === true).map((row) => row.id);
      expect(found, where).toEqual(ids);
    }
  });

  it('is the same in the store', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'afterimage-where-'));
    const store = await LanceStore.open(folder);
    try {
      const table = await store.create('items_where', { dimension: 1, normalized: true, columns: COLUMNS });
      await table.upsert({
        ids: rows.map((row) => row.id as string),
        vectors: new Float32Array(rows.length).fill(1),
        values: Object.fromEntries(COLUMNS.map(({ name }) => [name, rows.map((row) => row[name] ?? null)])),
      });
      for (const { where, ids } of fixture.cases.filter((_, i) => i % 4 === 0)) {
        const found: string[] = [];
        for await (const batch of table.scan({ filter: parseWhere(where, COLUMNS) }))
          found.push(...batch.ids);
        expect(found.sort(), where).toEqual(ids);
      }
    } finally {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('takes a plain text beside a time as the period that it names', () => {
    const times = [
      '2019-12-31T23:59:59.999Z',
      '2020-05-01T00:00:00Z',
      '2020-05-31T23:59:59Z',
      '2020-06-01T00:00:00Z',
    ];
    const found = (where: string) =>
      times.map((d) => (holds(parseWhere(where, COLUMNS), { d: new Date(d) }) ? 'x' : '.')).join('');
    expect(found("d = '2020-05'")).toBe('.xx.');
    expect(found("d != '2020-05'")).toBe('x..x');
    expect(found("d < '2020-05'")).toBe('x...');
    expect(found("d <= '2020-05'")).toBe('xxx.');
    expect(found("d > '2020-05'")).toBe('...x');
    expect(found("'2020-05' <= d")).toBe('.xxx');
    expect(found("d between '2019' and '2020-05-01'")).toBe('xx..');
    expect(found("d in ('2019', '2020-06-01')")).toBe('x..x');
    expect(found("d > timestamp '2020-05-01 00:00'")).toBe('..xx');
  });

  it('finds columns in any case, quoted or with spaces', () => {
    const columns: Column[] = [{ name: 'Shot by', type: 'text' }, ...ITEM_COLUMNS];
    expect(parseWhere('WIDTH > 3', columns)).toEqual(parseWhere('`width` > 3', columns));
    expect(parseWhere('"Shot by" is null', columns)).toEqual({ op: 'null', column: 'Shot by' });
    expect(parseWhere("id like 'a/%'", columns)).toMatchObject({ op: 'like', column: 'id' });
  });
});

describe('an error points at the place', () => {
  const cases: [where: string, at: string, message: RegExp, hint?: RegExp][] = [
    ['widht > 3', 'widht', /no column "widht"; did you mean "width"/, /id, hash, size/],
    ['width > 3 and', '', /expected a column or a value but received nothing/],
    [
      "width > 'big'",
      "'big'",
      /is a whole number; expected a whole number but received 'big'/,
      /without quotes/,
    ],
    ['format = "png"', '"png"', /no column "png"/, /single quotes: 'png'/],
    ['format = 5', '5', /"format" is text/, /single quotes/],
    ['width > 1 height', 'height', /expected "and", "or" or the end/],
    ['(width > 1', '', /expected "\)" but received nothing/],
    ['width in (1, 2', '', /expected "," or "\)"/],
    ['width in (1, null)', 'null', /nothing is equal to null/],
    ['width = null', 'null', /compares with null/, /is null/],
    ['width between 1 or 2', 'or', /expected "and" between/],
    ['width && 3', '&&', /not understood/, /write "and"/],
    ['camera = ‘Canon’', '‘', /not understood/, /straight single quotes/],
    ["camera = 'Canon", "'", /quote is not closed/],
    ['lower(camera) is null', 'lower', /functions such as "lower"/, /ilike/],
    ['width', 'width', /expected a condition but received width/],
    ['width + format > 3', 'format', /expected a number beside "\+"/],
    ['width / 0 > 1', '0', /divided by 0/],
    ["taken > '2020-13'", "'2020-13'", /expected a time such as/],
    ["taken > date '2021-02-29'", "date '2021-02-29'", /expected a time/],
    ['taken > 2020', '2020', /"taken" is a time/],
    ['score > 0.3', 'score', /no column "score"/, /--min-score/],
    ['width is 5', '5', /expected "null", "true" or "false"/],
    ['width not 5', '5', /"in", "between", "like" or "ilike" after "not"/],
    ['12px < width', '12px', /expected a number but received "12px"/],
    ["width like 'a%'", 'width', /needs a column of text/],
    ['camera like width', 'width', /a pattern in single quotes/],
    ['', '', /received nothing/],
    [`${'('.repeat(300)}width > 1${')'.repeat(300)}`, '(', /200 levels/],
    [`width > 1${' or width > 1'.repeat(3000)}`, '', /20000 characters/],
  ];
  it.each(cases.map((c) => [c[0].slice(0, 40), ...c] as const))('%s', (_, where, at, message, hint) => {
    const error = failure(() => parseWhere(where, ITEM_COLUMNS));
    expect(error).toBeInstanceOf(UsageError);
    const [first, shown, carets] = error.message.split('\n') as [string, string, string];
    expect(first).toMatch(message);
    if (hint) expect(error.hint).toMatch(hint);
    if (at === '') return;
    const from = carets.indexOf('^');
    const place = shown.slice(from, carets.lastIndexOf('^') + 1);
    expect(at.endsWith(place), `${place} is the end of ${at}`).toBe(true);
  });

  function failure(work: () => unknown): UsageError {
    try {
      work();
    } catch (error) {
      return error as UsageError;
    }
    throw new Error('expected an error');
  }
});

describe('periods', () => {
  it('run from their beginning to the next', () => {
    const iso = (text: string) => {
      const period = parsePeriod(text);
      return period && [period.start.toISOString(), period.end.toISOString()];
    };
    expect(iso('2020')).toEqual(['2020-01-01T00:00:00.000Z', '2021-01-01T00:00:00.000Z']);
    expect(iso('2020-12')).toEqual(['2020-12-01T00:00:00.000Z', '2021-01-01T00:00:00.000Z']);
    expect(iso('2020-02-29')).toEqual(['2020-02-29T00:00:00.000Z', '2020-03-01T00:00:00.000Z']);
    expect(iso('2020-05-17T18:30')).toEqual(['2020-05-17T18:30:00.000Z', '2020-05-17T18:31:00.000Z']);
    expect(iso('2020-05-17 18:30:05+02:00')).toEqual([
      '2020-05-17T16:30:05.000Z',
      '2020-05-17T16:30:06.000Z',
    ]);
    expect(iso('2020-05-17T18:30:05.25Z')).toEqual(['2020-05-17T18:30:05.250Z', '2020-05-17T18:30:05.251Z']);
    for (const wrong of ['2020-13', '2021-02-29', '20', '2020-05-17T25:00', 'May', '2020-05-17T18:30+99:00'])
      expect(parsePeriod(wrong), wrong).toBeUndefined();
  });
});
