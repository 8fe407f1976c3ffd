/**
 * @file Chooses, for a whole training step, how each operator is computed and in which layout each feature map lies.
 *
 * Graphs are built and differentiated as ONNX has its operators. The runtime's own optimiser would find fast layouts for
 * networks with constant weights; in a training step weights change, so here is the like for those. The numbers stay the
 * same but for rounding.
 */
import type { Pruned } from '../onnx.js';
import type { Node, Value } from '../types.js';
import { lowerConv, lowerConvTranspose, lowerWeightGradient } from './convolution.js';
import { Layouts } from './layouts.js';
import { lowerBatchNorm, lowerElementwise, lowerGlobalAveragePool, lowerReduction } from './pointwise.js';

/** How to lower. */
export interface LowerOptions {
  /** Channels in a block of the runtime's blocked layout, 0 for none. */
  block: number;
  /** Names of inputs, parameters and outputs with four axes that are given and taken with their second axis last. */
  channelsLast: ReadonlySet<string>;
}

type Lowering = (l: Layouts, node: Node) => boolean;

const LOWERINGS: Readonly<Record<string, Lowering>> = {
  Conv: lowerConv,
  ConvTranspose: lowerConvTranspose,
  BatchNormalization: lowerBatchNorm,
  ReduceSum: lowerReduction,
  ReduceMean: lowerReduction,
  GlobalAveragePool: lowerGlobalAveragePool,
};

/** The name of the operator that stands for the gradient of a convolution's weight until it is lowered. */
export const WEIGHT_GRADIENT = 'ConvWeightGradient';

/** Whether a graph must be lowered before the runtime knows all its operators. */
export const needsLowering = (cut: Pruned): boolean => cut.nodes.some((n) => n.domain === 'afterimage');

/** The same network for the runtime. Shapes must be without symbols. */
export function lower(cut: Pruned, { block, channelsLast }: LowerOptions): Pruned {
  const graph = [...cut.outputs.values()][0]!.graph;
  const l = new Layouts(graph, block, cut);
  const turned = <V extends Value>(values: readonly V[]): V[] =>
    values.map((v) => {
      if (!channelsLast.has(v.name)) return v;
      const [a, b, c, d] = v.shape as number[];
      const given = { ...v, shape: [a!, c!, d!, b!] };
      l.place(v, 'nhwc', given);
      return given;
    });
  const inputs = turned(cut.inputs);
  const parameters = turned(cut.parameters);
  for (const node of cut.nodes) {
    if (node.op === WEIGHT_GRADIENT) lowerWeightGradient(l, node);
    else if (!(LOWERINGS[node.op] ?? lowerElementwise)(l, node)) keep(l, node);
  }
  const outputs = new Map(
    [...cut.outputs].map(([name, v]) => [name, l.in(v, channelsLast.has(name) ? 'nhwc' : 'nchw')]),
  );
  const { nodes, needed } = reached(l.nodes, outputs.values());
  const constants = [...cut.constants, ...l.constants].filter((c) => needed.has(c.value));
  return { nodes, inputs, parameters, constants, outputs };
}

/** The nodes that outputs depend on, in order, and all values on the way. */
function reached(nodes: readonly Node[], outputs: Iterable<Value>): { nodes: Node[]; needed: Set<Value> } {
  const needed = new Set(outputs);
  const kept = nodes.toReversed().filter((node) => {
    const isNeeded = node.outputs.some((v) => needed.has(v));
    if (isNeeded) for (const v of node.inputs) if (v) needed.add(v);
    return isNeeded;
  });
  return { nodes: kept.reverse(), needed };
}

/** Leaves a node as it is. */
function keep(l: Layouts, node: Node): void {
  const inputs = node.inputs.map((v) => v && l.in(v, 'nchw'));
  l.nodes.push({ ...node, inputs });
  for (const v of node.outputs) l.place(v, 'nchw', v);
}
