/**
 * @file What a data set is, whatever it was read from: images, and what is known of them. Numbers refer to images by
 * their place in `items`.
 */
import type { ItemFailure } from '../../errors.js';

/** One of the three parts into which data is split. */
export type Part = 'train' | 'validation' | 'test';

/** The parts, in the order in which they are shown. */
export const PARTS: readonly Part[] = ['train', 'validation', 'test'];

/** One image. */
export interface DataItem {
  /**
   * Its path below the folder, archive or label file that was opened, with `/`: the same on every machine. Images named
   * by a glob or a list keep the names that they were given.
   */
  id: string;
  /** A path or URL; the bytes of an archive's member. */
  input: string | Uint8Array;
  /** The name of its class. */
  label?: string | undefined;
  /** What it shares with images that must not be on another side of a split: a person, a product, a scan. */
  group?: string | undefined;
}

/** What is known of the images. */
export type DataSetKind = 'labelled' | 'unlabelled' | 'pairs' | 'triplets';

/**
 * Images and what is known of them. Its **units**, which a split divides and a sampler draws, are the images of labelled
 * and unlabelled data and the rows of pairs and triplets.
 */
export interface DataSet {
  kind: DataSetKind;
  /** Sorted by id, each id once. */
  items: DataItem[];
  /** Names of the classes, sorted by code unit; empty unless `kind` is `labelled`. */
  classes: string[];
  /** The class of each item, an index into `classes`; null unless `kind` is `labelled`. */
  labels: Int32Array | null;
  /** `[P, 2]` items, in the order of the file. */
  pairs?: Int32Array;
  /** `[P]`: 1 where the two images of a pair belong together, 0 where they do not. */
  same?: Uint8Array;
  /** `[T, 3]` items: anchor, positive, negative, in the order of the file. */
  triplets?: Int32Array;
  /** The part of each unit, where the data says so itself (folders train, validation, test; a column); or null. */
  given: Part[] | null;
  /** Images found but not readable when the data was opened (damaged members of archives); not among the items. */
  unreadable: ItemFailure[];
  /** What a person should know: rows passed over, folders that could not be entered. */
  warnings: string[];
}

/** Units of a {@link DataSet} by part, each ascending. */
export interface DataSplit {
  train: Int32Array;
  validation: Int32Array;
  test: Int32Array;
}

/** How data is found and read. Plain JSON. */
export interface DataSetOptions {
  /**
   * What the data is to be read as. Folders and archives are labelled when all their images lie in two or more class
   * folders, and otherwise unlabelled; of a table, the columns decide.
   */
  kind?: DataSetKind | undefined;
  /** A label file (CSV, Parquet, JSONL) for the images in the folder or archive that is opened. */
  labels?: string | undefined;
  /**
   * For a label file that is opened: the folder or archive in which its paths start.
   * @default the folder of the file
   */
  images?: string | undefined;
  /** Column of paths. @default the first there is of `path`, `image`, `file`, `filename`, `image_path`, … */
  pathColumn?: string | undefined;
  /** Column of class names. @default the first there is of `label`, `class`, `category`, `target`, … */
  labelColumn?: string | undefined;
  /** Column of groups; see {@link DataItem.group}. @default `group`, where there is one */
  groupColumn?: string | undefined;
  /** Column that says `train`, `validation` (`val`, `valid`, `dev`) or `test`. @default `split`, where there is one */
  splitColumn?: string | undefined;
  /** Columns of the two paths of a pair. @default `a` and `b`, or `image1` and `image2`, or the like */
  pairColumns?: [a: string, b: string] | undefined;
  /** Column that tells pairs that belong together (1) from others (0). @default `same`, `label`, …; none: all do */
  sameColumn?: string | undefined;
  /** Columns of a triplet's paths. @default `anchor`, `positive`, `negative` */
  tripletColumns?: [anchor: string, positive: string, negative: string] | undefined;
  /**
   * How many folders below the root name the class: 1 for `cat/1.jpg`, 2 for `Balinese/character01/0108_01.png`.
   * @default 1
   */
  classDepth?: number | undefined;
  /** How many folders below the root name the group. @default none: there are no groups */
  groupDepth?: number | undefined;
  /** Take folders `train`, `validation`, `test` (or `val`, …) and the split column as the split. @default true */
  givenSplit?: boolean | undefined;
  /** Globs of which an image must match one; as in `expandInputs`. */
  include?: string[] | undefined;
  /** Globs that leave out images and folders. */
  exclude?: string[] | undefined;
  /** What happens when a label file names images that are not there. @default 'error' */
  onMissing?: 'error' | 'skip' | undefined;
}
