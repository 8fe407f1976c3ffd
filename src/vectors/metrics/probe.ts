/**
 * @file What a simple classifier makes of vectors: the vote of the nearest neighbours, and a linear probe (Alain & Bengio,
 * "Understanding intermediate layers using linear classifier probes", 2016), the measures of an embedding for classes.
 */
import { UsageError } from '../../errors.js';
import type { SessionOptions } from '../../graph/index.js';
import { fitClassifier } from '../classify/classifier.js';
import { foldOf, folds } from '../folds.js';
import { type NearestOptions, nearestBlocks } from '../nearest.js';
import { checkLabels, countOf, type Vectors } from '../vectors.js';

/**
 * Whether the vote of the `k` nearest reference vectors is right, for each query: 1 or 0. Every neighbour has one vote,
 * and the smaller class wins a draw, as in scikit-learn's `KNeighborsClassifier`.
 *
 * @param options without a reference each vector is classified by the others (leave one out).
 * @throws UsageError when labels or dimensions do not fit, or there are not k to ask.
 */
export async function knnHits(
  queries: Vectors,
  labels: ArrayLike<number>,
  options: Omit<NearestOptions, 'reference'> & {
    reference?: { vectors: Vectors; labels: ArrayLike<number> } | undefined;
    /** A group of each query: without a reference, those of its own group have no vote. @default each is its own */
    groups?: ArrayLike<number> | undefined;
  },
): Promise<Float64Array> {
  const count = countOf(queries, 'queries');
  checkLabels(labels, count, 'queries');
  const { reference, k } = options;
  const groups = reference ? undefined : options.groups;
  const width = groups ? Math.min(count - 1, k + largest(groups) - 1) : k;
  if (reference) checkLabels(reference.labels, countOf(reference.vectors, 'reference'), 'reference');
  const voters = reference?.labels ?? labels;
  let classes = 0;
  for (let i = 0; i < voters.length; i++) classes = Math.max(classes, voters[i]! + 1);
  const votes = new Int32Array(classes);
  const hits = new Float64Array(count);
  for await (const { first, positions } of nearestBlocks(queries, {
    ...options,
    k: width,
    reference: reference?.vectors,
  }))
    for (let row = 0; row < positions.length / width; row++) {
      votes.fill(0);
      const query = first + row;
      let asked = 0;
      for (let i = row * width; i < (row + 1) * width && asked < k; i++) {
        if (groups && groups[positions[i]!] === groups[query]) continue;
        asked++;
        votes[voters[positions[i]!]!]!++;
      }
      let winner = 0;
      for (let c = 1; c < classes; c++) if (votes[c]! > votes[winner]!) winner = c;
      hits[query] = asked > 0 && winner === labels[query] ? 1 : 0;
    }
  return hits;
}

/** How {@link linearProbe} fits. */
export interface ProbeOptions {
  /** What to fit to. @default cross-validation: each fifth of the vectors is predicted by the others */
  train?: { vectors: Vectors; labels: ArrayLike<number> } | undefined;
  /** A group of each vector: of the cross-validation, they are in one part. @default each is its own */
  groups?: ArrayLike<number> | undefined;
  /** Parts of the cross-validation; fewer where the smallest class has fewer items. @default 5 */
  folds?: number | undefined;
  /** Weights of the items against the penalty (scikit-learn's C) to choose from. @default PROBE_REGULARIZATION */
  regularization?: readonly number[] | undefined;
  /** @default 0 */
  seed?: number | undefined;
  session?: SessionOptions | undefined;
  signal?: AbortSignal | undefined;
}

/** What a probe found. */
export interface ProbeResult {
  /** For each vector 1 where its class was predicted, else 0. */
  hits: Float64Array;
  /** For each fit (one, or one a fold) the weight that was chosen. */
  regularization: number[];
}

/** For vectors of unit length, whose useful weights are larger than those of standardised columns. */
export const PROBE_REGULARIZATION: readonly number[] = [1, 10, 100];

/**
 * Multinomial logistic regression on the vectors as they are. Its weight is chosen on a fifth of what it is fitted to,
 * so that nothing is chosen by what is measured.
 *
 * @param labels the class of each vector, 0 .. classes − 1
 * @throws UsageError when labels do not fit, a class has a single item, or there are fewer than two classes to fit to.
 */
export async function linearProbe(
  vectors: Vectors,
  labels: ArrayLike<number>,
  classes: number,
  options: ProbeOptions = {},
): Promise<ProbeResult> {
  const count = countOf(vectors, 'probe');
  checkLabels(labels, count, 'probe');
  const { train, groups, seed = 0 } = options;
  const hits = new Float64Array(count);
  if (train) {
    const [predicted, chosen] = await fitAndPredict(train, vectors, classes, options);
    for (let i = 0; i < count; i++) hits[i] = predicted[i] === labels[i] ? 1 : 0;
    return { hits, regularization: [chosen] };
  }
  const units = groups ? new Set(Array.from(groups)).size : count;
  const parts = Math.min(options.folds ?? 5, smallestClass(labels), units);
  if (parts < 2)
    throw new UsageError('probe: expected at least two items of each class but one class has a single item', {
      hint: 'cross-validation fits to one part of a class and predicts another',
    });
  const assignment = folds(count, { folds: parts, labels, groups, seed });
  const regularization: number[] = [];
  for (let fold = 0; fold < parts; fold++) {
    const { train: fit, test } = foldOf(assignment, fold);
    const [predicted, chosen] = await fitAndPredict(
      {
        vectors: rows(vectors, fit),
        labels: Array.from(fit, (i) => labels[i]!),
        groups: groups && Array.from(fit, (i) => groups[i]!),
      },
      rows(vectors, test),
      classes,
      options,
    );
    test.forEach((item, i) => {
      hits[item] = predicted[i] === labels[item] ? 1 : 0;
    });
    regularization.push(chosen);
  }
  return { hits, regularization };
}

/** The classes that are predicted, and the weight that was chosen. */
async function fitAndPredict(
  train: { vectors: Vectors; labels: ArrayLike<number>; groups?: ArrayLike<number> | undefined },
  test: Vectors,
  classes: number,
  options: ProbeOptions,
): Promise<[predicted: Int32Array, regularization: number]> {
  const { regularization: grid = PROBE_REGULARIZATION, seed = 0, session, signal } = options;
  const known = train.labels;
  const place = new Map<number, number>(); // the classes that can be fitted, without gaps
  for (let i = 0; i < known.length; i++) if (!place.has(known[i]!)) place.set(known[i]!, place.size);
  if (place.size < 2)
    throw new UsageError(`probe: expected two of ${classes} classes to fit to but received ${place.size}`);
  const names = [...place.keys()];
  const labels = Int32Array.from(known, (label) => place.get(label)!);
  const predict = async (fit: Vectors, of: Int32Array, C: number, vectors: Vectors): Promise<Int32Array> => {
    signal?.throwIfAborted();
    const method = 'logistic';
    const fitted = await fitClassifier(fit, of, names.length, { method, regularization: C, seed, session });
    try {
      const chances = await fitted.predict(vectors);
      return Int32Array.from({ length: countOf(vectors, 'probe') }, (_, row) => {
        let best = 0;
        for (let c = 1; c < names.length; c++)
          if (chances[row * names.length + c]! > chances[row * names.length + best]!) best = c;
        return best;
      });
    } finally {
      await fitted.close();
    }
  };
  let chosen = grid[0]!;
  if (grid.length > 1) {
    chosen = grid[Math.floor(grid.length / 2)]!;
    if (smallestClass(labels) > 1) {
      const { groups } = train;
      const units = groups ? new Set(Array.from(groups)).size : labels.length;
      const parts = Math.max(2, Math.min(5, smallestClass(labels), units));
      const assignment = folds(labels.length, { folds: parts, labels, groups, seed });
      const { train: inner, test: held } = foldOf(assignment, 0);
      const [fit, of] = [rows(train.vectors, inner), Int32Array.from(inner, (i) => labels[i]!)];
      const heldVectors = rows(train.vectors, held);
      let most = -1;
      for (const C of grid) {
        const predicted = await predict(fit, of, C, heldVectors);
        const right = held.reduce((sum, item, i) => sum + (predicted[i] === labels[item] ? 1 : 0), 0);
        if (right > most) [most, chosen] = [right, C];
      }
    }
  }
  const predicted = await predict(train.vectors, labels, chosen, test);
  return [predicted.map((label) => names[label]!), chosen];
}

/** The number of items in the largest group. */
function largest(groups: ArrayLike<number>): number {
  const counts = new Map<number, number>();
  let most = 0;
  for (let i = 0; i < groups.length; i++) {
    const own = (counts.get(groups[i]!) ?? 0) + 1;
    counts.set(groups[i]!, own);
    most = Math.max(most, own);
  }
  return most;
}

function smallestClass(labels: ArrayLike<number>): number {
  const counts = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) counts.set(labels[i]!, (counts.get(labels[i]!) ?? 0) + 1);
  let least = Number.POSITIVE_INFINITY;
  for (const count of counts.values()) least = Math.min(least, count);
  return least;
}

function rows({ data, dimension }: Vectors, of: Int32Array): Vectors {
  const result = new Float32Array(of.length * dimension);
  for (let i = 0; i < of.length; i++)
    result.set(data.subarray(of[i]! * dimension, (of[i]! + 1) * dimension), i * dimension);
  return { data: result, dimension };
}
