/** @file The heads of model cards, as publishers write them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readModelCard } from '#src/models/model-card.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afterimage-card-'));
});
afterAll(() => rm(folder, { recursive: true }));

it.each([
  [
    '---\nlicense: apache-2.0\ntags:\n- vision\n- image-classification\n---\n# Card',
    'apache-2.0',
    ['vision', 'image-classification'],
  ],
  ['---\r\ntags: [timm, "clip"]\r\nlicense: "mit" # free\r\n---\r\n', 'mit', ['timm', 'clip']],
  [
    '---\nlicense:\n- bsd-3-clause\n- mit\nwidget:\n- src: http://x/y#z\n  license: nested\n---\n',
    'bsd-3-clause',
    [],
  ],
  ['# No head\nlicense: mit', null, []],
  ['---\nlicense: mit\nno end', null, []],
  ['---\ntags:\nlicense:\n---\n', null, []],
  ['', null, []],
])('reads %j', async (text, licence, tags) => {
  await writeFile(join(folder, 'README.md'), text);
  expect(await readModelCard(folder)).toMatchObject({
    licence,
    tags,
    licenceFile: null,
    path: join(folder, 'README.md'),
  });
});

it('finds the licence’s text, and nothing where there is no card', async () => {
  await writeFile(join(folder, 'README.md'), '---\nlicense: other\nlicense_name: house-licence\n---\n');
  await writeFile(join(folder, 'LICENSE.txt'), 'text');
  expect(await readModelCard(folder)).toMatchObject({
    licence: 'other',
    licenceName: 'house-licence',
    licenceFile: join(folder, 'LICENSE.txt'),
  });
  expect(await readModelCard(join(folder, 'absent'))).toBeNull();
});
