/** @file Runs a loss and its gradients as one graph, and measures how far they are from what they should be. */
import { gradients } from '#src/graph/differentiate.js';
import { Graph, openSession, type Tensor, type Value } from '#src/graph/index.js';
import type { LossParameter } from '#src/training/losses/index.js';

/** A float32 tensor as the fixtures hold it. */
export interface Packed {
  shape: number[];
  float32: string;
}

export function unpack({ float32 }: Packed): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(float32, 'base64')).buffer);
}

export interface Computed {
  value: number;
  gradients: Float32Array[];
}

/**
 * The loss that `build` appends over float32 inputs of these shapes and over the labels, with its gradients for the
 * inputs and then for the parameters that it declared.
 */
export async function compute(
  inputs: readonly { shape: readonly number[]; data: Float32Array }[],
  build: (values: Value[], graph: Graph) => Value,
  more: {
    labels?: readonly number[];
    parameters?: ReadonlyMap<string, LossParameter>;
    differentiate?: boolean;
  } = {},
): Promise<Computed> {
  const graph = new Graph('loss');
  const values = inputs.map((t, i) => graph.input(`x${i}`, t.shape));
  const wrt = [...values];
  const feeds: Record<string, Tensor> = {};
  inputs.forEach((t, i) => {
    feeds[`x${i}`] = { data: t.data.slice(), dims: t.shape };
  });
  if (more.labels) {
    values.push(graph.input('labels', [more.labels.length], 'int64'));
    feeds.labels = { data: BigInt64Array.from(more.labels, BigInt), dims: [more.labels.length] };
  }
  const loss = build(values, graph);
  graph.output('loss', loss);
  wrt.push(...graph.parameters.values());
  if (more.differentiate ?? true)
    gradients(loss, wrt).forEach((g, i) => {
      graph.output(`gradient${i}`, g);
    });
  const session = await openSession(
    graph,
    (p) => ({ data: more.parameters!.get(p.name)!.data, dtype: 'float32' }),
    { inline: true, threads: 1 },
  );
  const results = await session.run(feeds);
  await session.release();
  return {
    value: Number(results.loss!.data[0]),
    gradients: wrt.flatMap((_, i) => (results[`gradient${i}`]?.data as Float32Array | undefined) ?? []),
  };
}

/** The largest difference over the largest magnitude that should be there; absolute where that is zero. */
export function deviation(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    worst = difference <= worst ? worst : difference; // NaN stays
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return scale === 0 ? worst : worst / scale;
}
