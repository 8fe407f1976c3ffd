/**
 * @file What a map's page carries: one JSON document, and blocks of numbers and pictures that it refers to by their
 * place. Blocks are base64 in script elements of their own, decoded when they are needed. Everything has one entry for
 * each item, in one order.
 */

/** The place of a block. The type of its numbers stands beside it; they are little-endian. */
export type Block = number;

/** A column: values by their place in a dictionary, or numbers. */
export type PayloadColumn =
  | { name: string; kind: 'kinds'; values: string[]; codes: Block; bytes: 1 | 2 | 4 } // code 0: empty; i: values[i − 1]
  | { name: string; kind: 'numbers'; data: Block; bytes: 4 | 8; time: boolean }; // NaN: empty

/** Small pictures in atlases of `columns²` square cells. */
export interface PayloadPictures {
  cell: number;
  columns: number;
  /** WebP, one each. */
  atlases: Block[];
  /** Int32: the cell of each item, −1 where it has none. */
  slots: Block;
  /** Uint8: width and height of each cell's picture. */
  sizes: Block;
}

/**
 * Vectors of fewer dimensions for items and words. With an item's vector x ≈ mean + Σ z·axis, and a word's unit vector t,
 * t·x ≈ t·mean + Σ (t·axis)·z: what is kept of a word are t·mean and t·axis, of an item z.
 */
export interface PayloadWords {
  dimension: number;
  words: string[];
  /** Int8 [items × dimension] with one float32 factor for each dimension. */
  items: Block;
  itemScales: Block;
  /** Int8 [words × dimension] with one float32 factor for each word. */
  vectors: Block;
  wordScales: Block;
  /** Float32: t·mean of each word. */
  offsets: Block;
  /** The share of the first 20 items that full vectors find, too, 0..1; measured over a sample of the words. */
  agreement: number;
}

/** The document. */
export interface MapPayload {
  version: 1;
  title: string;
  count: number;
  /** Shown under "About this map": names and values. */
  facts: [string, string][];
  /** Ids without what all of them begin with. */
  names: string[];
  prefix: string;
  /** What links begin with; what follows are the names, or `links` where they differ. */
  base: string;
  links: string[] | null;
  /** Float32 [items]. */
  x: Block;
  y: Block;
  columns: PayloadColumn[];
  /** The column that gives the colours at first; null for none. */
  color: string | null;
  pictures: PayloadPictures | null;
  words: PayloadWords | null;
}

/** How a page that is a map can be recognised. */
export const MAP_MARK = '<meta name="generator" content="Afterimage map">';
