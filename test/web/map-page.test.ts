/** @file The page of a map in a browser: what is searched, hovered, zoomed and coloured, and that nothing breaks out of it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeMapPage } from '#src/pages/map-page.js';
import { makeImages } from '../cli/images.js';
import { scratch } from '../cli/run.js';
import { CHROMIUM, domOf, resultOf } from './chromium.js';

const { folder, remove } = scratch();
afterAll(remove);

const N = 24;
const EVIL = '</script><img src=x onerror="window.broken=1">';
/** What the test does on the page; the result is written into the document. */
const DRIVER = `
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const find = (selector) => document.querySelector(selector);
const result = {};
async function drive() {
  await wait(300);
  const box = find('input[type=search]');
  const ask = (text) => { box.value = text; box.dispatchEvent(new Event('input')); return find('.note').textContent; };
  const listed = () => [...document.querySelectorAll('.results button')].map((b) => b.title.split(',')[0]);
  result.title = find('h1').textContent;
  result.broken = window.broken === 1;
  result.labels = [...document.querySelectorAll('.map-label')].map((l) => l.textContent).sort();
  result.legend = [...document.querySelectorAll('.legend button')].map((b) => b.textContent);
  result.options = [...document.querySelectorAll('select option')].map((o) => o.value);
  result.meaning = ask('East things'); result.meaningHits = listed();
  result.mixed = ask('east zebra');
  result.unknown = ask('zebra');
  result.name = ask('IMAGE 7'); result.nameHits = listed();
  ask('');
  result.cleared = find('.note').hidden && listed().length === 0;
  const stage = find('.stage');
  result.accessible = [stage.getAttribute('role'), stage.getAttribute('aria-label'), stage.tabIndex];
  const buttons = [...document.querySelectorAll('button')].filter((b) => !b.closest('dialog'));
  result.unnamed = buttons.filter((b) => !(b.textContent || b.getAttribute('aria-label'))).length;
  const canvas = find('canvas').getBoundingClientRect();
  const at = { bubbles: true, clientX: canvas.width / 2 + 140, clientY: canvas.height / 2 };
  stage.dispatchEvent(new WheelEvent('wheel', { ...at, deltaY: -200, cancelable: true }));
  result.zoom = find('.status').textContent;
  stage.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', shiftKey: true, bubbles: true }));
  const card = find('.card');
  result.card = card.hidden ? null : card.querySelector('.name').textContent;
  result.cells = [...card.querySelectorAll('dt')].map((dt) => dt.textContent);
  const opened = [];
  window.open = (url) => { opened.push(url); return null; };
  stage.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
  result.opened = opened;
  const select = find('select');
  select.value = 'price'; select.dispatchEvent(new Event('change'));
  result.scale = find('.scale').textContent;
  await wait(500);
  result.picture = card.querySelector('img')?.naturalWidth ?? 0;
  const pre = document.createElement('pre');
  pre.id = 'result'; pre.textContent = JSON.stringify(result);
  document.body.append(pre);
}
drive().catch((error) => { const pre = document.createElement('pre'); pre.id = 'result'; pre.textContent = JSON.stringify({ error: String(error) }); document.body.append(pre); });
`;

interface Result {
  [key: string]: unknown;
}

describe.skipIf(CHROMIUM === undefined)('the page of a map', () => {
  let result: Result;

  beforeAll(async () => {
    const pictures = path.join(folder, 'pictures');
    mkdirSync(pictures);
    const names = await makeImages(pictures, N);
    const page = path.join(folder, 'map.html');
    const angle = (i: number) => (2 * Math.PI * i) / N;
    const kind = (i: number) => (i < 12 ? 'one' : i < 20 ? EVIL : null);
    // Two axes: east and north. The words are these axes.
    const items = Int8Array.from({ length: 2 * N }, (_, i) =>
      Math.round(127 * (i % 2 === 0 ? Math.cos(angle(i >> 1)) : Math.sin(angle(i >> 1)))),
    );
    await writeMapPage(page, {
      title: `A map ${EVIL}`,
      facts: [['method', 'a circle']],
      ids: names.map((name, i) => `/pictures/${name.replace('.jpg', '')} image ${i}.jpg`),
      files: names.map((name) => path.join(pictures, name)),
      x: Float32Array.from({ length: N }, (_, i) => Math.cos(angle(i))),
      y: Float32Array.from({ length: N }, (_, i) => Math.sin(angle(i))),
      columns: [
        { name: 'kind', cells: Array.from({ length: N }, (_, i) => kind(i)) },
        { name: 'price', cells: Array.from({ length: N }, (_, i) => (i === 3 ? null : i * 10.5)) },
        { name: 'note', cells: Array.from({ length: N }, (_, i) => `note ${i}`) },
      ],
      color: 'kind',
      words: {
        dimension: 2,
        words: ['east', 'north'],
        items,
        itemScales: Float32Array.of(1 / 127, 1 / 127),
        vectors: Int8Array.of(127, 0, 0, 127),
        wordScales: Float32Array.of(1 / 127, 1 / 127),
        offsets: Float32Array.of(0, 0),
        agreement: 1,
      },
    });
    const driven = path.join(folder, 'driven.html');
    const html = readFileSync(page, 'utf8');
    writeFileSync(
      driven,
      html.replace(/<\/body>\s*<\/html>\s*$/, `<script>${DRIVER}</script></body></html>`),
    );
    result = resultOf<Result>(await domOf(driven));
  }, 90_000);

  it('shows its title, kinds and columns as they are, and runs nothing of them', () => {
    expect(result.error).toBeUndefined();
    expect(result.title).toBe(`A map ${EVIL}`);
    expect(result.broken).toBe(false);
    expect(result.labels).toEqual([EVIL, 'one'].sort());
    expect(result.legend).toEqual(['one12', `${EVIL}8`]);
    expect(result.options).toEqual(['', 'kind', 'price']); // notes are all different
  });

  it('finds by meaning, says which words it does not know, and finds by name', () => {
    expect(result.meaning).toContain('nearest to east');
    expect(result.meaning).toContain('Left out: “things”');
    const hits = result.meaningHits as string[];
    expect(hits[0]).toContain('image 0');
    expect(
      hits
        .slice(1, 3)
        .map((hit) => Number(/image (\d+)/.exec(hit)![1]))
        .sort(),
    ).toEqual([1, 23].sort());
    expect(result.mixed).toContain('“zebra”');
    expect(result.unknown).toContain('Nothing has “zebra”');
    expect(result.name).toContain('1 item with “IMAGE 7”');
    expect((result.nameHits as string[])[0]).toContain('image 7');
    expect(result.cleared).toBe(true);
  });

  it('zooms with the wheel, goes from item to item with keys, and opens files', () => {
    expect(result.zoom).toBe('1.5×');
    expect(result.card).toMatch(/image \d+\.jpg/);
    expect(result.cells).toContain('note');
    expect((result.opened as string[])[0]).toMatch(/^pictures\/\d+\.jpg$/); // beside the page, so that both can be moved
    expect(result.picture).toBe(64);
  });

  it('has a scale for numbers, with what has none', () => {
    expect(result.scale).toBe('0241.5grey: 1 without a value');
  });

  it('has names for everything that can be used', () => {
    expect(result.accessible).toEqual(['application', `A map ${EVIL}: a map of 24 items`, 0]);
    expect(result.unnamed).toBe(0);
  });
});
