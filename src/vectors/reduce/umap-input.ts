/** @file What maps are drawn of: vectors of unit length, enough of them, and not all equal. */
import { UsageError } from '../../errors.js';
import type { SessionOptions } from '../../graph/index.js';
import { approximateNeighbourGraph } from '../approximate-neighbours.js';
import type { Nearest } from '../exact-search.js';
import { countOf, isUnit, toUnit, type Vectors } from '../vectors.js';

/**
 * The vectors in unit length: themselves, if they are.
 * @throws UsageError when there are fewer than four, all are equal, a number is not finite, or `dimensions` is no
 *   whole number from 1 on.
 */
export function checkMapped(
  vectors: Vectors,
  what: string,
  dimensions: number,
): { unit: Vectors; count: number } {
  const count = countOf(vectors, what);
  if (count < 4)
    throw new UsageError(`${what}: expected at least 4 vectors but received ${count}`, {
      hint: 'so few need no map',
    });
  if (!Number.isInteger(dimensions) || dimensions < 1)
    throw new UsageError(`dimensions: expected a whole number of at least 1 but received ${dimensions}`);
  const { data, dimension } = vectors;
  let equal = true;
  for (let i = dimension; equal && i < data.length; i++) equal = data[i] === data[i - dimension];
  if (equal)
    throw new UsageError(`${what}: expected different vectors but received ${count} equal ones`, {
      hint: 'the network that made them has collapsed, or the images are the same',
    });
  return { unit: isUnit(vectors) ? vectors : toUnit(vectors), count };
}

/**
 * How many neighbours to look at.
 * @throws UsageError when there are not so many others.
 */
export function neighboursOf(given: number | undefined, usual: number, count: number): number {
  const k = given ?? Math.min(usual, count - 1);
  if (!Number.isInteger(k) || k < 1 || k >= count)
    throw new UsageError(`neighbours: expected a whole number from 1 to ${count - 1} but received ${k}`, {
      hint: `there are ${count} vectors`,
    });
  return k;
}

/**
 * The `k` nearest of each vector: found, or those of the graph that was given.
 * @throws UsageError when the graph has fewer.
 */
export async function neighboursIn(
  unit: Vectors,
  k: number,
  options: {
    graph?: Nearest | undefined;
    seed?: number | undefined;
    session?: SessionOptions | undefined;
    signal?: AbortSignal | undefined;
  },
): Promise<Nearest> {
  const { graph, seed, session, signal } = options;
  if (!graph) return approximateNeighbourGraph(unit.data, unit.dimension, k, { seed, session, signal });
  const count = unit.data.length / unit.dimension;
  const width = graph.indices.length / count;
  if (!Number.isInteger(width) || width < k)
    throw new UsageError(`graph: expected ${k} neighbours of ${count} vectors but received ${width} of each`);
  if (width === k) return graph;
  const indices = new Int32Array(count * k);
  const scores = new Float32Array(count * k);
  for (let i = 0; i < count; i++) {
    indices.set(graph.indices.subarray(i * width, i * width + k), i * k);
    scores.set(graph.scores.subarray(i * width, i * width + k), i * k);
  }
  return { indices, scores };
}
