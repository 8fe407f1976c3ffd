// Writes models/checksums.json: the sha256 of every file that a bundled model is made of. Run after changing one.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const models = path.join(import.meta.dirname, '..', 'models');
/** These change no vector. */
const BESIDE = ['README.md', 'golden.json'];

const folders = readdirSync(models, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const sums = {};
for (const name of folders.map((entry) => entry.name).sort()) {
  const files = readdirSync(path.join(models, name), { withFileTypes: true })
    .filter((entry) => entry.isFile() && !BESIDE.includes(entry.name))
    .map((entry) => entry.name);
  sums[name] = {};
  for (const file of files.sort()) {
    const content = readFileSync(path.join(models, name, file));
    sums[name][file] = createHash('sha256').update(content).digest('hex');
  }
}
writeFileSync(path.join(models, 'checksums.json'), `${JSON.stringify(sums, null, 2)}\n`);
