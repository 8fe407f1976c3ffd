/**
 * @file Checks this installation against numbers that Python made: the packaged samples decoded and resized by
 * Pillow, and embedded with the bundled models by PyTorch. They lie in `golden.json` beside a model's weights.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeImage, type Filter, type RgbImage, resize } from '../image/index.js';
import { catalogue } from '../models/catalogue.js';
import { cosineSimilarity } from '../vectors/vectors.js';
import { type Embedder, loadEmbedder } from './embedder.js';
import { sha256 } from './identity.js';

/** The folder of sample images that comes with the package. */
export const SAMPLES = fileURLToPath(new URL('../../samples/', import.meta.url));

/** One comparison with Python. */
export interface SelfCheck {
  /** What was checked: `open mini-cnn`, `decode cat.jpg`, `resize cat.jpg`, `embed cat.jpg with mini-cnn`. */
  name: string;
  passed: boolean;
  /** What was found. */
  detail: string;
}

/** A sample in the file of numbers. Hashes are SHA-256 of interleaved 8-bit RGB. */
interface Sample {
  file: string;
  decoded: { width: number; height: number; sha256: string };
  resized: { filter: Filter; width: number; height: number; sha256: string }[];
  /** The model's default output, L2-normalised. */
  vector: number[];
}

/** The file of numbers. */
interface Golden {
  /** What made them: names with versions. */
  reference: Record<string, string>;
  samples: Sample[];
  /** Of a model that embeds texts, too. */
  texts?: { text: string; vector: number[] }[];
}

type Outcome = Omit<SelfCheck, 'name'>;
type Check = (name: string, work: () => Promise<Outcome>) => Promise<void>;

/** Vectors count as equal from this cosine on, and up to this difference relative to the largest number. */
const TOLERANCE = { cosine: 0.999999, relative: 1e-4 };

/**
 * Opens every bundled model, and compares those that have golden numbers.
 * @returns the checks, and what the golden numbers were made with. A part that cannot run is a check that failed.
 */
export async function selfTest(): Promise<{ reference: Record<string, string>; checks: SelfCheck[] }> {
  const checks: SelfCheck[] = [];
  const reference: Record<string, string> = {};
  const check: Check = async (name, work) => {
    if (checks.some((done) => done.name === name)) return; // models share samples
    try {
      checks.push({ name, ...(await work()) });
    } catch (error) {
      checks.push({ name, passed: false, detail: error instanceof Error ? error.message : String(error) });
    }
  };
  for (const { name, bundled } of catalogue) {
    if (!bundled) continue;
    let embedder: Embedder | undefined;
    try {
      let golden: Golden = { reference: {}, samples: [] };
      await check(`open ${name}`, async () => {
        embedder = await loadEmbedder(name, { inline: true, workers: 0 });
        golden = (await readGolden(embedder.model.path)) ?? golden;
        return { passed: true, detail: `${embedder.dimension} numbers a vector` };
      });
      if (embedder) await compare(name, embedder, golden, check);
      Object.assign(reference, golden.reference);
    } finally {
      await embedder?.close();
    }
  }
  if (Object.keys(reference).length === 0)
    checks.push({ name: 'golden numbers', passed: false, detail: 'no bundled model has any' });
  return { reference, checks };
}

async function readGolden(folder: string): Promise<Golden | undefined> {
  const text = await readFile(path.join(folder, 'golden.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Golden);
}

async function compare(model: string, embedder: Embedder, golden: Golden, check: Check): Promise<void> {
  for (const sample of golden.samples) {
    const { file } = sample;
    const image = await readFile(path.join(SAMPLES, file))
      .then((bytes) => decodeImage(bytes, { source: file }))
      .catch((error: Error) => error);
    await check(`decode ${file}`, async () => {
      if (image instanceof Error) throw image;
      return samePixels(image, sample);
    });
    if (image instanceof Error) continue;
    await check(`resize ${file}`, async () => sameResized(image, sample));
    await check(`embed ${file} with ${model}`, async () => {
      const [got] = await embedder.embedImages([path.join(SAMPLES, file)]);
      return sameVector(got!, sample.vector);
    });
  }
  for (const { text, vector } of golden.texts ?? [])
    await check(`embed "${text}" with ${model}`, async () => {
      const [got] = await embedder.embedTexts([text]);
      return sameVector(got!, vector);
    });
}

function samePixels(image: RgbImage, { decoded }: Sample): Outcome {
  const { width, height } = decoded;
  const size = `${image.width} × ${image.height}`;
  if (size !== `${width} × ${height}`)
    return { passed: false, detail: `${size} pixels; Pillow gives ${width} × ${height}` };
  const passed = sha256(image.data) === decoded.sha256;
  return { passed, detail: `${size} pixels, ${passed ? 'each equal to' : 'some different from'} Pillow’s` };
}

function sameResized(image: RgbImage, { resized }: Sample): Outcome {
  const wrong = resized.filter(({ filter, width, height, sha256: expected }) => {
    return sha256(resize(image, width, height, filter).data) !== expected;
  });
  const names = (list: Sample['resized']) => list.map((r) => r.filter).join(', ');
  if (wrong.length > 0) return { passed: false, detail: `${names(wrong)}: some pixels differ from Pillow’s` };
  return { passed: true, detail: `${names(resized)}: every pixel equal to Pillow’s` };
}

function sameVector(got: Float32Array, expected: readonly number[]): Outcome {
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
