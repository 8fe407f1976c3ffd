/**
 * @file Whether a bundled model is whole: each of its files is compared with its checksum before the model is used.
 *
 * The checksums lie beside the folders of the models, in `models/checksums.json`, and are made by `scripts/checksums.mjs`.
 * Model cards and golden numbers are not among them: what they say changes no vector.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { WeightsError } from '../errors.js';

/** sha256 (hex) of a model's files, by their names. */
export type Checksums = Readonly<Record<string, string>>;

const REINSTALL =
  'reinstall the package: npm uninstall afterimage && npm install afterimage (in a checkout: git restore models)';

const whole = new Map<string, Checksums>();

/**
 * Makes sure that every file of a bundled model is there and is what was packaged. About 1 ms a megabyte, once a process.
 * @param folder `models/<name>` of the package
 * @returns the checksums of its files
 * @throws WeightsError that names the first file that is missing or damaged.
 */
export function checkBundled(folder: string): Checksums {
  const known = whole.get(folder);
  if (known) return known;
  const name = path.basename(folder);
  const expected = checksumsOf(folder);
  for (const [file, sum] of Object.entries(expected)) {
    const place = path.join(folder, file);
    const found = createHash('sha256').update(read(place, name)).digest('hex');
    if (found !== sum)
      throw new WeightsError(
        place,
        `this file of the bundled model ${name} is damaged (sha256 ${found.slice(0, 8)}…, expected ${sum.slice(0, 8)}…)`,
        { hint: REINSTALL },
      );
  }
  whole.set(folder, expected);
  return expected;
}

function checksumsOf(folder: string): Checksums {
  const name = path.basename(folder);
  const list = path.join(path.dirname(folder), 'checksums.json');
  const text = read(list, name).toString();
  try {
    const sums = (JSON.parse(text) as Record<string, Checksums>)[name];
    if (sums) return sums;
  } catch {
    // said below
  }
  throw new WeightsError(list, `expected JSON with the checksums of the bundled model ${name}`, {
    hint: REINSTALL,
  });
}

function read(file: string, model: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new WeightsError(
      file,
      `this file of the bundled model ${model} ${missing ? 'is missing' : 'cannot be read'}`,
      { hint: REINSTALL, cause },
    );
  }
}
