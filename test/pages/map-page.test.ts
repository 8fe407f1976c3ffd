/** @file The file of a map: what it carries, how large it is, and what it may replace. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { UsageError } from '#src/errors.js';
import { type MapPageData, writeMapPage } from '#src/pages/map-page.js';
import { packAtlases, spreadOver } from '#src/pages/map-page-atlas.js';
import type { MapPayload } from '#src/pages/map-page-payload.js';
import { makeImages } from '../cli/images.js';
import { scratch } from '../cli/run.js';

const { folder, remove } = scratch();
afterAll(remove);

const names = await makeImages(path.join(folder, 'a b'), 9, 80, 40);
const files = names.map((name) => path.join(folder, 'a b', name));
const data = (changes: Partial<MapPageData> = {}): MapPageData => ({
  title: 'nine',
  facts: [],
  ids: names.map((name) => `a b/${name}`),
  files,
  x: Float32Array.from(names, (_, i) => i / 3),
  y: Float32Array.from(names, (_, i) => -i),
  columns: [],
  ...changes,
});

/** A page taken apart again. */
function read(file: string) {
  const html = readFileSync(file, 'utf8');
  const payload = JSON.parse(/id="map">(.*?)<\/script>/s.exec(html)![1]!) as MapPayload;
  const block = (i: number) => {
    const text = new RegExp(`id="block-${i}">([^<]*)<`).exec(html)![1]!;
    return new Uint8Array(Buffer.from(text, 'base64')).buffer;
  };
  return { html, payload, block };
}

it('carries places, columns and links to the bit', async () => {
  const file = path.join(folder, 'map.html');
  const time = new Date('2024-05-06T07:08:09Z');
  const columns = [
    { name: 'kind', cells: ['b', 'a', null, 'a', 'a', 'b', 'c', 'a', 'a'] },
    { name: 'small', cells: [1, 2, 3, null, 0.5, -1, 7, 8, 9] },
    { name: 'wide', cells: [0.1, 2 ** 40 + 1, 0, 0, 0, 0, 0, 0, null] },
    { name: 'when', cells: [time, ...new Array<null>(8).fill(null)] },
    { name: 'yes', cells: [true, false, true, true, true, true, true, true, true] },
  ];
  const done = await writeMapPage(file, data({ columns }));
  expect(done).toMatchObject({ pictures: 9, missing: 0, bytes: readFileSync(file).length });
  const { payload, block, html } = read(file);
  expect([...new Float32Array(block(payload.x))]).toEqual([...data().x]);
  expect([...new Float32Array(block(payload.y))]).toEqual([...data().y]);
  expect({ prefix: payload.prefix, names: payload.names }).toEqual({ prefix: 'a b/', names });
  expect({ base: payload.base, links: payload.links }).toEqual({ base: 'a%20b/', links: null });
  const [kind, small, wide, when, yes] = payload.columns;
  expect(kind).toMatchObject({ values: ['a', 'b', 'c'], bytes: 1 }); // the most frequent first
  expect([...new Uint8Array(block((kind as { codes: number }).codes))]).toEqual([2, 1, 0, 1, 1, 2, 3, 1, 1]);
  expect(small).toMatchObject({ kind: 'numbers', bytes: 4, time: false });
  const numbers = (column: unknown) => [...new Float64Array(block((column as { data: number }).data))];
  expect(wide).toMatchObject({ bytes: 8 });
  expect(numbers(wide)).toEqual([0.1, 2 ** 40 + 1, 0, 0, 0, 0, 0, 0, Number.NaN]);
  expect(when).toMatchObject({ time: true, bytes: 8 });
  expect(numbers(when)[0]).toBe(time.getTime());
  expect(yes).toMatchObject({ kind: 'kinds', values: ['true', 'false'] });
  expect(html.match(/\b(?:src|href)="(?!data:)[^"]*"/g)).toBeNull(); // nothing is loaded
});

it('packs pictures whole, at their own shape, and counts those that cannot be read', async () => {
  const bad = path.join(folder, 'gone.jpg');
  const { images, slots, sizes, missing } = await packAtlases([files[0]!, bad, files[1]!], [0, 1, 2]);
  expect([...slots]).toEqual([0, -1, 1]);
  expect([...sizes]).toEqual([64, 32, 64, 32]); // 80 × 40
  expect(missing).toBe(1);
  const atlas = await sharp(images[0]!).raw().toBuffer({ resolveWithObject: true });
  expect([atlas.info.width, atlas.info.height]).toEqual([2048, 64]);
  for (const [cell, file] of [files[0]!, files[1]!].entries()) {
    const expected = await sharp(file).resize(64, 32, { fit: 'fill' }).removeAlpha().raw().toBuffer();
    let error = 0;
    for (let y = 0; y < 32; y++)
      for (let x = 0; x < 64 * 3; x++)
        error += Math.abs(expected[y * 192 + x]! - atlas.data[(y * 2048 + cell * 64) * 3 + x]!);
    expect(error / expected.length).toBeLessThan(8); // levels of 255
  }
});

it('gives pictures to every part of a large map', () => {
  const n = 20_000;
  const x = Float32Array.from({ length: n }, (_, i) => (i < 19_990 ? i / 1e6 : 100 + i)); // a crowd, and ten far off
  const chosen = spreadOver(x, new Float32Array(n), 1000);
  expect(new Set(chosen).size).toBe(1000);
  expect([...chosen].filter((i) => i >= 19_990)).toHaveLength(10);
  expect(spreadOver(x.subarray(0, 5), x.subarray(0, 5), 9)).toHaveLength(5);
});

it('makes no more pictures than it is told to', async () => {
  const file = path.join(folder, 'few.html');
  expect((await writeMapPage(file, data(), { pictures: 4 })).pictures).toBe(4);
  expect((await writeMapPage(file, data(), { pictures: 0 })).pictures).toBe(0);
  expect(read(file).payload.pictures).toBeNull();
});

it('replaces a map and nothing else, and leaves the old one when it is stopped', async () => {
  const file = path.join(folder, 'again.html');
  await writeMapPage(file, data({ title: 'first' }));
  const stop = AbortSignal.abort(new Error('stopped'));
  await expect(writeMapPage(file, data({ title: 'second' }), { signal: stop })).rejects.toThrow('stopped');
  expect(readFileSync(file, 'utf8')).toContain('<title>first</title>');
  await writeMapPage(file, data({ title: 'second' }));
  expect(readFileSync(file, 'utf8')).toContain('<title>second</title>');
  const other = path.join(folder, 'thesis.html');
  writeFileSync(other, 'years of work');
  await expect(writeMapPage(other, data())).rejects.toThrow(/thesis.html is there, and it is not a map/);
  expect(readFileSync(other, 'utf8')).toBe('years of work');
});

it('refuses arrays that do not fit, and places that cannot be written', async () => {
  const file = path.join(folder, 'bad.html');
  await expect(writeMapPage(file, data({ x: new Float32Array(8) }))).rejects.toThrow(
    'expected 9 entries of x but received 8',
  );
  await expect(writeMapPage(file, data({ columns: [{ name: 'k', cells: [] }] }))).rejects.toThrow(UsageError);
  await expect(writeMapPage(file, data(), { pictures: -1 })).rejects.toThrow('pictures: expected');
  await expect(writeMapPage(path.join(files[0]!, 'x.html'), data())).rejects.toThrow(UsageError);
  expect(existsSync(file)).toBe(false);
});
