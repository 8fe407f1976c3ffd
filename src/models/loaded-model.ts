/**
 * @file What a model is to those who use it, whatever its files are.
 */
import { ModelError, nearestName } from '../errors.js';
import type { Bind, Graph, Precision, Session, SessionOptions } from '../graph/index.js';
import type { TransformSpec } from '../image/index.js';
import type { OutputName, PublisherConfig } from './architecture.js';
import type { Backbone } from './backbone.js';
import type { TextTokenizer } from './tokenizer.js';

/** How a tower is opened. */
export interface TowerOptions extends SessionOptions {
  /** @default 'fp32' */
  dtype?: Precision | undefined;
  /** Told when a text is longer than the model's context and is cut. @default a process warning */
  onWarning?: ((message: string) => void) | undefined;
}

/** An image tower that is ready to run. */
export interface ImageTower {
  session: Session;
  /** The shape of the output for one image. */
  shape: readonly number[];
  /** The most images that one run takes. @default no limit */
  maxBatch?: number;
}

/** A text tower that is ready to run. */
export interface TextTower {
  session: Session;
  output: OutputName;
  tokenizer: TextTokenizer;
}

/** The image tower before it is a session: to export, to train further, to build on. */
export interface Network {
  readonly graph: Graph;
  /** Where its numbers are. */
  readonly bind: Bind;
  /** The network as something to train on top of, for images of the model's input size. */
  readonly backbone: Backbone;
}

/** A model whose files are at hand: what it can do is known, its networks are opened on demand. */
export interface LoadedModel {
  /** The short name, repository or path that identifies it. */
  readonly name: string;
  /** The commit on the hub, or null for local and bundled models. */
  readonly revision: string | null;
  readonly architecture: string;
  /** The folder or file with the weights. */
  readonly path: string;
  /** The publisher's configuration, or null where there is none. */
  readonly config: PublisherConfig;
  /** The image tower as a graph of its own; null for a ready-made `.onnx` file. */
  readonly network: Network | null;
  readonly licence: string | null;
  readonly transform: TransformSpec;
  readonly inputSize: { readonly height: number; readonly width: number };
  /** The name of the image tower's input. */
  readonly imageInput: string;
  /** The outputs that the image tower has, the default first. */
  readonly outputs: readonly OutputName[];
  readonly defaultOutput: OutputName;
  readonly hasText: boolean;
  /** sha256 of the weights. */
  weightsHash(): Promise<string>;
  /** @throws ModelError when there is no such output. */
  openImage(output: OutputName, options?: TowerOptions): Promise<ImageTower>;
  /** @throws ModelError when there is no text tower. */
  openText(options?: TowerOptions): Promise<TextTower>;
  /** exp of the learned logit scale and the bias that turn cosines into logits (CLIP, SigLIP), or null. */
  logitScale(): Promise<{ scale: number; bias: number } | null>;
}

/** The error for an output that a model does not have. */
export function noOutput(model: string, output: string, outputs: readonly string[]): ModelError {
  const near = nearestName(output, outputs);
  return new ModelError(`${model} has no output "${output}"${near ? `; did you mean "${near}"?` : ''}`, {
    hint: `its outputs are ${outputs.join(', ')}`,
  });
}
