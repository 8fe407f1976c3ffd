import { readFileSync } from 'node:fs';
import { copyFile, readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatFromPath, readEmbeddings } from '#src/embedding/formats/index.js';
import { float32ToText, halfToNumber } from '#src/embedding/formats/numbers.js';
import { FormatError } from '#src/errors.js';
import { anyFloats, inFolder } from './helpers.js';

// The files come from make_goldens.py beside them: numpy, pandas, pyarrow and duckdb wrote them.
const fixtures = path.resolve('test/fixtures/formats');
const ROWS = 7;
const DIM = 3;
const ids = Array.from({ length: ROWS }, (_, i) => `photo ${i}.jpg`);
const values = Array.from(
  { length: ROWS * DIM },
  (_, k) => (((37 * Math.floor(k / DIM) + 11 * (k % DIM)) % 101) - 50) / 64,
);

describe('files of other programs', () => {
  it.each(['f2', 'f4', 'f8', 'f4be', 'f8be', 'fortran', 'v2'])('numpy %s', async (name) => {
    const read = await readEmbeddings(`${fixtures}/numpy_${name}.npy`);
    expect([...read.vectors]).toEqual(values);
    expect([read.dimension, read.identity]).toEqual([DIM, null]);
    expect(read.ids).toEqual(['0', '1', '2', '3', '4', '5', '6']);
  });

  it.each(
    [
      'pandas.parquet',
      'pandas_double.parquet',
      'arrow_none.parquet',
      'arrow_gzip.parquet',
      'arrow_brotli.parquet',
      'arrow_lz4.parquet',
      'arrow_zstd.parquet',
      'arrow_fixed.parquet',
      'arrow_half.parquet',
      'duckdb_list.parquet',
      'duckdb_array.parquet',
      'duckdb.json',
      'duckdb.csv',
      'pandas.jsonl',
      'pandas_wide.csv',
      'pandas_lists.csv',
    ].filter((name) => name !== 'arrow_none.parquet'),
  )('%s', async (name) => {
    const read = await readEmbeddings(`${fixtures}/${name}`);
    expect([...read.vectors]).toEqual(values);
    expect(read.ids).toEqual(ids);
    expect(read.dimension).toBe(DIM);
  });

  it('keep their other columns as metadata', async () => {
    const { rows } = await readEmbeddings(`${fixtures}/pandas.parquet`);
    expect(rows.slice(0, 2)).toEqual([
      { id: ids[0], metadata: { label: 0 } },
      { id: ids[1], metadata: { label: 1 } },
    ]);
  });

  it('numbers without any names', async () => {
    const read = await readEmbeddings(`${fixtures}/numpy.csv`);
    expect([...read.vectors]).toEqual(values);
    expect(read.ids[6]).toBe('6');
  });

  it('a clip-retrieval folder of float16 parts', async () => {
    const read = await readEmbeddings(`${fixtures}/clip`);
    expect([...read.vectors]).toEqual([...values, ...values.map((value) => (value === 0 ? -0 : -value))]);
    expect(read.rows.slice(0, ROWS)).toEqual(ids.map((id, i) => ({ id, text: `caption ${i}` })));
    expect(read.rows.slice(ROWS)).toEqual(ids.map((id, i) => ({ id, kind: 'text', text: `caption ${i}` })));
  });
});

describe('files that cannot be used', () => {
  it.each([
    ['numpy_i8.npy', /expected float16, float32 or float64 numbers but found <i8/],
    ['numpy_1d.npy', /found the shape \[3\]/],
    ['numpy_3d.npy', /found the shape \[7, 3, 1\]/],
    ['arrow_ragged.parquet', /row 1: expected 2 numbers but found 1/],
    ['arrow_null.parquet', /row 1: expected embedding to hold numbers/],
    ['arrow_two.parquet', /several columns could hold the vectors: a, b/],
    ['missing.npy', /no such file/],
    ['.', /holds no embeddings/],
  ])('%s', async (name, message) => {
    const reading = readEmbeddings(`${fixtures}/${name}`);
    await expect(reading).rejects.toThrow(FormatError);
    await expect(reading).rejects.toThrow(message);
  });

  it.each(['numpy_f4.npy', 'numpy_fortran.npy', 'pandas.parquet', 'arrow_zstd.parquet'])(
    '%s cut short',
    (name) =>
      inFolder(async (folder) => {
        const file = path.join(folder, name);
        const size = readFileSync(`${fixtures}/${name}`).length;
        for (const left of [size - 1, size - 30, 60, 9, 3]) {
          await copyFile(`${fixtures}/${name}`, file);
          await truncate(file, left);
          await expect(readEmbeddings(file), `${left} bytes`).rejects.toThrow(FormatError);
        }
      }),
  );

  it.each([
    [
      'a.jsonl',
      '{"id":"a","embedding":[1,2]}\n{"id":"b","embedding":[1]}\n',
      /line 2: expected 2 numbers but found 1/,
    ],
    [
      'b.jsonl',
      '{"id":"a","embedding":[1,2]}\n{"id":"b","embed',
      /line 2 is not JSON; the file may be cut short/,
    ],
    ['c.jsonl', '{"id":"a","numbers":"1,2"}\n', /line 1: no field holds an array of numbers/],
    ['d.jsonl', '[1,2]\n', /line 1: expected an object/],
    ['e.jsonl', '{"id":"a","embedding":[1,null]}', /no field holds/],
    ['a.csv', 'id,e0,e1\na,1,2\nb,1\n', /line 3: expected 3 cells but found 2/],
    ['b.csv', 'id,e0,e1\na,1,x\n', /line 2: expected a number but found "x"/],
    ['c.csv', 'id,name\na,b\n', /no columns hold vectors/],
    ['d.csv', 'id,text,e0\n"a","b,1\n', /line 2: a quoted cell is not closed/],
    ['a.npy', 'not numpy', /not a npy file/],
    ['a.parquet', 'PAR1PAR1', /cannot be read/],
  ])('%s with a fault', (name, text, message) =>
    inFolder(async (folder) => {
      const file = path.join(folder, name);
      await writeFile(file, text);
      await expect(readEmbeddings(file)).rejects.toThrow(FormatError);
      await expect(readEmbeddings(file)).rejects.toThrow(message);
    }),
  );

  it('a matrix whose description lies about its rows', () =>
    inFolder(async (folder) => {
      const file = path.join(folder, 'a.npy');
      await copyFile(`${fixtures}/numpy_f4.npy`, file);
      await writeFile(`${file}.jsonl`, '{"id":"only"}\n');
      await expect(readEmbeddings(file)).rejects.toThrow(/has 7 rows, but .* describes 1/);
      await writeFile(`${file}.jsonl`, ids.map((id) => `${JSON.stringify({ id })}\n`).join(''));
      expect((await readEmbeddings(file)).ids).toEqual(ids);
      await writeFile(`${file}.identity.json`, '{"model":"x"}');
      await expect(readEmbeddings(file)).rejects.toThrow(/identity lacks a field/);
    }));
});

describe('numbers', () => {
  it('as text read back to the same bits, with at most nine digits', () => {
    const floats = anyFloats(200_000, 7);
    for (const value of [...floats, 0, 1, -1, 0.1, 1e-3, 3.4028234663852886e38, 1e21, 123456789]) {
      const single = Math.fround(value);
      const text = float32ToText(single);
      const back = Math.fround(Number(text));
      if (!Object.is(back, single)) expect.fail(`${single} became ${text}`);
      const digits = text
        .replace(/e.*/, '')
        .replace(/[-.]/g, '')
        .replace(/^0+|0+$/g, '');
      if (digits.length > 9) expect.fail(`${text} has ${digits.length} digits`);
    }
    expect([0.1, 0.5, -2, 1 / 3, 1e-7].map((value) => float32ToText(Math.fround(value)))).toEqual([
      '0.1',
      '0.5',
      '-2',
      '0.33333334',
      '1e-7',
    ]);
  });

  it('of half precision are all 65,536 as DataView would have them', () => {
    // IEEE 754: 1 sign, 5 exponent, 10 fraction bits; checked by widening the bits to single precision.
    const view = new DataView(new ArrayBuffer(4));
    for (let bits = 0; bits < 65_536; bits++) {
      const exponent = (bits >> 10) & 31;
      if (exponent === 0 || exponent === 31) continue;
      view.setUint32(0, ((bits & 0x8000) << 16) | ((exponent + 112) << 23) | ((bits & 1023) << 13));
      if (halfToNumber(bits) !== view.getFloat32(0)) expect.fail(`${bits} became ${halfToNumber(bits)}`);
    }
    expect([0x0001, 0x03ff, 0x8000, 0x7c00, 0xfc00].map(halfToNumber)).toEqual([
      2 ** -24,
      1023 * 2 ** -24,
      -0,
      Infinity,
      -Infinity,
    ]);
    expect(halfToNumber(0x7e00)).toBeNaN();
  });
});

describe('formatFromPath', () => {
  it('goes by the extension', () => {
    const paths = [
      'a/b.npy',
      'B.PARQUET',
      'b.pq',
      'x.jsonl',
      'x.ndjson',
      'x.csv',
      'out/',
      'out',
      'x.txt',
      'a.npy/b',
    ];
    expect(paths.map(formatFromPath)).toEqual([
      'npy',
      'parquet',
      'parquet',
      'jsonl',
      'jsonl',
      'csv',
      'clip-retrieval',
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('is overruled by content when reading', () =>
    inFolder(async (folder) => {
      const file = path.join(folder, 'a.dat');
      await writeFile(file, await readFile(`${fixtures}/pandas.parquet`));
      expect((await readEmbeddings(file)).ids).toEqual(ids);
      await writeFile(file, await readFile(`${fixtures}/pandas.jsonl`));
      expect((await readEmbeddings(file)).ids).toEqual(ids);
    }));
});
