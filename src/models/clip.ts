/**
 * @file CLIP (Radford et al., 2021, arXiv:2103.00020): an image and a text tower that meet in one space, in the
 * layouts of transformers and of open_clip (see `clip-layouts.ts`).
 */
import { ModelError } from '../errors.js';
import { type Graph, ops, type Value } from '../graph/index.js';
import type { Architecture, PublisherConfig, TensorShapes } from './architecture.js';
import { clipLayoutOf } from './clip-layouts.js';
import { checkTensors } from './layers.js';
import { norm } from './transformer-layers.js';
import { firstPositionOf, positionOfLargest, type TextTower, textTrunk } from './transformer-layers-text.js';
import { resizeTower, type VisionTower, visionTrunk } from './transformer-layers-vision.js';

/** A product without bias into the joint space: stored as [out, in] (transformers) or [in, out] (open_clip). */
export interface Projection {
  readonly name: string;
  readonly out: number;
  readonly transposed: boolean;
}

/** One tower: its encoder, the norm after it, the projection. */
export interface ClipTower<T> {
  readonly tower: T;
  readonly norm: string;
  readonly projection: Projection | null;
}

export interface ClipConfig {
  readonly vision: ClipTower<VisionTower> | null;
  readonly text:
    | (ClipTower<TextTower> & {
        /** The id at whose first place a text is pooled; null: at its largest id. */
        readonly end: number | null;
      })
    | null;
  /** The tensor whose exponential scales cosines to logits, and the one added to them, where the file has them. */
  readonly logitScale: string | null;
  readonly logitBias: string | null;
}

function project(x: Value, { name, out, transposed }: Projection): Value {
  const { graph } = x;
  const width = x.shape[1] as number;
  return transposed
    ? ops.gemm(x, graph.parameter(name, [width, out]), null)
    : ops.linear(x, graph.parameter(name, [out, width]), null);
}

function imageGraph({ vision }: ClipConfig): Graph {
  if (!vision)
    throw new ModelError('these CLIP weights have no image tower', {
      hint: 'use the full model of its publisher',
    });
  const { graph, blocks, body, unflatten, special } = visionTrunk('clip-image', vision.tower);
  const { epsilon } = vision.tower.encoder;
  const tokens = unflatten(blocks.last(body));
  const cls = norm(blocks.lastOf(body, { token: (x) => ops.select(x, 1, 0) }), vision.norm, epsilon);
  if (vision.projection) graph.output('projection', project(cls, vision.projection));
  graph.output('cls', cls);
  const patches = ops.slice(tokens, 1, special, tokens.shape[1] as number);
  graph.output('mean', ops.mean(norm(patches, vision.norm, epsilon), [1]));
  graph.output('tokens', tokens);
  return graph;
}

function textGraph({ text }: ClipConfig): Graph | undefined {
  if (!text) return undefined;
  const { graph, ids, blocks, body, unflatten } = textTrunk('clip-text', text.tower, 'T');
  const { epsilon } = text.tower.encoder;
  const end = text.end === null ? positionOfLargest(ids) : firstPositionOf(ids, text.end);
  const one = graph.constant(BigInt64Array.of(1n), [], 'int64');
  const visible = ops.cast(ops.add(end, one), 'int32');
  const last = blocks.lastOf(body, { token: (x) => ops.gatherPerItem(x, end), visible });
  const pooler = norm(last, text.norm, epsilon);
  if (text.projection) graph.output('projection', project(pooler, text.projection));
  graph.output('pooler', pooler);
  graph.output('tokens', unflatten(norm(blocks.last(body), text.norm, epsilon)));
  return graph;
}

function configure(config: PublisherConfig, tensors: TensorShapes): ClipConfig | undefined {
  const found = clipLayoutOf(config, tensors);
  if (!found) return undefined;
  const known = new Map(tensors);
  const ignored = /position_ids$|attn_mask$|^(input_resolution|context_length|vocab_size)$/;
  for (const graph of [found.vision && imageGraph(found), textGraph(found)]) {
    if (!graph) continue;
    const own = new Map([...tensors].filter(([name]) => graph.parameters.has(name)));
    checkTensors('CLIP', graph, own);
    for (const name of own.keys()) known.delete(name);
  }
  for (const name of [found.logitScale, found.logitBias]) if (name) known.delete(name);
  const left = [...known.keys()].find((name) => !ignored.test(name));
  if (left)
    throw new ModelError(`CLIP: the weights have a layer that the network has no place for: "${left}"`);
  return found;
}

/**
 * CLIP ViT-B/32, B/16, L/14 and their kin. Image outputs: `projection` (the embedding), `cls` (the class token after
 * the last norm: transformers' `pooler_output`), `mean` of the patches after that norm, `tokens` (transformers'
 * `last_hidden_state`, before it). Text outputs: `projection`, `pooler` (the end's token after the last norm), `tokens`
 * (after it). Texts are of any length up to the context and need no attention mask: padding follows the end, where the
 * causal mask hides it.
 */
export const clip: Architecture<ClipConfig> = {
  name: 'clip',
  configure,
  image: imageGraph,
  text: textGraph,
  defaultOutput: ({ vision, text }) => ((vision ?? text)?.projection ? 'projection' : 'cls'),
  inputSize: ({ vision }) => vision?.tower.input ?? { height: 224, width: 224 },
  resize: (config, size) =>
    config.vision
      ? { ...config, vision: { ...config.vision, tower: resizeTower(config.vision.tower, size) } }
      : config,
};
