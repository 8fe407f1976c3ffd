/**
 * @file One regression tree on binned columns, grown at the leaf that gains most (Shi, 2007; as LightGBM and
 * scikit-learn do). Histograms of gradients are summed for the smaller child alone; the other's are what is left.
 */
import { BINS, type Bins, MISSING } from './tree-bins.js';

export interface GrowOptions {
  leaves: number;
  /** The least rows in a leaf. */
  minLeaf: number;
  /** Added to the rows of a leaf in its value's denominator. */
  l2: number;
  /** What a leaf's value is multiplied by. */
  rate: number;
}

/** Numbers that describe a node: its column (−1: a leaf), bound, whether missing values go left, children, value. */
export const NODE = 6;

/** Rows on their way into a leaf. */
interface Leaf {
  node: number;
  rows: Int32Array;
  sum: number;
  sums: Float64Array;
  counts: Int32Array;
  split: Split | undefined;
}

interface Split {
  gain: number;
  column: number;
  bin: number;
  missingLeft: boolean;
}

/**
 * Grows a tree for gradients (prediction minus target), and adds its values to the predictions.
 * @returns its nodes, the root first, children counted from it
 */
export function growTree(
  bins: Bins,
  columns: readonly number[],
  gradients: Float64Array,
  rows: Int32Array,
  predictions: Float64Array,
  options: GrowOptions,
): number[] {
  const nodes: number[] = [];
  const { leaves, l2, rate, minLeaf } = options;
  const leafOf = (rows: Int32Array, from?: { parent: Leaf; sibling: Leaf }): Leaf => {
    let sum = 0;
    for (const row of rows) sum += gradients[row]!;
    const leaf: Leaf = {
      node: nodes.length / NODE,
      rows,
      sum,
      ...histograms(bins, columns, gradients, rows, from),
      split: undefined,
    };
    nodes.push(-1, 0, 0, 0, 0, Math.fround((-rate * sum) / (rows.length + l2)));
    if (rows.length >= 2 * minLeaf) leaf.split = bestSplit(bins, columns, leaf, options);
    return leaf;
  };
  const open = [leafOf(rows)];
  while (open.length < leaves) {
    let best: Leaf | undefined;
    for (const leaf of open) if (leaf.split && !(best && best.split!.gain >= leaf.split.gain)) best = leaf;
    if (!best) break;
    const { column, bin, missingLeft } = best.split!;
    const isLeft = (row: number) => {
      const cell = bins.cells[column * bins.rows + row]!;
      return cell === MISSING ? missingLeft : cell <= bin;
    };
    const parts = [best.rows.filter(isLeft), best.rows.filter((row) => !isLeft(row))] as const;
    const leftSmaller = parts[0].length <= parts[1].length;
    const smaller = leafOf(parts[leftSmaller ? 0 : 1]);
    const larger = leafOf(parts[leftSmaller ? 1 : 0], { parent: best, sibling: smaller });
    const [left, right] = leftSmaller ? [smaller, larger] : [larger, smaller];
    const bound = bins.bounds[column]![bin] ?? Number.POSITIVE_INFINITY; // present left, missing right
    nodes.splice(best.node * NODE, NODE, column, bound, Number(missingLeft), left.node, right.node, 0);
    open.splice(open.indexOf(best), 1, left, right);
  }
  for (const { node, rows } of open)
    for (const row of rows) predictions[row]! += nodes[node * NODE + NODE - 1]!;
  return nodes;
}

/** The sum of gradients and the number of rows in each bin of each column; of the larger child, its parent's are used up. */
function histograms(
  bins: Bins,
  columns: readonly number[],
  gradients: Float64Array,
  rows: Int32Array,
  from: { parent: Leaf; sibling: Leaf } | undefined,
): Pick<Leaf, 'sums' | 'counts'> {
  if (from) {
    const { sums, counts } = from.parent;
    for (let i = 0; i < sums.length; i++) {
      sums[i]! -= from.sibling.sums[i]!;
      counts[i]! -= from.sibling.counts[i]!;
    }
    return { sums, counts };
  }
  const sums = new Float64Array(columns.length * BINS);
  const counts = new Int32Array(columns.length * BINS);
  for (const [c, column] of columns.entries()) {
    const base = c * BINS;
    const cells = bins.cells.subarray(column * bins.rows, (column + 1) * bins.rows);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const at = base + cells[row]!;
      sums[at]! += gradients[row]!;
      counts[at]!++;
    }
  }
  return { sums, counts };
}

function bestSplit(
  { bounds, missing }: Bins,
  columns: readonly number[],
  { rows, sum, sums, counts }: Leaf,
  { minLeaf, l2 }: GrowOptions,
): Split | undefined {
  const n = rows.length;
  const whole = sum ** 2 / (n + l2);
  let best: Split | undefined;
  for (const [c, column] of columns.entries()) {
    const base = c * BINS;
    const lost = counts[base + MISSING]!;
    const sides = missing[column] && lost > 0 ? [false, true] : [false];
    for (const missingLeft of sides) {
      let left = missingLeft ? lost : 0;
      let leftSum = missingLeft ? sums[base + MISSING]! : 0;
      const last = bounds[column]!.length; // the last bin can be split from the missing alone
      for (let bin = 0; bin < last + Number(lost > 0 && !missingLeft); bin++) {
        if (counts[base + bin] === 0) continue;
        left += counts[base + bin]!;
        leftSum += sums[base + bin]!;
        if (left < minLeaf) continue;
        if (n - left < minLeaf) break;
        const gain = leftSum ** 2 / (left + l2) + (sum - leftSum) ** 2 / (n - left + l2) - whole;
        if (gain > (best?.gain ?? 1e-12 * whole)) {
          // Where nothing is missing, what will be missing goes with the majority.
          best = { gain, column, bin, missingLeft: lost > 0 ? missingLeft : 2 * left > n };
        }
      }
    }
  }
  return best;
}
