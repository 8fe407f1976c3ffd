/** @file Which model suits a folder of images: each embeds it, and all are measured on the same images. */
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { EmbeddingIdentity } from '../embedding/identity.js';
import type { Progress } from '../embedding/results.js';
import { AfterimageError, type ItemFailure, ModelError, UsageError } from '../errors.js';
import { expandInputs } from '../image/index.js';
import { cacheFolder } from '../models/cache.js';
import { plural } from '../units.js';
import { keepVectorsApart } from './compare-process.js';
import { type ComparedMeasure, compareScores, verdictOf } from './compare-scores.js';
import type { KeepSpec, KeptVectors, Listing } from './compare-vectors.js';
import { type EvaluateOptions, evaluateSet } from './evaluate.js';
import { openVectorSet } from './open.js';
import type { Score } from './score.js';
import { labelsOf } from './targets.js';
import type { VectorSet } from './vector-set.js';

/** Options of {@link compareModels}. */
export interface CompareOptions extends Omit<EvaluateOptions, 'ids' | 'onStep'> {
  /** A table beside the images, whose columns can be named. */
  table?: string | undefined;
  /** Its column that names the images. */
  idColumn?: string | undefined;
  /** Where vectors are kept, so that nothing is computed twice. @default `compare` in the cache folder */
  keep?: string | undefined;
  /** How the models are opened. */
  embedderOptions?: KeepSpec['options'] | undefined;
  onProgress?: ((model: string, progress: Progress) => void) | undefined;
  onFailure?: ((model: string, failure: ItemFailure) => void) | undefined;
  onStep?: ((model: string, what: string) => void) | undefined;
  onWarning?: ((message: string) => void) | undefined;
}

/** What was found out about a model. */
export interface ComparedModel {
  name: string;
  identity: EmbeddingIdentity;
  dimension: number;
  /** Reading, decoding and the network, as measured while the images were embedded. */
  imagesPerSecond: number;
  /** Whether the vectors, and with them the speed and the memory, are of an earlier run. */
  kept: boolean;
  /** Bytes of the weights on the disk. */
  weights: number;
  /** The most memory that the process took that embedded, in bytes. */
  memory: number;
  failed: number;
  scores: Score[];
  notes: string[];
}

export interface Comparison {
  images: string;
  /** Images that every model has a vector of, on which all were measured. */
  items: number;
  models: ComparedModel[];
  /** Models that could not be used. */
  refused: { name: string; reason: string; hint: string | undefined }[];
  measures: ComparedMeasure[];
  /** Which model is best and which cannot be told apart from it, in words. */
  verdict: string;
}

/** A model with its vectors. */
interface Candidate {
  name: string;
  vectors: KeptVectors;
  set: VectorSet;
}

/**
 * Embeds images with each model and measures the vectors by the classes or captions that there are, on the images that
 * all models could embed. Vectors are kept: a run that was ended goes on, and a model that was there is not run again.
 *
 * @param models short names, folders of models, `.onnx` files
 * @param images a folder, an archive, a file of images
 * @throws UsageError when there is no image, neither classes nor captions, or what is named does not fit; ModelError
 *   when no model could be used.
 */
export async function compareModels(
  models: readonly string[],
  images: string,
  options: CompareOptions = {},
): Promise<Comparison> {
  const names = [...new Set(models)];
  if (names.length === 0) throw new UsageError('compare: expected at least one model but received none');
  const keep = options.keep ?? path.join(cacheFolder(), 'compare');
  const listing = await listImages(images);
  await mkdir(keep, { recursive: true });
  const refused: Comparison['refused'] = [];
  const candidates: Candidate[] = [];
  try {
    for (const name of names) {
      const vectors = await embedWith(name, images, listing, keep, options).catch((error: unknown) => {
        options.signal?.throwIfAborted();
        if (!(error instanceof AfterimageError)) throw error;
        refused.push({ name, reason: error.message, hint: error.hint });
      });
      if (vectors === undefined) continue;
      const { table, idColumn, embedderOptions, onWarning } = options;
      const set = await openVectorSet(vectors.file, {
        model: name,
        embedderOptions: { ...embedderOptions, lazy: true }, // texts alone are embedded from here on
        table,
        idColumn,
        onWarning: candidates.length === 0 ? onWarning : undefined, // it would say the same of each
      });
      candidates.push({ name, vectors, set });
    }
    if (candidates.length === 0)
      throw new ModelError(
        `none of ${names.length} models could be used: ${refused[0]!.name}: ${refused[0]!.reason}`,
        {
          hint: refused[0]!.hint,
        },
      );
    const ids = new Set(candidates[0]!.set.ids.filter((id) => id in listing));
    for (const { set } of candidates) {
      const has = new Set(set.ids);
      for (const id of ids) if (!has.has(id)) ids.delete(id);
    }
    if (ids.size === 0) throw new UsageError(`${images}: there is no image that every model could embed`);
    const compared: ComparedModel[] = [];
    for (const candidate of candidates.slice()) {
      options.signal?.throwIfAborted();
      const { name, vectors } = candidate;
      const { scores, notes } = await measure(candidate, ids, options);
      compared.push({
        name,
        identity: vectors.identity,
        dimension: vectors.identity.dimension,
        imagesPerSecond: vectors.embedded / vectors.seconds,
        kept: vectors.fresh === 0,
        weights: vectors.weights,
        memory: vectors.memory,
        failed: vectors.failed,
        scores,
        notes,
      });
      candidates.shift();
      await candidate.set.close(); // its text tower need not stay
    }
    const measures = compareScores(compared, options);
    return { images, items: ids.size, models: compared, refused, measures, verdict: verdictOf(measures) };
  } finally {
    await Promise.all(candidates.map(({ set }) => set.close()));
  }
}

async function embedWith(
  name: string,
  images: string,
  listing: Listing,
  keep: string,
  { embedderOptions = {}, signal, onProgress, onFailure }: CompareOptions,
): Promise<KeptVectors> {
  const spec: KeepSpec = { model: name, images, listing, keep, options: embedderOptions };
  const told = {
    onProgress: (progress: Progress) => onProgress?.(name, progress),
    onFailure: (failure: ItemFailure) => onFailure?.(name, failure),
  };
  const vectors = await keepVectorsApart(spec, told, signal);
  if (vectors.embedded === 0)
    throw new ModelError(`${name}: none of ${plural(vectors.failed, 'image')} could be embedded`);
  return vectors;
}

/** The scores of a model; without those of captions where it has no text tower. */
async function measure({ name, vectors, set }: Candidate, ids: ReadonlySet<string>, options: CompareOptions) {
  const given: EvaluateOptions = { ...options, ids, onStep: (what) => options.onStep?.(name, what) };
  if (given.captions === undefined || vectors.hasText) return evaluateSet(set, given);
  const note = `${name} has no text tower: captions say nothing about it`;
  if (given.label === undefined && !(await hasClasses(set))) return { scores: [], notes: [note] };
  const found = await evaluateSet(set, { ...given, captions: undefined });
  return { ...found, notes: [note, ...found.notes] };
}

async function hasClasses(set: VectorSet): Promise<boolean> {
  return labelsOf(set).then(
    () => true,
    (error: unknown) => {
      if (error instanceof UsageError) return false;
      throw error;
    },
  );
}

/** The images by id, with what tells that one has changed. @throws UsageError when there is none */
async function listImages(images: string): Promise<Listing> {
  const listing: Record<string, string> = {};
  if (!(await stat(images).catch(() => undefined)))
    throw new UsageError(`no file or folder "${images}"`, { hint: 'name a folder of images with --images' });
  for await (const { id, input } of expandInputs([images])) {
    const info = typeof input === 'string' ? await stat(input).catch(() => undefined) : undefined;
    listing[id] = info ? `${info.size} ${info.mtimeMs}` : '';
  }
  if (Object.keys(listing).length === 0)
    throw new UsageError(`${images}: there is no image in it`, {
      hint: 'name a folder of images with --images',
    });
  return listing;
}
