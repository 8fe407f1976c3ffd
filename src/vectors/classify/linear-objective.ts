/**
 * @file The loss of a linear classifier over all items and its gradient, through the numeric engine.
 *
 * One graph computes scores, losses, their slopes and the gradient for a block of items: two matrix products a block.
 * Blocks are added up in float64.
 */
import { Graph, openSession, ops, type Value } from '../../graph/index.js';
import type { FitInput } from './classifier.js';
import { blockRows } from './scorer.js';

/** How many scores tell so many classes apart: two need one, which is positive for the second. */
export const scoresFor = (classes: number): number => (classes === 2 ? 1 : classes);

/**
 * What is minimised, for a block of items `[N × S]`.
 *
 * @param scores a linear function of each item for each score.
 * @param member 1 where the score is that of the item's class, elsewhere 0.
 * @param weights of the item in the loss of the score.
 * @returns the loss of each item `[N]`, and its derivative with respect to the scores `[N × S]`.
 */
export type LossOf = (scores: Value, member: Value, weights: Value) => { loss: Value; slope: Value };

/** What is classified in place of the vectors: `width` numbers made of each in the graph. */
export interface Features {
  readonly width: number;
  apply(x: Value): Value;
}

/** Sums over all items, of coefficients `[S × D]` with S intercepts behind them. */
export interface LinearObjective {
  /** The loss; writes its gradient. */
  evaluate(coefficients: Float64Array, gradient: Float64Array): Promise<number>;
  close(): Promise<void>;
}

/**
 * @param weightOf the weight of the items of a class in the loss of a score.
 * @param features @default the vectors
 */
export async function openLinearObjective(
  { vectors: { data, dimension }, labels, classes, options }: FitInput,
  lossOf: LossOf,
  weightOf: (label: number, score: number) => number,
  features: Features = { width: dimension, apply: (x) => x },
): Promise<LinearObjective> {
  const { width } = features;
  const scores = scoresFor(classes);
  const table = (cell: (label: number, score: number) => number) =>
    Float32Array.from({ length: classes * scores }, (_, i) => cell(Math.floor(i / scores), i % scores));
  const tables = {
    members: table((label, score) => Number(label === (scores === 1 ? 1 : score))),
    weights: table(weightOf),
  };
  const graph = objectiveGraph(dimension, classes, features, lossOf);
  const session = await openSession(
    graph,
    ({ name }) => ({ data: tables[name as keyof typeof tables], dtype: 'float32' }),
    options.session,
  );
  const rows = blockRows(Math.max(dimension, width, classes));
  return {
    async evaluate(coefficients, gradient) {
      gradient.fill(0);
      let total = 0;
      for (let first = 0; first < labels.length; first += rows) {
        options.signal?.throwIfAborted();
        const block = data.slice(first * dimension, (first + rows) * dimension);
        const own = labels.slice(first, first + rows);
        const result = await session.run({
          vectors: { data: block, dims: [own.length, dimension] },
          labels: { data: own, dims: [own.length] },
          weight: {
            data: Float32Array.from(coefficients.subarray(0, scores * width)),
            dims: [scores, width],
          },
          bias: { data: Float32Array.from(coefficients.subarray(scores * width)), dims: [scores] },
        });
        for (const loss of result.loss!.data as Float32Array) total += loss;
        const [dWeight, dBias] = [result.dWeight!.data as Float32Array, result.dBias!.data as Float32Array];
        for (let i = 0; i < dWeight.length; i++) gradient[i]! += dWeight[i]!;
        for (let i = 0; i < dBias.length; i++) gradient[scores * width + i]! += dBias[i]!;
      }
      return total;
    },
    close: () => session.release(),
  };
}

function objectiveGraph(dimension: number, classes: number, features: Features, lossOf: LossOf): Graph {
  const scores = scoresFor(classes);
  const graph = new Graph('linear-classifier');
  const x = features.apply(graph.input('vectors', ['N', dimension]));
  const labels = graph.input('labels', ['N'], 'int32');
  const weight = graph.input('weight', [scores, features.width]);
  const bias = graph.input('bias', [scores]);
  const [member, weights] = ['members', 'weights'].map((name) =>
    ops.gather(graph.parameter(name, [classes, scores]), labels),
  );
  const { loss, slope } = lossOf(ops.gemm(x, weight, bias, { transposeB: true }), member!, weights!);
  graph.output('loss', loss);
  graph.output('dWeight', ops.gemm(slope, x, null, { transposeA: true }));
  graph.output('dBias', ops.sum(slope, [0]));
  return graph;
}
