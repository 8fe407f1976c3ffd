/**
 * @file What an embedder gives back, item by item.
 */
import { AfterimageError, type ItemFailure } from '../errors.js';

/** One image or text with its vector. */
export interface Embedded {
  /** Position in the input, from 0. */
  index: number;
  /** The item's path, URL or `archive/member`; for a text, the text. */
  id: string;
  /** The embedding; for outputs of several axes (tokens) flattened row by row. */
  vector: Float32Array;
  /** For images: the picture's size as stored in the file, upright, and its format. */
  width?: number;
  height?: number;
  format?: string;
  /** Text and metadata that came with the item (captions in a webdataset, say). */
  text?: string;
  metadata?: Record<string, unknown>;
}

/** One item that failed; the others went on. */
export interface Failed {
  index: number;
  id: string;
  failure: ItemFailure;
}

/** What a stream of embeddings yields, in the order of the input. */
export type EmbeddingResult = Embedded | Failed;

/** True for an item that failed. */
export function isFailed(result: EmbeddingResult): result is Failed {
  return 'failure' in result;
}

/** How far a stream has come. */
export interface Progress {
  /** Items finished, failures included. */
  done: number;
  failed: number;
  /** All items, where the number is known. */
  total: number | undefined;
}

/**
 * Some items of a call that returns plain vectors failed. Everything that could be computed is in `vectors`.
 */
export class EmbeddingError extends AfterimageError {
  readonly failures: readonly ItemFailure[];
  /** Aligned with the input; null where the item failed. */
  readonly vectors: readonly (Float32Array | null)[];

  constructor(failures: readonly ItemFailure[], vectors: readonly (Float32Array | null)[]) {
    const first = failures[0]!;
    const more = failures.length > 1 ? ` and ${failures.length - 1} more` : '';
    super(
      'IMAGE',
      `${first.id}: ${first.reason}${more} (${failures.length} of ${vectors.length} items failed)`,
      {
        hint: 'the vectors of the other items are in error.vectors; pass onFailure to go on without an exception',
      },
    );
    this.failures = failures;
    this.vectors = vectors;
  }
}
