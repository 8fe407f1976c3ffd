/**
 * @file SigLIP (Zhai et al., 2023, arXiv:2303.15343) in transformers' layout: both towers, pooled by attention
 * (image) and at the last place (text).
 */
import { ModelError } from '../errors.js';
import { type Graph, ops, type Value } from '../graph/index.js';
import type { Architecture, PublisherConfig, TensorShapes } from './architecture.js';
import { clipBlock, textTowerOf, transformersTold, transformersVision } from './clip-layouts.js';
import { checkTensors, dense } from './layers.js';
import { activate, norm } from './transformer-layers.js';
import { type TextTower, textTrunk } from './transformer-layers-text.js';
import { resizeTower, type VisionTower, visionTrunk } from './transformer-layers-vision.js';

export interface SiglipConfig {
  readonly vision: {
    readonly tower: VisionTower /** Whether the file has the pooling head. */;
    readonly head: boolean;
  } | null;
  readonly text: {
    readonly tower: TextTower /** Width of the text's embedding. */;
    readonly projection: number;
  } | null;
  /** The tensors whose exponential scales cosines to logits, and that is added to them. */
  readonly logitScale: string | null;
  readonly logitBias: string | null;
}

/** Attention pooling: one learned query looks at all tokens; a residual MLP follows. [N, T, D] → [N, D] */
function attentionPool(tokens: Value, tower: VisionTower): Value {
  const head = 'vision_model.head';
  const { graph } = tokens;
  const { width, heads, epsilon, activation, hidden } = tower.encoder;
  const probe = ops.reshape(graph.parameter(`${head}.probe`, [1, 1, width]), [1, width]);
  const weight = graph.parameter(`${head}.attention.in_proj_weight`, [3 * width, width]);
  const bias = graph.parameter(`${head}.attention.in_proj_bias`, [3 * width]);
  const part = (x: Value, from: number, to: number) =>
    ops.linear(
      x,
      ops.slice(weight, 0, from * width, to * width),
      ops.slice(bias, 0, from * width, to * width),
    );
  const q = ops.expandBatch(ops.reshape(part(probe, 0, 1), [1, 1, width]), tokens);
  const [k, v] = ops.split(part(tokens, 1, 3), -1, 2) as [Value, Value];
  const seen = ops.reshape(ops.attention(q, k, v, { heads }), ['N', width]);
  const pooled = dense(seen, `${head}.attention.out_proj`, width);
  const inner = activate(
    dense(norm(pooled, `${head}.layernorm`, epsilon), `${head}.mlp.fc1`, hidden),
    activation,
  );
  return ops.add(pooled, dense(inner, `${head}.mlp.fc2`, width));
}

function imageGraph({ vision }: SiglipConfig): Graph {
  if (!vision) throw new ModelError('these SigLIP weights have no image tower');
  const { graph, blocks, body, unflatten } = visionTrunk('siglip-image', vision.tower);
  const tokens = unflatten(
    norm(blocks.last(body), 'vision_model.post_layernorm', vision.tower.encoder.epsilon),
  );
  if (vision.head) graph.output('projection', attentionPool(tokens, vision.tower));
  graph.output('mean', ops.mean(tokens, [1]));
  graph.output('tokens', tokens);
  return graph;
}

function textGraph({ text }: SiglipConfig): Graph | undefined {
  if (!text) return undefined;
  const { context, encoder } = text.tower;
  const { graph, blocks, body, unflatten } = textTrunk('siglip-text', text.tower, context);
  const final = (x: Value) => norm(x, 'text_model.final_layer_norm', encoder.epsilon);
  const pooler = final(blocks.lastOf(body, { token: (x) => ops.select(x, 1, context - 1) }));
  graph.output('projection', dense(pooler, 'text_model.head', text.projection));
  graph.output('pooler', pooler);
  graph.output('tokens', unflatten(final(blocks.last(body))));
  return graph;
}

function configure(config: PublisherConfig, tensors: TensorShapes): SiglipConfig | undefined {
  const projection = tensors.get('text_model.head.weight')?.shape[0];
  const hasVision =
    tensors.has('vision_model.embeddings.patch_embedding.bias') &&
    !tensors.has('vision_model.embeddings.class_embedding');
  if (projection === undefined && !hasVision) return undefined;
  const defaults = { activation: 'gelu-tanh', epsilon: 1e-6 } as const;
  const names = {
    tokens: 'text_model.embeddings.token_embedding.weight',
    positions: 'text_model.embeddings.position_embedding.weight',
    block: clipBlock('text_model.encoder.layers.{}.'),
  };
  const vision = hasVision
    ? {
        tower: transformersVision(tensors, transformersTold(config, 'vision', defaults)),
        head: tensors.has('vision_model.head.probe'),
      }
    : null;
  const text =
    projection === undefined
      ? null
      : { tower: textTowerOf(tensors, names, transformersTold(config, 'text', defaults), false), projection };
  const result: SiglipConfig = {
    vision,
    text,
    logitScale: tensors.has('logit_scale') ? 'logit_scale' : null,
    logitBias: tensors.has('logit_bias') ? 'logit_bias' : null,
  };
  const of = (prefix: string) => new Map([...tensors].filter(([name]) => name.startsWith(prefix)));
  if (vision) checkTensors('SigLIP', imageGraph(result), of('vision_model.'), /position_ids$/);
  const texts = textGraph(result);
  if (texts) checkTensors('SigLIP', texts, of('text_model.'), /position_ids$/);
  return result;
}

/**
 * SigLIP. Image outputs: `projection` (the attention-pooled embedding, transformers' `pooler_output`), `mean` of the
 * tokens after the last norm, `tokens` after it. Text outputs: `projection`, `pooler` (the last place after the last
 * norm), `tokens`. Texts are padded to the full context, as the network was trained: that is what the fixed length of
 * `input_ids` asks for.
 */
export const siglip: Architecture<SiglipConfig> = {
  name: 'siglip',
  configure,
  image: imageGraph,
  text: textGraph,
  defaultOutput: ({ vision }) => (vision?.head === false ? 'mean' : 'projection'),
  inputSize: ({ vision }) => vision?.tower.input ?? { height: 224, width: 224 },
  resize: (config, size) =>
    config.vision
      ? { ...config, vision: { ...config.vision, tower: resizeTower(config.vision.tower, size) } }
      : config,
};
