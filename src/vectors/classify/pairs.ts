/**
 * @file From one score for each pair of classes, (0, 1), (0, 2) … (1, 2) …, to one number for each class. A score is
 * positive for the second class of its pair.
 */

/** The classes of each pair. */
export function pairsOf(classes: number): [first: number, second: number][] {
  const pairs: [number, number][] = [];
  for (let a = 0; a < classes; a++) for (let b = a + 1; b < classes; b++) pairs.push([a, b]);
  return pairs;
}

/**
 * For each class the pairs it wins, and within ±⅓ by how much all in all: scikit-learn's `decision_function`.
 * @param margins `[n × pairs]`.
 * @returns `[n × classes]`; the margins themselves for two classes.
 */
export function votes(margins: Float32Array, classes: number): Float32Array {
  if (classes === 2) return margins;
  const pairs = pairsOf(classes);
  const count = margins.length / pairs.length;
  const result = new Float32Array(count * classes);
  const won = new Float64Array(classes);
  const sums = new Float64Array(classes);
  for (let item = 0; item < count; item++) {
    won.fill(0);
    sums.fill(0);
    pairs.forEach(([a, b], pair) => {
      const margin = margins[item * pairs.length + pair]!;
      won[margin > 0 ? b : a]!++;
      sums[a]! -= margin;
      sums[b]! += margin;
    });
    for (let c = 0; c < classes; c++)
      result[item * classes + c] = won[c]! + sums[c]! / (3 * (Math.abs(sums[c]!) + 1));
  }
  return result;
}

/** The least probability of a class against another. */
const LEAST = 1e-7;
const TOLERANCE = 1e-7;
const MOST_SWEEPS = 1000;

/**
 * The probabilities of the classes that agree best with those of the second of each pair, by the second method of Wu,
 * Lin & Weng, "Probability estimates for multi-class classification by pairwise coupling", JMLR 2004: the least
 * Σ (r_ba · p_a − r_ab · p_b)² over all pairs.
 * @param second of one item.
 */
export function couple(second: ArrayLike<number>, classes: number): Float64Array {
  const q = new Float64Array(classes * classes);
  pairsOf(classes).forEach(([a, b], pair) => {
    const ofB = Math.min(Math.max(second[pair]!, LEAST), 1 - LEAST);
    const ofA = 1 - ofB;
    q[a * classes + a]! += ofB * ofB;
    q[b * classes + b]! += ofA * ofA;
    q[a * classes + b] = -ofA * ofB;
    q[b * classes + a] = -ofA * ofB;
  });
  const p = new Float64Array(classes).fill(1 / classes);
  const product = new Float64Array(classes);
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let form = 0;
    for (let a = 0; a < classes; a++) {
      product[a] = 0;
      for (let b = 0; b < classes; b++) product[a]! += q[a * classes + b]! * p[b]!;
      form += p[a]! * product[a]!;
    }
    if (product.every((value) => Math.abs(value - form) < TOLERANCE / classes)) break;
    for (let t = 0; t < classes; t++) {
      const own = q[t * classes + t]!;
      const change = (form - product[t]!) / own;
      p[t]! += change;
      const sum = 1 + change;
      form = (form + change * (change * own + 2 * product[t]!)) / (sum * sum);
      for (let c = 0; c < classes; c++) {
        product[c] = (product[c]! + change * q[t * classes + c]!) / sum;
        p[c]! /= sum;
      }
    }
  }
  return p;
}
