/**
 * @file Places the vertices of a weighted graph: those that are joined attract each other, any two repel each other, by
 * stochastic gradient descent with negative samples (McInnes, Healy & Melville 2018, arXiv:1802.03426, section 3.2).
 */
import type { Random } from '../../random.js';
import { breathe } from '../breathe.js';
import { type Curve, forceEntry, forces } from './umap-curve.js';
import type { WeightedGraph } from './umap-graph.js';

export interface LayoutOptions {
  curve: Curve;
  epochs: number;
  /** Vertices that repel, for each time that an edge attracts. */
  negatives: number;
  /** The first step's share of the gradient; it falls to 0. */
  rate: number;
  random: Random;
  /** Only vertices from this one on move; edges start at them alone. @default 0 */
  from?: number | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** The longest step of one coordinate, at a rate of 1. */
const LONGEST = 4;

/** Moves the positions `[n × dimensions]`, in place. */
export async function layOut(
  positions: Float64Array,
  dimensions: number,
  graph: WeightedGraph,
  options: LayoutOptions,
): Promise<void> {
  const { curve, epochs, negatives, random, from = 0, onProgress, signal } = options;
  let greatest = 0;
  for (const weight of graph.weights) if (weight > greatest) greatest = weight;
  // An edge is used every so many epochs, the heaviest in each.
  const periods = graph.weights.map((weight) => greatest / weight);
  const work: Work = {
    positions,
    dimensions,
    graph,
    periods,
    due: periods.slice(),
    ...forces(curve),
    negatives,
    from,
    seed: random.uint32() | 1,
  };
  const rest = breathe(signal);
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const rate = options.rate * (1 - (epoch - 1) / epochs);
    if (dimensions === 2) planeEpoch(work, epoch, rate);
    else anyEpoch(work, epoch, rate);
    onProgress?.(epoch, epochs);
    await rest();
  }
}

interface Work {
  readonly positions: Float64Array;
  readonly dimensions: number;
  readonly graph: WeightedGraph;
  readonly periods: Float32Array;
  /** The epoch in which each edge is used next. */
  readonly due: Float32Array;
  readonly pull: Float64Array;
  readonly push: Float64Array;
  readonly negatives: number;
  readonly from: number;
  /** Of a xorshift generator (Marsaglia 2003): one draw a negative sample, which must cost next to nothing. */
  seed: number;
}

/** An epoch in the plane, where most time is spent: no loops over coordinates, the moving vertex in variables. */
function planeEpoch(work: Work, epoch: number, rate: number): void {
  const { positions, periods, due, pull, push, negatives, from } = work;
  const { starts, ends } = work.graph;
  const count = positions.length / 2;
  const scale = count / 2 ** 32;
  let seed = work.seed;
  for (let i = from; i < count; i++) {
    let x = positions[2 * i]!;
    let y = positions[2 * i + 1]!;
    for (let e = starts[i]!, last = starts[i + 1]!; e < last; e++) {
      if (due[e]! > epoch) continue;
      due[e]! += periods[e]!;
      const j = ends[e]!;
      let dx = x - positions[2 * j]!;
      let dy = y - positions[2 * j + 1]!;
      const force = pull[forceEntry(dx * dx + dy * dy)]!;
      dx = rate * clipped(force * dx);
      dy = rate * clipped(force * dy);
      x += dx;
      y += dy;
      if (j >= from) {
        positions[2 * j]! -= dx;
        positions[2 * j + 1]! -= dy;
      }
      for (let negative = 0; negative < negatives; negative++) {
        seed ^= seed << 13;
        seed ^= seed >>> 17;
        seed ^= seed << 5;
        const other = Math.floor((seed >>> 0) * scale);
        if (other === i) continue;
        dx = x - positions[2 * other]!;
        dy = y - positions[2 * other + 1]!;
        const force = push[forceEntry(dx * dx + dy * dy)]!;
        x += rate * clipped(force * dx);
        y += rate * clipped(force * dy);
      }
    }
    positions[2 * i] = x;
    positions[2 * i + 1] = y;
  }
  work.seed = seed;
}

/** An epoch in any number of dimensions. */
function anyEpoch(work: Work, epoch: number, rate: number): void {
  const { positions, dimensions, periods, due, pull, push, negatives, from } = work;
  const { starts, ends } = work.graph;
  const count = positions.length / dimensions;
  const scale = count / 2 ** 32;
  let seed = work.seed;
  for (let i = from; i < count; i++) {
    const p = i * dimensions;
    for (let e = starts[i]!, last = starts[i + 1]!; e < last; e++) {
      if (due[e]! > epoch) continue;
      due[e]! += periods[e]!;
      const j = ends[e]!;
      const q = j * dimensions;
      const force = pull[forceEntry(squareBetween(positions, p, q, dimensions))]!;
      for (let d = 0; d < dimensions; d++) {
        const move = rate * clipped(force * (positions[p + d]! - positions[q + d]!));
        positions[p + d]! += move;
        if (j >= from) positions[q + d]! -= move;
      }
      for (let negative = 0; negative < negatives; negative++) {
        seed ^= seed << 13;
        seed ^= seed >>> 17;
        seed ^= seed << 5;
        const o = Math.floor((seed >>> 0) * scale) * dimensions;
        if (o === p) continue;
        const force = push[forceEntry(squareBetween(positions, p, o, dimensions))]!;
        for (let d = 0; d < dimensions; d++)
          positions[p + d]! += rate * clipped(force * (positions[p + d]! - positions[o + d]!));
      }
    }
  }
  work.seed = seed;
}

function squareBetween(positions: Float64Array, p: number, q: number, dimensions: number): number {
  let square = 0;
  for (let d = 0; d < dimensions; d++) {
    const difference = positions[p + d]! - positions[q + d]!;
    square += difference * difference;
  }
  return square;
}

function clipped(step: number): number {
  return step > LONGEST ? LONGEST : step < -LONGEST ? -LONGEST : step;
}
