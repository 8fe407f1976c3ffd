// A folder that changes: what is embedded again when half of it is renamed, some files change, vanish, or are damaged.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { indexFolder, openCollection } from '../../dist/collection/index.js';
import { scratch } from '../lib.mjs';

const CHANGED = 10;
const DELETED = 10;
const CORRUPT = 5;

export async function incremental({ data, log }) {
  const photographs = path.join(data, 'flickr8k', 'images');
  const vit = path.join(data, '..', 'weights', 'vit_tiny_patch16_224');
  if (!existsSync(photographs) || !existsSync(vit)) return { skipped: `no ${photographs} or ${vit}` };
  const folder = path.join(scratch, 'changing');
  rmSync(folder, { recursive: true, force: true });
  cpSync(photographs, folder, { recursive: true });
  const names = readdirSync(folder).sort();
  const collection = await openCollection(path.join(folder, '.afterimage'), {
    create: true,
    root: folder,
  });
  const rows = [];
  const run = async (what, options = {}) => {
    log(`${what} …`);
    const { spaces } = await indexFolder(collection, options);
    for (const s of spaces)
      rows.push([
        what,
        s.model,
        ...[s.embedded, s.reused, s.unchanged, s.removed, s.failed, s.items, s.seconds.toFixed(1)].map(
          String,
        ),
      ]);
  };
  await run('first', { model: 'mini-clip' });
  await run('another model beside it', { model: vit });
  const files = names.map((name) => path.join(folder, name));
  for (const file of files.slice(0, CHANGED)) {
    const pixels = await sharp(readFileSync(file)).modulate({ brightness: 0.8 }).webp().toBuffer();
    writeFileSync(file, pixels);
  }
  for (const file of files.slice(CHANGED, CHANGED + DELETED)) rmSync(file);
  const corrupt = files.slice(CHANGED + DELETED, CHANGED + DELETED + CORRUPT);
  for (const file of corrupt) writeFileSync(file, readFileSync(file).subarray(0, 500));
  mkdirSync(path.join(folder, 'renamed'));
  const half = files.slice(-Math.floor(names.length / 2));
  for (const file of half) renameSync(file, path.join(folder, 'renamed', `moved-${path.basename(file)}`));
  await run('after the changes');
  await run('once more');
  await collection.close();
  return {
    head: ['run', 'model', 'embedded', 'reused', 'unchanged', 'removed', 'failed', 'items', 's'],
    rows,
    note: `${names.length} photographs of Flickr8k; between the second and the third run ${half.length} were renamed into another folder, ${CHANGED} changed, ${DELETED} deleted and ${CORRUPT} cut off after 500 bytes. Renamed files are known by their bytes, so only the changed ones go through the network again; a damaged one loses its vector and is not tried again until it changes.`,
  };
}
