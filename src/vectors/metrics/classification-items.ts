/** @file What became of each item that was classified: found once, weighed in every resample. */

/** Numbers of each item. */
export interface ItemOutcomes {
  labels: ArrayLike<number>;
  /** The likeliest class, the first of equals. */
  predicted: Int32Array;
  /** How many classes are likelier than the right one, those before it counting where they are as likely. */
  rank: Int32Array;
  /** The greatest probability. */
  confidence: Float64Array;
  /** The bin that it is in. */
  bin: Int32Array;
  bins: number;
  /** −ln of the right class's probability. */
  logLoss: Float64Array;
  /** Squared distance of the probabilities from the truth. */
  brier: Float64Array;
}

/** The outcomes of items with probabilities `[items × classes]`, which were checked before. */
export function outcomesOf(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
  bins: number,
): ItemOutcomes {
  const count = labels.length;
  const predicted = new Int32Array(count);
  const rank = new Int32Array(count);
  const confidence = new Float64Array(count);
  const bin = new Int32Array(count);
  const logLoss = new Float64Array(count);
  const brier = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const [row, own] = [i * classes, labels[i]!];
    const right = probabilities[row + own]!;
    let [best, above, square] = [0, 0, 0];
    for (let c = 0; c < classes; c++) {
      const p = probabilities[row + c]!;
      if (p > probabilities[row + best]!) best = c;
      if (p > right || (p === right && c < own)) above++;
      square += (c === own ? 1 - p : p) ** 2;
    }
    predicted[i] = best;
    rank[i] = above;
    confidence[i] = probabilities[row + best]!;
    bin[i] = Math.min(bins - 1, Math.max(0, Math.ceil(confidence[i]! * bins) - 1));
    logLoss[i] = -Math.log(Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, right)));
    brier[i] = square;
  }
  return { labels, predicted, rank, confidence, bin, bins, logLoss, brier };
}

/**
 * All numbers of items with weights, which sum to `total`, by name: `accuracy`, `top3`, `macro.f1`, `0.recall` of class 0.
 * @param k the k of top-k accuracy
 * @param aucs the ROC-AUC of each class for these weights; NaN, too, where it is not given
 */
export function measureItems(
  items: ItemOutcomes,
  weights: Float64Array,
  total: number,
  classes: number,
  k: readonly number[],
  aucs: Float64Array | undefined,
): Record<string, number> {
  const { labels, predicted, rank, bin, confidence, logLoss, brier } = items;
  const truth = new Float64Array(classes);
  const said = new Float64Array(classes);
  const right = new Float64Array(classes);
  const ranks = new Float64Array(classes);
  const gaps = new Float64Array(items.bins);
  let [loss, square] = [0, 0];
  for (let i = 0; i < weights.length; i++) {
    const w = weights[i]!;
    if (w === 0) continue;
    const own = labels[i]!;
    truth[own]! += w;
    said[predicted[i]!]! += w;
    ranks[rank[i]!]! += w;
    gaps[bin[i]!]! += w * confidence[i]!;
    if (rank[i] === 0) {
      right[own]! += w;
      gaps[bin[i]!]! -= w;
    }
    loss += w * logLoss[i]!;
    square += w * brier[i]!;
  }
  const result: Record<string, number> = {
    accuracy: ranks[0]! / total,
    logLoss: loss / total,
    brier: square / total,
    calibrationError: gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / total,
  };
  for (const n of k) result[`top${n}`] = ranks.subarray(0, n).reduce((sum, w) => sum + w, 0) / total;
  const macro = { precision: 0, recall: 0, f1: 0 };
  const weighted = { precision: 0, recall: 0, f1: 0 };
  let [present, withItems, auc, withAuc] = [0, 0, 0, 0];
  for (let c = 0; c < classes; c++) {
    const precision = said[c] === 0 ? 0 : right[c]! / said[c]!;
    const recall = truth[c] === 0 ? 0 : right[c]! / truth[c]!;
    const f1 = right[c] === 0 ? 0 : (2 * right[c]!) / (said[c]! + truth[c]!);
    const values = { precision, recall, f1 };
    if (truth[c]! + said[c]! > 0) present++;
    if (truth[c]! > 0) withItems++;
    for (const name of ['precision', 'recall', 'f1'] as const) {
      macro[name] += values[name];
      weighted[name] += (values[name] * truth[c]!) / total;
      result[`${c}.${name}`] = values[name];
    }
    const own = aucs?.[c] ?? Number.NaN;
    result[`${c}.auc`] = own;
    if (!Number.isNaN(own)) {
      auc += own;
      withAuc++;
    }
  }
  for (const name of ['precision', 'recall', 'f1'] as const) {
    result[`macro.${name}`] = macro[name] / present;
    result[`weighted.${name}`] = weighted[name];
  }
  result.balancedAccuracy = macro.recall / withItems;
  result.auc = withAuc === 0 ? Number.NaN : auc / withAuc;
  return result;
}
