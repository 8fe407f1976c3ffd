/**
 * @file What the catalogue knows of a model.
 */
import type { Filter, TransformSpec } from '../image/index.js';
import type { OutputName } from './architecture.js';

/** The five kinds of embedders, and what stands beside them. */
export type ModelFamily = 'cnn' | 'vit' | 'clip' | 'autoencoder' | 'siamese';

/** How images are prepared, in brief. The publisher's file is what counts when the model is loaded. */
export interface Preprocessing {
  /** The library whose preparation is reproduced. */
  readonly reference: 'transformers' | 'timm' | 'open_clip';
  /** The repository's file that says it in full. */
  readonly file: 'preprocessor_config.json' | 'config.json' | 'open_clip_config.json';
  /** Height and width of the network's input. */
  readonly size: readonly [number, number];
  /** To what the image is resized first: its shortest side, or exactly the input. */
  readonly resize: number | 'exact';
  readonly filter: Filter;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

interface Model {
  /** The short name. */
  readonly name: string;
  /** Other names for it, as other tools write them. */
  readonly aliases: readonly string[];
  readonly family: ModelFamily;
  /** The builder that it is recognised by. */
  readonly architecture: string;
  /** Whose names the tensors carry. */
  readonly layout: 'transformers' | 'timm' | 'torchvision' | 'open_clip' | 'afterimage';
  /** SPDX name. */
  readonly licence: string;
  /** Dimension of each output's vectors (of each token for `tokens`). */
  readonly outputs: Readonly<Partial<Record<OutputName, number>>>;
  readonly defaultOutput: OutputName;
  /** Whether it embeds texts into the same space. */
  readonly text: boolean;
  readonly parameters: number;
}

/** A model on the Hugging Face hub. */
export interface PublishedModel extends Model {
  readonly bundled: false;
  /** The publisher's repository. */
  readonly repo: string;
  /** A branch, tag or commit. */
  readonly revision: string;
  /** Files that it cannot do without. */
  readonly files: readonly string[];
  readonly preprocessing: Preprocessing;
  /** The full transform, where none of the publisher's files says it. */
  readonly transform?: TransformSpec;
  /** Size of the download in MB (10^6 bytes), about. */
  readonly megabytes: number;
}

/** A model that ships with this package, in `models/<name>`. */
export interface BundledModel extends Model {
  readonly bundled: true;
}
