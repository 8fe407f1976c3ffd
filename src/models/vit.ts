/**
 * @file Vision Transformers (Dosovitskiy et al., 2021, arXiv:2010.11929) in the layouts of transformers, timm and
 * torchvision (see `vit-layouts.ts`), with the variants that share them: DeiT's distillation token, register tokens,
 * LayerScale, SwiGLU, mean pooling. Sizes are read from the tensors.
 */
import { type Graph, ops, type Value } from '../graph/index.js';
import type { Architecture, PublisherConfig, TensorShapes } from './architecture.js';
import { checkTensors, dense } from './layers.js';
import { norm } from './transformer-layers.js';
import { resizeTower, type VisionTower, visionTrunk } from './transformer-layers-vision.js';
import { layoutOf } from './vit-layouts.js';

/** What a classifier reads. */
export type Classified =
  | 'cls'
  | 'mean'
  /** The class token and the mean of the patches, one after the other (DINOv2). */
  | 'cls-and-mean'
  /** The mean of two classifiers, on the class token and on the distillation token (DeiT). */
  | 'cls-and-distillation';

export interface VitConfig {
  readonly tower: VisionTower;
  /** The norm of all tokens after the last block, or null where the pooled vector is normed instead. */
  readonly norm: string | null;
  /** The norm of the pooled vector (timm's `fc_norm`), or null. */
  readonly poolNorm: string | null;
  /** A dense layer with tanh on the class token (transformers' pooler), or null. */
  readonly pooler: string | null;
  /** Dense layers that give class scores, and what they read; null where the file has none. */
  readonly classifier: {
    readonly names: readonly string[];
    readonly classes: number;
    readonly of: Classified;
  } | null;
}

/** Builds the graph of a Vision Transformer. */
export function vitGraph(name: string, config: VitConfig): Graph {
  const { tower, classifier } = config;
  const { epsilon, width } = tower.encoder;
  const { graph, blocks, body, unflatten, special } = visionTrunk(name, tower);
  const normed = (x: Value, which: string | null) => (which === null ? x : norm(x, which, epsilon));
  const token = (index: number) => {
    const last = blocks.lastOf(body, { token: (x) => ops.select(x, 1, index) });
    return normed(normed(last, config.norm), config.poolNorm);
  };

  const tokens = unflatten(normed(blocks.last(body), config.norm));
  const patches = special === 0 ? tokens : ops.slice(tokens, 1, special, tokens.shape[1] as number);
  const mean = normed(ops.mean(patches, [1]), config.poolNorm);
  const cls = special > 0 && (config.poolNorm === null || classifier?.of === 'cls') ? token(0) : null;

  if (cls) graph.output('cls', cls);
  graph.output('mean', mean);
  graph.output('tokens', tokens);
  if (cls && config.pooler) graph.output('pooler', ops.tanh(dense(cls, config.pooler, width)));
  if (classifier) {
    const scores = (x: Value, i = 0) => dense(x, classifier.names[i]!, classifier.classes);
    graph.output('logits', logits(classifier.of, { cls, mean, token, scores }));
  }
  return graph;
}

function logits(
  of: Classified,
  parts: { cls: Value | null; mean: Value; token(i: number): Value; scores(x: Value, i?: number): Value },
): Value {
  const { mean, token, scores } = parts;
  const cls = parts.cls ?? mean;
  switch (of) {
    case 'cls':
      return scores(cls);
    case 'mean':
      return scores(mean);
    case 'cls-and-mean':
      return scores(ops.concat([cls, mean], -1));
    case 'cls-and-distillation':
      return ops.mul(ops.add(scores(cls), scores(token(1), 1)), 0.5);
    default:
      return of satisfies never;
  }
}

function configure(config: PublisherConfig, tensors: TensorShapes): VitConfig | undefined {
  const found = layoutOf(config, tensors);
  if (found) checkTensors('ViT', vitGraph('vit', found), tensors, /mask_token$/);
  return found;
}

/**
 * ViT-Ti/S/B/L/H at any patch and image size. Outputs: `cls`, the class token after the last norm; `mean`, the mean of
 * the patch tokens after it; `pooler`; `tokens`, all tokens after it, special ones first; `logits`. Where the network
 * norms its pooled mean instead of the tokens (timm's `fc_norm`), `mean` is that and `tokens` are not normed.
 */
export const vit: Architecture<VitConfig> = {
  name: 'vit',
  configure,
  image: (config) => vitGraph('vit', config),
  defaultOutput: ({ tower, classifier }) =>
    tower.special.length === 0 || classifier?.of === 'mean' ? 'mean' : 'cls',
  inputSize: ({ tower }) => tower.input,
  resize: (config, size) => ({ ...config, tower: resizeTower(config.tower, size) }),
};
