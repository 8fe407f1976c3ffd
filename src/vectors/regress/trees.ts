/**
 * @file Gradient boosting of regression trees on histograms, for squared error: each tree is fitted to what those before
 * it left. Missing values (NaN) go to the side that fits better. The method of scikit-learn's
 * `HistGradientBoostingRegressor`, with its defaults.
 *
 * @see Friedman 2001, Greedy function approximation: a gradient boosting machine
 * @see Ke et al. 2017, LightGBM: a highly efficient gradient boosting decision tree
 */
import { Random } from '../../random.js';
import type { Vectors } from '../vectors.js';
import { meanOf } from './ridge.js';
import { binned } from './tree-bins.js';
import { growTree, type Histogram, NODE } from './tree-grow.js';

export interface TreesOptions {
  /** Trees at most. @default 100 */
  trees?: number | undefined;
  /** The share of each tree's values that is added. @default 0.1 */
  rate?: number | undefined;
  /** Leaves of a tree. @default 31 */
  leaves?: number | undefined;
  /** Rows in a leaf at least. @default 20 */
  minLeaf?: number | undefined;
  /** L2 penalty on the values of leaves. @default 0 */
  l2?: number | undefined;
  /** The share of the columns that each tree may use, drawn anew for each. @default 1 */
  columnShare?: number | undefined;
  /** Stop when the error on a tenth of the rows has not fallen for so many trees; that tenth is not learned from. */
  patience?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
}

/** A sum of trees. */
export interface Forest {
  base: number;
  /** Of all trees, one after the other. */
  nodes: Float32Array;
  /** Where each tree's nodes begin. */
  roots: Float32Array;
}

/** Features may be NaN. Targets have been checked. */
export function boost(
  { data, dimension }: Vectors,
  targets: ArrayLike<number>,
  options: TreesOptions = {},
): Forest {
  const { trees = 100, rate = 0.1, leaves = 31, minLeaf = 20, l2 = 0, columnShare = 1, seed = 0 } = options;
  const bins = binned(data, dimension);
  const order = Int32Array.from({ length: targets.length }, (_, i) => i);
  const held = options.patience === undefined ? 0 : Math.ceil(targets.length / 10);
  if (held > 0) new Random(seed, 'trees', 'held out').shuffle(order);
  const rows = order.slice(held).sort();
  const judges = order.slice(0, held);
  const base = meanOf(Float64Array.from(rows, (row) => targets[row]!));
  const predictions = new Float64Array(targets.length).fill(base);
  const gradients = new Float64Array(targets.length);
  const judged = Float64Array.from(judges, () => base);
  const rowsOfJudges = judges.length > 0 ? gather(data, dimension, judges) : new Float32Array(0);
  const nodes: number[] = [];
  const roots: number[] = [];
  const spare: Histogram[] = [];
  let [least, bestTrees] = [Number.POSITIVE_INFINITY, trees];
  for (let t = 0; t < trees; t++) {
    for (const row of rows) gradients[row] = predictions[row]! - targets[row]!;
    const columns = drawn(dimension, columnShare, seed, t);
    const how = { leaves, minLeaf, l2, rate };
    const tree = growTree(bins, columns, gradients, rows, predictions, how, spare);
    if (tree.length === NODE && columnShare === 1) break; // no split gains anything, now or later
    roots.push(nodes.length);
    for (const value of tree) nodes.push(value);
    if (held === 0) continue;
    const alone = { base: 0, nodes: Float32Array.from(tree), roots: new Float32Array(1) };
    applyForest(alone, rowsOfJudges, dimension).forEach((value, i) => {
      judged[i]! += value;
    });
    const error = judged.reduce((sum, value, i) => sum + (value - targets[judges[i]!]!) ** 2, 0);
    if (error < least) [least, bestTrees] = [error, roots.length];
    else if (roots.length - bestTrees >= options.patience!) break;
  }
  const kept = roots.slice(0, held > 0 ? bestTrees : undefined);
  return {
    base,
    nodes: Float32Array.from(nodes.slice(0, roots[kept.length])),
    roots: Float32Array.from(kept),
  };
}

/** The value of a forest for each row. */
export function applyForest({ base, nodes, roots }: Forest, data: Float32Array, width: number): Float64Array {
  return Float64Array.from({ length: data.length / width }, (_, row) => {
    let sum = base;
    for (const root of roots) {
      let at = root;
      while (nodes[at]! >= 0) {
        const value = data[row * width + nodes[at]!]!;
        const left = Number.isNaN(value) ? nodes[at + 2] === 1 : value <= nodes[at + 1]!;
        at = root + nodes[at + (left ? 3 : 4)]! * NODE;
      }
      sum += nodes[at + NODE - 1]!;
    }
    return sum;
  });
}

/** Columns for one tree, in order. */
function drawn(width: number, share: number, seed: number, tree: number): number[] {
  const all = Array.from({ length: width }, (_, k) => k);
  if (share >= 1) return all;
  const some = new Random(seed, 'trees', tree).shuffle(all).slice(0, Math.max(1, Math.round(share * width)));
  return some.sort((a, b) => a - b);
}

function gather(data: Float32Array, width: number, rows: Int32Array): Float32Array {
  const result = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    result.set(data.subarray(row * width, (row + 1) * width), i * width);
  });
  return result;
}
