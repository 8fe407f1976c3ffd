// The data of the section "bundled": parts of data sets, always the same, none of which a bundled model was trained on.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expandInputs } from '../../dist/image/index.js';
import { openDataSet } from '../../dist/training/data/dataset.js';
import { readTable } from '../../dist/training/data/dataset-table.js';
import { here } from '../lib.mjs';

const shared = process.env.AFTERIMAGE_DATA ?? path.join(here, '..', '..', 'shared');
const data = (...names) => path.join(shared, 'data', ...names);
/** The teacher, and what its figures are called. */
export const TEACHER = {
  name: 'ViT-Ti/16',
  folder: path.join(shared, 'weights', 'vit_tiny_patch16_224'),
  output: 'embedding',
};
/** At most so many of everything, to try the section out. */
export const limit = Number(process.env.BENCH_LIMIT ?? Number.POSITIVE_INFINITY);

/** What the section cannot do without and does not find; undefined when all is there. */
export function missing() {
  const needs = [data('clothing'), data('flickr8k', 'images'), data('tiny_imagenet'), TEACHER.folder];
  return needs.find((folder) => !existsSync(folder));
}

/** All of a list, or `limit` of it, evenly spread. */
function some(list, most = limit) {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)]);
}

let clothes;
/** A part of the clothing photographs: `items` (files) and `labels`. */
export async function clothing(part) {
  clothes ??= await openDataSet(data('clothing'));
  const chosen = some(clothes.items.map((_, i) => i).filter((i) => clothes.given[i] === part));
  return {
    name: `clothing ${part}`,
    items: chosen.map((i) => clothes.items[i].input),
    labels: Int32Array.from(chosen, (i) => clothes.labels[i]),
  };
}

/** The photographs of Flickr8k that nothing was trained on: numpy's default_rng(20).permutation of the sorted names. */
export function photographs() {
  const folder = data('flickr8k', 'images');
  const files = new Map(readdirSync(folder).map((file) => [path.parse(file).name, path.join(folder, file)]));
  const list = path.join(here, 'peers', 'bundled', 'flickr8k-held-out.txt');
  const names = readFileSync(list, 'utf8').trim().split(/\r?\n/);
  const items = some(names).map((name) => {
    const file = files.get(name);
    if (!file) throw new Error(`${folder}: expected a photograph named ${name}`);
    return file;
  });
  return { name: 'photographs', items };
}

/** Five captions of each photograph, in the order of the photographs. */
export async function captions(items) {
  const byName = new Map();
  for (const row of (await readTable(data('flickr8k', 'captions.csv'))).rows) {
    const { name } = path.parse(row.cell('image'));
    byName.set(name, [...(byName.get(name) ?? []), row.cell('caption')]);
  }
  return items.flatMap((item) => {
    const own = byName.get(path.parse(item).name) ?? [];
    if (own.length !== 5) throw new Error(`${item}: expected 5 captions but found ${own.length}`);
    return own;
  });
}

/** Every twentieth picture of Tiny-ImageNet in the order of its archives, its class, and the classes' first names. */
export async function tinyPictures() {
  const folder = data('tiny_imagenet');
  const { rows } = await readTable(path.join(folder, 'classes.csv'));
  const classes = rows.map((row) => row.cell('wnid'));
  const archives = readdirSync(folder)
    .filter((file) => file.endsWith('.tar'))
    .sort();
  const kept = [];
  let index = 0;
  for await (const { id, input } of expandInputs(archives.map((file) => path.join(folder, file))))
    if (index++ % 20 === 0) kept.push({ input, label: classes.indexOf(id.split('/').at(-2)) });
  const chosen = some(kept);
  return {
    name: 'tiny pictures',
    items: chosen.map(({ input }) => input),
    labels: Int32Array.from(chosen, ({ label }) => label),
    names: rows.map((row) => row.cell('names').split(',')[0].trim()),
  };
}
