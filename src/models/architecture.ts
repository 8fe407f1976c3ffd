/**
 * @file What an architecture is: a function from a configuration to graphs.
 *
 * A builder declares its parameters under the names that the publisher's weight file uses, so weights are bound by
 * name without conversion. Where publishers lay the same network out differently (transformers, timm, open_clip,
 * torchvision), the configuration says which layout it is.
 */
import type { Graph } from '../graph/index.js';

/** The outputs that embedders offer, by their names in the field. A graph declares those that the network has. */
export type OutputName =
  /** class scores before softmax */
  | 'logits'
  /** spatial features averaged to one vector (CNNs) */
  | 'pooled'
  /** the activations before the classifier, where they are not the pooled features (VGG's second dense layer) */
  | 'penultimate'
  /** the class token after the last norm (ViT) */
  | 'cls'
  /** the mean of the patch tokens after the last norm */
  | 'mean'
  /** the publisher's pooler on top (a dense layer with tanh, or attention pooling) */
  | 'pooler'
  /** all tokens: [N, T, D] */
  | 'tokens'
  /** the joint image–text space (CLIP, SigLIP), before L2 normalisation */
  | 'projection'
  /** the bottleneck of an autoencoder */
  | 'latent'
  /** the log of the latent's variance (variational autoencoders) */
  | 'log_variance'
  /** the decoder's image: [N, 3, H, W] in 0..1 */
  | 'reconstruction'
  /** the head of a Siamese network, or the embedding that a ready-made file declares */
  | 'embedding';

/** Names and shapes of the tensors in a weight file. */
export type TensorShapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** A publisher's `config.json`, or null where there is none. */
export type PublisherConfig = Readonly<Record<string, unknown>> | null;

export interface Architecture<C> {
  /** The architecture's short name: `resnet`, `vit`, `clip`, … */
  readonly name: string;
  /**
   * Recognises a model by its publisher's configuration and by the names and shapes of its tensors, and returns what
   * the builders need; undefined when it is another architecture.
   * @throws ModelError when it is this architecture in a variant that the builders do not know.
   */
  configure(config: PublisherConfig, tensors: TensorShapes): C | undefined;
  /** The image tower: input `pixel_values` [N, 3, H, W] float32; outputs by {@link OutputName}. */
  image(config: C): Graph;
  /**
   * The text tower, or undefined where the weights have none: input `input_ids` [N, T] int64 (and `attention_mask`
   * where it matters).
   */
  text?(config: C): Graph | undefined;
  /** The output that is the model's embedding unless another is asked for. */
  defaultOutput(config: C): OutputName;
  /** Height and width of the input image. */
  inputSize(config: C): { height: number; width: number };
  /** The same network for images of another size; its position embeddings are resampled as its publisher does. */
  resize?(config: C, size: { height: number; width: number }): C;
}
