/** @file One model's vectors of a folder, kept on the disk beside what they cost to make. */
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { embedToFile } from '../embedding/embed-files.js';
import { type EmbedderOptions, loadEmbedder } from '../embedding/embedder.js';
import { type EmbeddingIdentity, identityKey } from '../embedding/identity.js';
import type { Progress } from '../embedding/results.js';
import type { ItemFailure } from '../errors.js';
import { writeAtomically } from '../models/cache.js';

/** What tells that a file has changed: its size and time; an empty text where it has none. */
export type Listing = Readonly<Record<string, string>>;

/** What is to be embedded, as plain JSON. */
export interface KeepSpec {
  model: string;
  /** The folder, archive or file of images. */
  images: string;
  /** Its images by id. */
  listing: Listing;
  /** The folder that keeps vectors. */
  keep: string;
  options: Pick<EmbedderOptions, 'dtype' | 'threads' | 'batchSize' | 'workers' | 'offline'>;
}

/** Vectors of a model, and what they cost. */
export interface KeptVectors {
  /** A Parquet file. */
  file: string;
  identity: EmbeddingIdentity;
  hasText: boolean;
  /** Bytes of the weights on the disk. */
  weights: number;
  /** Images that were embedded when the time was taken, now or earlier, and the time in seconds. */
  embedded: number;
  seconds: number;
  /** The most memory that the process took meanwhile, in bytes. */
  memory: number;
  /** Images that this run embedded; 0 where all vectors were there. */
  fresh: number;
  failed: number;
}

/** What lies beside the vectors. */
interface KeptRecord {
  /** Of all images that there ever were. */
  listing: Listing;
  /** Whether the file holds all of them. */
  complete: boolean;
  embedded: number;
  seconds: number;
  memory: number;
  failed: number;
}

/**
 * Embeds what is not there yet: a run that was ended goes on where it was, and vectors of files that have changed since
 * are made anew.
 * @throws as {@link loadEmbedder} and {@link embedToFile}.
 */
export async function keepVectors(
  { model, images, listing, keep, options }: KeepSpec,
  told: { onProgress(progress: Progress): void; onFailure(failure: ItemFailure): void },
): Promise<KeptVectors> {
  await using embedder = await loadEmbedder(model, options);
  const { identity } = embedder;
  const place = createHash('sha256').update(path.resolve(images)).digest('hex').slice(0, 8);
  const name = path.basename(identity.model).replaceAll(/[^\w.-]/g, '_');
  const base = path.join(keep, `${name}-${identityKey(identity)}-${place}`);
  const file = `${base}.parquet`;
  const known = await readRecord(`${base}.json`);
  const changed = Object.entries(known?.listing ?? {}).some(
    ([id, mark]) => id in listing && listing[id] !== mark,
  );
  const added = Object.keys(listing).some((id) => known?.listing[id] === undefined);
  let record = changed ? undefined : known;
  let fresh = 0;
  if (!record?.complete || added || !(await exists(file))) {
    const before = record ?? { embedded: 0, seconds: 0, memory: 0, failed: 0, listing: {} };
    const begun = { ...before, listing: { ...before.listing, ...listing }, complete: false };
    if (changed) await Promise.all([file, `${file}.partial`].map((old) => rm(old, { force: true })));
    // Told before the first vector, so that a run that goes on later knows which files they are of.
    await writeAtomically(`${base}.json`, JSON.stringify(begun));
    const summary = await embedToFile({ inputs: [images] }, file, { model: embedder, resume: true, ...told });
    fresh = summary.embedded;
    record = {
      listing: begun.listing,
      complete: true,
      embedded: before.embedded + fresh,
      seconds: before.seconds + (fresh > 0 ? summary.seconds : 0),
      memory: Math.max(before.memory, process.resourceUsage().maxRSS * 1024),
      failed: summary.failed,
    };
    await writeAtomically(`${base}.json`, JSON.stringify(record));
  }
  const { embedded, seconds, memory, failed } = record;
  const weights = await bytesOfWeights(embedder.model.path);
  return { file, identity, hasText: embedder.hasText, weights, embedded, seconds, memory, fresh, failed };
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}

async function readRecord(file: string): Promise<KeptRecord | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as KeptRecord);
  } catch {
    return undefined; // damaged: as if it were not there
  }
}

/** The file, or of a folder the files of the format that is read from it. */
async function bytesOfWeights(place: string): Promise<number> {
  const info = await stat(place);
  if (!info.isDirectory()) return info.size;
  const names = await readdir(place);
  for (const ending of [/\.safetensors$/, /\.onnx(_data|\.data)?$/, /./]) {
    const found = names.filter((name) => ending.test(name));
    const sizes = await Promise.all(found.map(async (name) => (await stat(path.join(place, name))).size));
    if (sizes.length > 0) return sizes.reduce((sum, size) => sum + size, 0);
  }
  return 0;
}
