/** @file The page of results: what can be embedded is shown, what cannot has a frame, and nothing breaks out of the page. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { SAMPLES } from '#src/embedding/index.js';
import { decodeImage } from '#src/image/index.js';
import { contactSheet } from '#src/pages/contact-sheet.js';
import { writeResultSheet } from '#src/pages/result-sheet.js';
import { scratch } from '../cli/run.js';

const { folder, remove } = scratch();
afterAll(remove);

const FILES = path.join(import.meta.dirname, '..', 'fixtures', 'image', 'files');
const heic = path.join(
  process.env.AFTERIMAGE_DATA ?? path.join(import.meta.dirname, '..', '..', '..', 'shared'),
  'data',
  'odd',
  'example.heic',
);

const items = (page: string) => page.match(/<li>.*?<\/li>/gs) ?? [];
const picture = (item: string) => {
  const data = /src="data:image\/webp;base64,([^"]+)"/.exec(item)?.[1];
  return data === undefined ? undefined : Buffer.from(data, 'base64');
};

it('shows formats and orientations as they are embedded', async () => {
  const names = ['bmp-24.bmp', 'jpeg-exif-6.jpg', 'tiff-orientation-3.tif', 'webp-exif-8.webp'];
  const files = names.map((name) => path.join(FILES, name));
  if (existsSync(heic)) files.push(heic);
  else console.log(`no ${heic}: HEIC is not tested`);
  const page = path.join(folder, 'formats.html');
  await writeResultSheet(
    page,
    'search',
    'odd ones',
    files.map((file) => ({ file, caption: '0.5' })),
  );
  const found = items(readFileSync(page, 'utf8'));
  expect(found).toHaveLength(files.length);
  for (const [i, item] of found.entries()) {
    const exact = await decodeImage(readFileSync(files[i]!));
    const small = await sharp(picture(item)).raw().toBuffer({ resolveWithObject: true });
    const { width, height } = small.info;
    expect(Math.abs(width / height - exact.width / exact.height)).toBeLessThan(0.05 * (width / height));
    const raw = { width: exact.width, height: exact.height, channels: 3 } as const;
    const expected = await sharp(exact.data, { raw }).resize(width, height, { fit: 'fill' }).raw().toBuffer();
    const error = expected.reduce((sum, x, j) => sum + Math.abs(x - small.data[j]!), 0) / expected.length;
    expect(error).toBeLessThan(8); // levels of 255: a picture on its side has 40 and more
  }
});

it('has a frame for a picture that is gone, a link for each, and no markup from names', async () => {
  const page = path.join(folder, 'deep', 'hits.html');
  const bad = path.join(folder, '<img src=x onerror=alert(1)>"&.jpg');
  const hits = [
    { file: path.join(SAMPLES, 'cat-portrait.jpg'), caption: '0.31\n99 %' },
    { file: bad, caption: '</ol><script>' },
    { file: 'https://example.invalid/a%20b.jpg?x=1&y=2', caption: '0.2' },
  ];
  await writeResultSheet(page, 'search', 'a <b>cat</b>', hits);
  const text = readFileSync(page, 'utf8');
  expect(text).not.toMatch(/<script|<b>|onerror=alert\(1\)>/);
  const found = items(text);
  expect(found.map((item) => picture(item) !== undefined)).toEqual([true, false, false]);
  expect(found[1]).toContain('class="missing" role="img"');
  const links = found.map((item) => /href="([^"]*)"/.exec(item)![1]!.replaceAll('&#38;', '&'));
  expect(fileURLToPath(links[0]!)).toBe(hits[0]!.file);
  expect(links[1]).toBe(pathToFileURL(bad).href);
  expect(links[2]).toBe(hits[2]!.file);
});

it('writes a page without hits, and says when it cannot be written', async () => {
  const page = path.join(folder, 'empty.html');
  await writeResultSheet(page, 'search', 'nothing', []);
  expect(readFileSync(page, 'utf8')).toContain('nothing was found');
  const within = path.join(page, 'not-a-folder.html');
  await expect(writeResultSheet(within, 'search', 'x', [])).rejects.toThrow('it cannot be written');
});

it('stores a picture of a contact sheet once, however often it is shown', async () => {
  const cat = { file: path.join(SAMPLES, 'cat-portrait.jpg'), caption: 'cat' };
  const gone = { file: path.join(folder, 'gone.jpg'), caption: 'gone' };
  const page = await contactSheet('title', 'subtitle', [
    { query: cat, found: [cat, gone] },
    { query: 'a "cat"', found: [cat] },
  ]);
  expect(page.match(/data:image\/webp/g)).toHaveLength(1);
  expect(page.match(/<div class="p0" role="img"/g)).toHaveLength(3);
  expect(page.match(/class="missing"/g)).toHaveLength(1);
  expect(page).toContain('<q>a &#34;cat&#34;</q>');
});
