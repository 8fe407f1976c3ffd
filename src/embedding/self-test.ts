/**
 * @file Checks this installation against numbers that Python made: the packaged samples decoded and resized by
 * Pillow, and embedded with the bundled model by PyTorch. They lie in `golden.json` beside the bundled weights.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeImage, type Filter, resize } from '../image/index.js';
import { type Embedder, loadEmbedder } from './embedder.js';
import { sha256 } from './identity.js';
import { cosineSimilarity } from './vectors.js';

/** The folder of sample images that comes with the package. */
export const SAMPLES = fileURLToPath(new URL('../../samples/', import.meta.url));

/** One comparison with Python. */
export interface SelfCheck {
  /** What was checked: `decode cat.jpg`, `resize cat.jpg`, `embed cat.jpg`. */
  name: string;
  passed: boolean;
  /** What was found. */
  detail: string;
}

/** The file of numbers. Hashes are SHA-256 of interleaved 8-bit RGB. */
interface Golden {
  /** What made them: names with versions. */
  reference: Record<string, string>;
  samples: {
    file: string;
    decoded: { width: number; height: number; sha256: string };
    resized: { filter: Filter; width: number; height: number; sha256: string }[];
    /** The bundled model's default output, L2-normalised. */
    vector: number[];
  }[];
}

/** Vectors count as equal from this cosine on, and up to this difference relative to the largest number. */
const TOLERANCE = { cosine: 0.999999, relative: 1e-4 };

/**
 * Runs all checks.
 * @returns the checks, and what the golden numbers were made with. A part that cannot run is a check that failed.
 */
export async function selfTest(): Promise<{ reference: Record<string, string>; checks: SelfCheck[] }> {
  const checks: SelfCheck[] = [];
  const check = async (name: string, work: () => Promise<Omit<SelfCheck, 'name'>>): Promise<void> => {
    try {
      checks.push({ name, ...(await work()) });
    } catch (error) {
      checks.push({ name, passed: false, detail: error instanceof Error ? error.message : String(error) });
    }
  };
  let embedder: Embedder | undefined;
  let golden: Golden = { reference: {}, samples: [] };
  try {
    await check('open the bundled model', async () => {
      embedder = await loadEmbedder(undefined, { inline: true, workers: 0 });
      golden = JSON.parse(await readFile(path.join(embedder.model.path, 'golden.json'), 'utf8')) as Golden;
      const { name } = embedder.model;
      return { passed: true, detail: `${name}, ${embedder.dimension} numbers a vector` };
    });
    for (const { file, decoded, resized, vector } of golden.samples) {
      const image = await readFile(path.join(SAMPLES, file))
        .then((bytes) => decodeImage(bytes, { source: file }))
        .catch((error: Error) => error);
      await check(`decode ${file}`, async () => {
        if (image instanceof Error) throw image;
        const size = `${image.width} × ${image.height}`;
        if (size !== `${decoded.width} × ${decoded.height}`)
          return {
            passed: false,
            detail: `${size} pixels; Pillow gives ${decoded.width} × ${decoded.height}`,
          };
        const passed = sha256(image.data) === decoded.sha256;
        return {
          passed,
          detail: `${size} pixels, ${passed ? 'each equal to' : 'some different from'} Pillow’s`,
        };
      });
      if (image instanceof Error) continue;
      await check(`resize ${file}`, async () => {
        const wrong = resized.filter(({ filter, width, height, sha256: expected }) => {
          return sha256(resize(image, width, height, filter).data) !== expected;
        });
        const names = (list: typeof resized) => list.map((r) => r.filter).join(', ');
        if (wrong.length > 0)
          return { passed: false, detail: `${names(wrong)}: some pixels differ from Pillow’s` };
        return { passed: true, detail: `${names(resized)}: every pixel equal to Pillow’s` };
      });
      await check(`embed ${file}`, async () => {
        const [got] = await embedder!.embedImages([path.join(SAMPLES, file)]);
        return sameVector(got!, vector);
      });
    }
  } finally {
    await embedder?.close();
  }
  return { reference: golden.reference, checks };
}

function sameVector(got: Float32Array, expected: readonly number[]): Omit<SelfCheck, 'name'> {
  if (got.length !== expected.length)
    return { passed: false, detail: `${got.length} numbers; PyTorch gives ${expected.length}` };
  const cosine = cosineSimilarity(got, expected);
  const largest = Math.max(...expected.map(Math.abs));
  const relative = Math.max(...expected.map((x, i) => Math.abs(x - got[i]!))) / largest;
  return {
    passed: cosine >= TOLERANCE.cosine && relative <= TOLERANCE.relative,
    detail: `cosine ${cosine.toFixed(9)} to PyTorch’s, largest relative difference ${relative.toExponential(1)}`,
  };
}
