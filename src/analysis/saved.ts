/**
 * @file What was fitted to vectors, as one file: numbers in safetensors, everything else as JSON in its metadata. It
 * belongs to the vectors that it was fitted to: their identity is in it, and vectors of another are refused.
 */
import { assertSameIdentity, type EmbeddingIdentity, parseIdentity } from '../embedding/identity.js';
import { FormatError } from '../errors.js';
import { openWeights, readTensor, type TensorData, writeSafetensors } from '../models/weights/index.js';
import type { VectorSet } from './vector-set.js';

/** What a file can hold. */
export type SavedKind = 'classifier' | 'regressor';

/** Something fitted, apart from what it is made of. */
export interface Saved {
  kind: SavedKind;
  /** The vectors that it was fitted to; null where their file did not say, and then any of the same dimension are taken. */
  identity: EmbeddingIdentity | null;
  /** Numbers per vector. */
  dimension: number;
  /** Plain JSON: the method, its options, the classes' names, what was measured, when it was made. */
  config: Record<string, unknown>;
  tensors: Record<string, TensorData>;
}

/** Tensors that were read back, by name. */
export interface LoadedTensors {
  readonly [name: string]: Float32Array;
}

/** Writes the file, whole or not at all. @throws WeightsError when the disk refuses */
export async function saveFitted(
  file: string,
  { kind, identity, dimension, config, tensors }: Saved,
): Promise<void> {
  const about = { kind, version: 1, identity, dimension, config };
  await writeSafetensors(file, tensors, { afterimage: JSON.stringify(about) });
}

/**
 * Reads the file.
 * @throws WeightsError when it is missing or damaged, FormatError when it holds something else.
 */
export async function loadFitted(
  file: string,
  kind: SavedKind,
): Promise<
  Omit<Saved, 'tensors'> & { tensors: LoadedTensors; shapes: Readonly<Record<string, readonly number[]>> }
> {
  const source = await openWeights(file);
  const text = source.metadata.afterimage;
  const about =
    text === undefined ? undefined : (JSON.parse(text) as Omit<Saved, 'tensors'> & { version: number });
  if (about?.kind !== kind)
    throw new FormatError(
      file,
      `expected a ${kind} but found ${about ? `a ${about.kind}` : 'weights of something else'}`,
    );
  if (about.version !== 1)
    throw new FormatError(file, `it is of version ${about.version}, and this Afterimage reads version 1`);
  const identity = about.identity === null ? null : (parseIdentity(about.identity) ?? null);
  const tensors: Record<string, Float32Array> = {};
  const shapes: Record<string, readonly number[]> = {};
  for (const [name, { shape }] of source.tensors) {
    tensors[name] = await readTensor(source, name);
    shapes[name] = shape;
  }
  return { kind, identity, dimension: about.dimension, config: about.config, tensors, shapes };
}

/** @throws IdentityError, or UsageError for another dimension, when what was fitted is not for these vectors. */
export function assertFits(file: string, saved: Pick<Saved, 'identity' | 'dimension'>, set: VectorSet): void {
  if (saved.identity && set.identity) assertSameIdentity(saved.identity, set.identity, file);
  if (saved.dimension !== set.dimension)
    throw new FormatError(
      file,
      `it takes vectors of ${saved.dimension} numbers, and those of ${set.source} have ${set.dimension}`,
    );
}

/** What was measured may be NaN, which JSON writes as null: puts it back, in place. */
export function restoreNaN(value: object): void {
  for (const [key, inner] of Object.entries(value)) {
    if (inner === null) Object.assign(value, { [key]: Number.NaN });
    else if (typeof inner === 'object') restoreNaN(inner as object);
  }
}
