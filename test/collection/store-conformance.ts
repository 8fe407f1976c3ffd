/** @file What every store must do, checked against plain JavaScript over the same rows. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cell, Column } from '#src/collection/columns.js';
import type { Filter, Operand } from '#src/collection/filter.js';
import type { RowBatch, Store, VectorTable } from '#src/collection/store.js';
import { CollectionError, UsageError } from '#src/errors.js';

const COLUMNS: Column[] = [
  { name: 'text', type: 'text' },
  { name: 'n', type: 'integer' },
  { name: 'x', type: 'number' },
  { name: 'flag', type: 'boolean' },
  { name: 'at', type: 'time' },
  { name: 'a.b `c` "d" % é', type: 'text' },
];
const D = 24;
const TEXTS = [
  null,
  '',
  'Beach',
  "dog's bowl",
  'Äpfel\nund\tBirnen',
  '100%',
  'a_b',
  '\\path\\',
  '犬😀',
  'beach ball',
];

function generator(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Rows of all types with nulls; unit vectors. */
function rowsOf(count: number, seed = 1, prefix = 'row'): RowBatch {
  const random = generator(seed);
  const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)]!;
  const vectors = Float32Array.from({ length: count * D }, () => random() * 2 - 1);
  for (let row = 0; row < count; row++) {
    const vector = vectors.subarray(row * D, (row + 1) * D);
    const length = Math.hypot(...vector);
    for (let i = 0; i < D; i++) vector[i]! /= length;
  }
  const cells = (make: () => Cell) => Array.from({ length: count }, () => (random() < 0.15 ? null : make()));
  return {
    ids: Array.from(
      { length: count },
      (_, i) => `${prefix}/${["it's", '"q"', 'ü', '😀', '%', '`', '\\', ' '][i % 8]}/${i}`,
    ),
    vectors,
    values: {
      text: cells(() => pick(TEXTS)),
      n: cells(() => pick([0, -1, 1, 2, 3, 7, 1000, 2 ** 53 - 1, -(2 ** 53) + 1])),
      x: cells(() => pick([0, 0.1, -1.5, 1 / 3, 1e-300, -1e300, 5e-324, Infinity, 2])),
      flag: cells(() => random() < 0.5),
      at: cells(() => new Date(pick([0, -1, 1, 1600560000123, -62135596800000, 253402300799999]))),
      'a.b `c` "d" % é': cells(() => pick(['x', 'y', "z'z"])),
    },
  };
}

interface Row {
  vector: number[];
  values: Record<string, Cell>;
}

function toMap(batches: readonly RowBatch[], dimension = D): Map<string, Row> {
  const map = new Map<string, Row>();
  for (const { ids, vectors, values } of batches)
    ids.forEach((id, i) => {
      expect(map.has(id)).toBe(false);
      map.set(id, {
        vector: [...vectors.subarray(i * dimension, (i + 1) * dimension)],
        values: Object.fromEntries(Object.entries(values).map(([name, cells]) => [name, cells[i]!])),
      });
    });
  return map;
}

async function all(table: VectorTable, batchSize?: number): Promise<Map<string, Row>> {
  const batches: RowBatch[] = [];
  const columns = (await table.columns()).map(({ name }) => name);
  for await (const batch of table.scan({ columns, vectors: true, batchSize })) batches.push(batch);
  return toMap(batches, table.dimension);
}

/** SQL's logic: true, false, or null for unknown. */
function holds(filter: Filter, row: (column: string) => Cell): boolean | null {
  switch (filter.op) {
    case 'and':
    case 'or': {
      const parts = filter.filters.map((f) => holds(f, row));
      const decisive = filter.op === 'or';
      if (parts.includes(decisive)) return decisive;
      return parts.includes(null) ? null : !decisive;
    }
    case 'not': {
      const inner = holds(filter.filter, row);
      return inner === null ? null : !inner;
    }
    case 'null':
      return row(filter.column) === null;
    case 'in': {
      const cell = row(filter.column);
      return cell === null ? null : filter.values.some((value) => +value === +cell || value === cell);
    }
    case 'like': {
      const cell = row(filter.column);
      if (cell === null) return null;
      const source = [...filter.pattern]
        .map((c) => (c === '%' ? '.*' : c === '_' ? '.' : c.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
        .join('');
      return new RegExp(`^${source}$`, filter.ignoreCase ? 'sui' : 'su').test(cell as string);
    }
    default: {
      const left = cellOf(filter.left, row);
      const right = cellOf(filter.right, row);
      if (left === null || right === null) return null;
      const order = left < right ? -1 : left > right ? 1 : 0;
      const { op } = filter;
      if (op === '=') return order === 0;
      if (op === '!=') return order !== 0;
      if (op === '<') return order < 0;
      if (op === '<=') return order <= 0;
      if (op === '>') return order > 0;
      return order >= 0;
    }
  }
}

function cellOf(side: Operand, row: (column: string) => Cell): Cell {
  if ('value' in side) return side.value;
  if ('column' in side) return row(side.column);
  const left = cellOf(side.left, row) as number | null;
  const right = cellOf(side.right, row) as number | null;
  if (left === null || right === null) return null;
  if (side.op === '+') return left + right;
  if (side.op === '-') return left - right;
  return side.op === '*' ? left * right : left / right;
}

const col = (column: string): Operand => ({ column });
const val = (value: Exclude<Cell, null>): Operand => ({ value });
const is = (op: '=' | '!=' | '<' | '<=' | '>' | '>=', left: Operand, right: Operand): Filter => ({
  op,
  left,
  right,
});
const like = (column: string, pattern: string, ignoreCase = false): Filter => ({
  op: 'like',
  column,
  pattern,
  ignoreCase,
});
const not = (filter: Filter): Filter => ({ op: 'not', filter });

const FILTERS: Record<string, Filter> = {
  'text =': is('=', col('text'), val("dog's bowl")),
  'text <': is('<', col('text'), val('a')),
  'text with line breaks': is('=', col('text'), val('Äpfel\nund\tBirnen')),
  'an id': is('=', col('id'), val("row/it's/8")),
  'ids like': like('id', '%\\%'),
  'integer >=': is('>=', col('n'), val(2)),
  'integer !=': is('!=', col('n'), val(7)),
  'not integer =': not(is('=', col('n'), val(7))),
  'not integer <': not(is('<', col('n'), val(2))),
  'the largest integer': is('=', col('n'), val(2 ** 53 - 1)),
  'integer < broken': is('<', col('n'), val(2.5)),
  'integer = broken': is('=', col('n'), val(2.5)),
  'integer < huge': is('<', col('n'), val(1e300)),
  'value first': is('<', val(1), col('n')),
  'number = third': is('=', col('x'), val(1 / 3)),
  'number > whole': is('>', col('x'), val(0)),
  'number = infinity': is('=', col('x'), val(Infinity)),
  'smallest number': is('=', col('x'), val(5e-324)),
  'number with integer column': is('=', col('x'), col('n')),
  'flag =': is('=', col('flag'), val(true)),
  'not flag =': not(is('=', col('flag'), val(true))),
  'flag in': { op: 'in', column: 'flag', values: [false] },
  'time <': is('<', col('at'), val(new Date(1600560000123))),
  'time =': is('=', col('at'), val(new Date(-1))),
  'time of year 1': is('=', col('at'), val(new Date(-62135596800000))),
  'time in': { op: 'in', column: 'at', values: [new Date(1600560000123), new Date(0)] },
  division: is('=', { op: '/', left: col('n'), right: val(2) }, val(1.5)),
  arithmetic: is(
    '>',
    { op: '*', left: { op: '+', left: col('n'), right: val(1) }, right: col('x') },
    val(0.3),
  ),
  difference: is('<', { op: '-', left: col('x'), right: col('n') }, val(0)),
  'text in': { op: 'in', column: 'text', values: ["dog's bowl", '犬😀', ''] },
  'integer in': { op: 'in', column: 'n', values: [1, 2.5, 1000] },
  'in nothing': { op: 'in', column: 'n', values: [] },
  'not in nothing': not({ op: 'in', column: 'n', values: [] }),
  'not in': not({ op: 'in', column: 'n', values: [1, 2] }),
  'like prefix': like('text', 'bea%'),
  'like ignoring case': like('text', 'ÄPFEL%', true),
  'like one character': like('text', '_eac_'),
  'like one wide character': like('text', '犬_'),
  'like backslash': like('text', '\\path_'),
  'like quote': like('text', "%g's%"),
  'not like': not(like('text', '%a%')),
  'is null': { op: 'null', column: 'n' },
  'is not null': not({ op: 'null', column: 'text' }),
  'strange column name': is('=', col('a.b `c` "d" % é'), val("z'z")),
  'and of none': { op: 'and', filters: [] },
  'or of none': { op: 'or', filters: [] },
  nested: {
    op: 'or',
    filters: [
      { op: 'and', filters: [is('=', col('flag'), val(true)), not({ op: 'null', column: 'x' })] },
      not({ op: 'or', filters: [is('>', col('n'), val(0)), like('text', '%e%')] }),
    ],
  },
};

/** @param openStore opens the store at a place, which is empty at first; several may be open there at once */
export function storeConformance(name: string, openStore: (place: string) => Promise<Store>): void {
  describe(name, () => {
    let store: Store;
    let count = 0;
    const spec = { dimension: D, columns: COLUMNS, normalized: true };
    const create = (options = {}) => store.create(`table${count++}`, { ...spec, ...options });
    beforeAll(async () => {
      store = await openStore('one');
    });
    afterAll(() => store.close());

    it('keeps tables by name', async () => {
      const place = await openStore('tables');
      expect(await place.tables()).toEqual([]);
      await place.create('b', spec);
      await place.create('a', { ...spec, dimension: 0 });
      expect(await place.tables()).toEqual(['a', 'b']);
      await expect(place.create('a', spec)).rejects.toThrow(CollectionError);
      await expect(place.open('c')).rejects.toThrow(CollectionError);
      const other = await openStore('tables');
      const a = await other.open('a');
      expect([a.name, a.dimension, await a.columns()]).toEqual(['a', 0, COLUMNS]);
      await place.drop('a');
      await place.drop('never');
      expect(await other.tables()).toEqual(['b']);
      await place.repair();
      await Promise.all([place.close(), other.close()]);
    });

    it('gives back every type, nulls and strange ids to the bit', async () => {
      const table = await create();
      const rows = rowsOf(500);
      await table.upsert(rows);
      expect(await all(table)).toEqual(toMap([rows]));
      const some = [rows.ids[3]!, rows.ids[4]!, 'not there', rows.ids[499]!];
      const got = await table.get(some, { columns: ['at', 'n'], vectors: true });
      const wanted = toMap([rows]);
      for (const [id, { vector, values }] of toMap([got])) {
        expect(vector).toEqual(wanted.get(id)!.vector);
        expect(values).toEqual({ at: wanted.get(id)!.values.at, n: wanted.get(id)!.values.n });
      }
      expect(got.ids.length).toBe(3);
      expect((await table.get(rows.ids)).ids.length).toBe(500);
      expect((await table.get([])).ids).toEqual([]);
    });

    it('keeps rows whose cells are all null, one by one', async () => {
      const table = await create();
      await table.upsert({ ids: ['a'], vectors: new Float32Array(D), values: {} });
      await table.upsert({ ids: ['b'], vectors: new Float32Array(D), values: { flag: [false] } });
      const rows = await all(table);
      expect(Object.values(rows.get('a')!.values)).toEqual(COLUMNS.map(() => null));
      expect(rows.get('b')!.values).toEqual({ ...rows.get('a')!.values, flag: false });
    });

    it('replaces rows of the same id, and makes null what is missing', async () => {
      const table = await create();
      const old = rowsOf(40);
      await table.upsert(old);
      const fresh = rowsOf(20, 2);
      const { text, n } = fresh.values;
      await table.upsert({ ...fresh, values: { text: text!, n: n! } });
      const nothing = Object.fromEntries(COLUMNS.map((c) => [c.name, fresh.ids.map(() => null)]));
      const expected = toMap([old]);
      for (const [id, row] of toMap([{ ...fresh, values: { ...nothing, text: text!, n: n! } }]))
        expected.set(id, row);
      expect(await all(table)).toEqual(expected);
    });

    it('refuses what does not fit, and then changes nothing', async () => {
      const table = await create();
      const rows = rowsOf(10);
      await table.upsert(rows);
      const before = await all(table);
      const again = rowsOf(10, 3);
      const bad: Partial<RowBatch>[] = [
        { ids: again.ids.map(() => 'same') },
        { vectors: again.vectors.subarray(1) },
        { values: { n: again.ids.map(() => 1.5) } },
        { values: { n: again.ids.map(() => 'one') } },
        { values: { text: again.ids.map(() => 1) } },
        { values: { n: [1] } },
        { values: { nowhere: again.ids.map(() => 1) } },
      ];
      for (const part of bad) await expect(table.upsert({ ...again, ...part })).rejects.toThrow(UsageError);
      expect(await all(table)).toEqual(before);
    });

    it('sets columns of the rows that are there', async () => {
      const table = await create();
      const rows = rowsOf(30);
      await table.upsert(rows);
      const expected = toMap([rows]);
      for (const i of [0, 7]) Object.assign(expected.get(rows.ids[i]!)!.values, { n: i, at: null });
      await table.update([rows.ids[0]!, 'not there', rows.ids[7]!], { n: [0, 5, 7], at: [null, null, null] });
      expect(await all(table)).toEqual(expected);
    });

    it('removes rows, however many', async () => {
      const table = await create({ dimension: 0, columns: [] });
      const ids = Array.from({ length: 12_000 }, (_, i) => `it's ${i}`);
      await table.upsert({ ids, vectors: new Float32Array(0), values: {} });
      await table.remove([...ids.slice(0, 9000), 'not there']);
      expect(await table.count()).toBe(3000);
      expect((await table.get(ids)).ids.sort()).toEqual(ids.slice(9000).sort());
    });

    it('adds columns', async () => {
      const table = await create({ columns: COLUMNS.slice(0, 1) });
      const rows = rowsOf(5);
      await table.upsert({ ...rows, values: { text: rows.values.text! } });
      await table.addColumns(COLUMNS);
      expect(await table.columns()).toEqual(COLUMNS);
      expect(await table.count({ op: 'null', column: 'at' })).toBe(5);
      await table.upsert(rows);
      expect(await all(table)).toEqual(toMap([rows]));
      await expect(table.addColumns([{ name: 'n', type: 'text' }])).rejects.toThrow(UsageError);
    });

    for (const indexed of [false, true])
      it(`filters as SQL does${indexed ? ', with indexed columns' : ''}`, async () => {
        const table = await create();
        const rows = rowsOf(800, 5);
        await table.upsert(rows);
        if (indexed) await table.indexColumns(['id', ...COLUMNS.map((c) => c.name)]);
        // Rows that came after the index.
        const late = rowsOf(200, 6, 'late');
        await table.upsert(late);
        const plain = [...toMap([rows, late])];
        for (const [what, filter] of Object.entries(FILTERS)) {
          const expected = plain
            .filter(([id, { values }]) => holds(filter, (c) => (c === 'id' ? id : values[c]!)) === true)
            .map(([id]) => id);
          const found: string[] = [];
          for await (const { ids } of table.scan({ filter })) found.push(...ids);
          expect.soft(found.sort(), what).toEqual(expected.sort());
          expect.soft(await table.count(filter), what).toBe(expected.length);
          const near = await table.nearest(rows.vectors.slice(0, D), { k: 2000, filter });
          expect.soft(near.map(({ id }) => id).sort(), what).toEqual(expected);
        }
        await expect(table.count(is('=', col('nowhere'), val(1)))).rejects.toThrow(UsageError);
      });

    it('scans every row once, in batches of the size asked for', async () => {
      const table = await create();
      const parts = Array.from({ length: 7 }, (_, i) => rowsOf(130, 10 + i, `part${i}`));
      for (const part of parts) await table.upsert(part);
      for (const batchSize of [64, 1000]) {
        const sizes: number[] = [];
        for await (const { ids, vectors } of table.scan({ batchSize })) {
          sizes.push(ids.length);
          expect(vectors.length).toBe(0);
        }
        expect(sizes.slice(0, -1).every((size) => size === batchSize)).toBe(true);
        expect(sizes.reduce((a, b) => a + b)).toBe(910);
        expect(await all(table, batchSize)).toEqual(toMap(parts));
      }
    });

    it('draws samples by a seed', async () => {
      const table = await create();
      const rows = rowsOf(300);
      await table.upsert(rows);
      await table.remove(rows.ids.slice(0, 50));
      const drawn = await table.sample(100, 7, { columns: ['n'], vectors: true });
      expect(await table.sample(100, 7, { columns: ['n'], vectors: true })).toEqual(drawn);
      expect((await table.sample(100, 8)).ids).not.toEqual(drawn.ids);
      const left = toMap([rows]);
      for (const [id, row] of toMap([drawn])) {
        expect(row.vector).toEqual(left.get(id)!.vector);
        expect(row.values.n).toEqual(left.get(id)!.values.n);
        expect(rows.ids.indexOf(id)).toBeGreaterThanOrEqual(50);
      }
      expect(drawn.ids.length).toBe(100);
      expect((await table.sample(1000, 1)).ids.length).toBe(250);
      expect((await (await create()).sample(10, 1)).ids).toEqual([]);
    });

    for (const normalized of [true, false])
      it(`finds the nearest by cosine${normalized ? '' : ', of vectors of any length'}`, async () => {
        const table = await create({ normalized });
        const rows = rowsOf(1500, 21);
        if (!normalized)
          for (let i = 0; i < rows.vectors.length; i++) rows.vectors[i]! *= 1 + (Math.floor(i / D) % 9);
        await table.upsert(rows);
        const { vectors: queries } = rowsOf(5, 22);
        for (let q = 0; q < 5; q++) {
          const query = queries.slice(q * D, (q + 1) * D);
          const truth = rows.ids
            .map((id, i) => ({ id, score: cosine(query, rows.vectors.subarray(i * D, (i + 1) * D)) }))
            .sort((a, b) => b.score - a.score);
          const hits = await table.nearest(query, { k: 20, exact: true, columns: ['n'], vectors: true });
          expect(hits.map(({ id }) => id)).toEqual(truth.slice(0, 20).map(({ id }) => id));
          for (const [i, { id, score, values, vector }] of hits.entries()) {
            expect(Math.abs(score - truth[i]!.score)).toBeLessThan(1e-6);
            const row = rows.ids.indexOf(id);
            expect(values).toEqual({ n: rows.values.n![row] });
            expect(vector).toEqual(rows.vectors.slice(row * D, (row + 1) * D));
          }
        }
        expect((await table.nearest(queries.slice(0, D), { k: 5000 })).length).toBe(1500);
        await expect(table.nearest(queries.slice(1, D), { k: 1 })).rejects.toThrow(UsageError);
        await expect(table.nearest(queries.slice(0, D), { k: 0 })).rejects.toThrow(UsageError);
      });

    it('finds nearly all of them by an index, and those added since', async () => {
      const table = await create();
      await table.indexVectors();
      const rows = rowsOf(4000, 31);
      await table.upsert(rows);
      await table.indexVectors();
      expect(await table.vectorIndex()).toMatchObject({ rows: 4000, unindexed: 0 });
      await table.upsert({ ...rowsOf(1, 32, 'late') });
      expect(await table.vectorIndex()).toMatchObject({ rows: 4000, unindexed: 1 });
      const late = rowsOf(1, 32, 'late').vectors;
      expect((await table.nearest(late, { k: 1 }))[0]!.id).toMatch(/^late/);
      await table.optimize();
      expect(await table.vectorIndex()).toMatchObject({ rows: 4001, unindexed: 0 });
      table.effort = 3;
      let found = 0;
      for (let q = 0; q < 20; q++) {
        const query = rows.vectors.slice(q * D, (q + 1) * D);
        const truth = new Set((await table.nearest(query, { k: 10, exact: true })).map(({ id }) => id));
        found += (await table.nearest(query, { k: 10 })).filter(({ id }) => truth.has(id)).length;
      }
      expect(found).toBeGreaterThan(180);
      expect((await table.nearest(late, { k: 4001 })).length).toBe(4001);
    });

    it('is the same after tidying up', async () => {
      const table = await create();
      const parts = Array.from({ length: 12 }, (_, i) => rowsOf(25, 40 + i, `part${i}`));
      for (const part of parts) await table.upsert(part);
      await table.indexColumns(['id', 'n']);
      await table.indexColumns(['n', 'text']);
      await table.remove(parts[3]!.ids);
      await table.optimize();
      await table.optimize();
      expect(await all(table)).toEqual(toMap(parts.filter((_, i) => i !== 3)));
    });

    it('shows what another one has written, and lets both write', async () => {
      const other = await openStore('one');
      const table = await create();
      const same = await other.open(table.name);
      await Promise.all(
        Array.from({ length: 6 }, (_, i) => (i % 2 ? table : same).upsert(rowsOf(60, i, 'contended'))),
      );
      expect([await table.count(), await same.count()]).toEqual([60, 60]);
      await same.remove(rowsOf(10, 0, 'contended').ids);
      expect(await table.count()).toBe(50);
      await other.close();
    });
  });
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return dot / Math.sqrt(aa * bb);
}
