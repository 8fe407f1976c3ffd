/**
 * @file ROC-AUC of each class against all others: the share of pairs of an item of the class and one of another in which
 * the former scores higher, equals counting half (Mann & Whitney, 1947). The items are sorted once for each class;
 * every resample then is one pass over them with other weights.
 */

/** The items of each class's order, lowest score first: item · 4 + 2 when it is of the class + 1 at the end of equals. */
export type ClassOrders = readonly Int32Array[];

/** Sorts the items for each class. Takes 4 bytes for each item and class. */
export function classOrders(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
): ClassOrders {
  const count = labels.length;
  const scores = new Float64Array(count);
  return Array.from({ length: classes }, (_, c) => {
    for (let i = 0; i < count; i++) scores[i] = probabilities[i * classes + c]!;
    const order = Int32Array.from(scores, (_score, i) => i).sort((a, b) => scores[a]! - scores[b]!);
    return order.map((item, place) => {
      const last = place === count - 1 || scores[order[place + 1]!] !== scores[item];
      return item * 4 + (labels[item] === c ? 2 : 0) + (last ? 1 : 0);
    });
  });
}

/** The ROC-AUC of each class over items with weights; NaN where a class has no items, or all. */
export function classAucs(orders: ClassOrders, weights: Float64Array): Float64Array {
  return Float64Array.from(orders, (order) => {
    let [positives, negatives, wins, tiedPositives, tiedNegatives] = [0, 0, 0, 0, 0];
    for (let i = 0; i < order.length; i++) {
      const entry = order[i]!;
      const w = weights[entry >> 2]!;
      if (entry & 2) tiedPositives += w;
      else tiedNegatives += w;
      if ((entry & 1) === 0) continue;
      wins += tiedPositives * (negatives + tiedNegatives / 2);
      positives += tiedPositives;
      negatives += tiedNegatives;
      tiedPositives = 0;
      tiedNegatives = 0;
    }
    return wins / (positives * negatives);
  });
}
