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
  histogram: Histogram | undefined;
  split: Split | undefined;
}

/** The sum of gradients and the number of rows in each bin of each column. */
export interface Histogram {
  sums: Float64Array;
  counts: Int32Array;
}

interface Split {
  gain: number;
  column: number;
  bin: number;
  missingLeft: boolean;
}

/**
 * Grows a tree for gradients (prediction minus target), and adds its values to the predictions.
 * @param spare histograms of as many columns that are not in use any more; they come back when the tree is grown
 * @returns its nodes, the root first, children counted from it
 */
export function growTree(
  bins: Bins,
  columns: readonly number[],
  gradients: Float64Array,
  rows: Int32Array,
  predictions: Float64Array,
  options: GrowOptions,
  spare: Histogram[],
): number[] {
  const nodes: number[] = [];
  const { leaves, l2, rate, minLeaf } = options;
  const free = ({ histogram }: Leaf) => histogram && spare.push(histogram);
  /** @param histogram what it is computed from if the leaf may be split, or its sibling needs it */
  const leafOf = (rows: Int32Array, histogram: (() => Histogram) | undefined): Leaf => {
    let sum = 0;
    for (const row of rows) sum += gradients[row]!;
    const leaf: Leaf = {
      node: nodes.length / NODE,
      rows,
      sum,
      histogram: histogram?.(),
      split: undefined,
    };
    nodes.push(-1, 0, 0, 0, 0, Math.fround((-rate * sum) / (rows.length + l2)));
    if (leaf.histogram && rows.length >= 2 * minLeaf)
      leaf.split = bestSplit(bins, columns, rows.length, sum, leaf.histogram, options);
    return leaf;
  };
  const summed = (rows: Int32Array) => () => summedOver(bins, columns, gradients, rows, spare.pop());
  const open = [leafOf(rows, summed(rows))];
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
    const [few, many] = leftSmaller ? parts : [parts[1], parts[0]];
    const last = many.length < 2 * minLeaf; // neither is split again
    const whole = best.histogram!;
    const smaller = leafOf(few, last ? undefined : summed(few));
    const larger = leafOf(many, last ? undefined : () => without(whole, smaller.histogram!));
    if (last) free(best);
    const [left, right] = leftSmaller ? [smaller, larger] : [larger, smaller];
    const bound = bins.bounds[column]![bin] ?? Number.POSITIVE_INFINITY; // present left, missing right
    nodes.splice(best.node * NODE, NODE, column, bound, Number(missingLeft), left.node, right.node, 0);
    open.splice(open.indexOf(best), 1, left, right);
  }
  for (const leaf of open) {
    for (const row of leaf.rows) predictions[row]! += nodes[leaf.node * NODE + NODE - 1]!;
    free(leaf);
  }
  return nodes;
}

/** The histogram of some rows, in place of one that is not needed any more where there is one. */
function summedOver(
  bins: Bins,
  columns: readonly number[],
  gradients: Float64Array,
  rows: Int32Array,
  old: Histogram | undefined,
): Histogram {
  const size = columns.length * BINS;
  const { sums, counts } = old ?? { sums: new Float64Array(size), counts: new Int32Array(size) };
  if (old) {
    sums.fill(0);
    counts.fill(0);
  }
  const own = Float64Array.from(rows, (row) => gradients[row]!);
  for (const [c, column] of columns.entries()) {
    const base = c * BINS;
    const first = column * bins.rows;
    for (let i = 0; i < rows.length; i++) {
      const at = base + bins.cells[first + rows[i]!]!;
      sums[at]! += own[i]!;
      counts[at]!++;
    }
  }
  return { sums, counts };
}

/** The histogram of the rows of `whole` that are not in `part`, in place of `whole`. */
function without(whole: Histogram, part: Histogram): Histogram {
  const { sums, counts } = whole;
  for (let i = 0; i < sums.length; i++) {
    sums[i]! -= part.sums[i]!;
    counts[i]! -= part.counts[i]!;
  }
  return whole;
}

function bestSplit(
  { bounds, missing }: Bins,
  columns: readonly number[],
  n: number,
  sum: number,
  { sums, counts }: Histogram,
  { minLeaf, l2 }: GrowOptions,
): Split | undefined {
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
