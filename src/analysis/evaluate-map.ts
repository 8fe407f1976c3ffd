/** @file How faithful a map of vectors is: that which a collection keeps, or one that is made for the purpose. */

import { mapQualities } from '../vectors/metrics/map.js';
import type { EvaluateOptions } from './evaluate.js';
import { meanScore, type Score } from './score.js';
import { numbersOf, rowsOf } from './targets.js';
import type { VectorSet } from './vector-set.js';

/** Fewer items are no map. */
const LEAST = 4;

/** @param rows the items that are measured */
export async function mapScores(
  set: VectorSet,
  rows: Int32Array,
  { seed = 0, onStep, resamples }: Pick<EvaluateOptions, 'seed' | 'onStep' | 'resamples'>,
  note: (text: string) => void,
): Promise<Score[]> {
  if (rows.length < LEAST) {
    note(`no map was measured: ${LEAST} items are the least, and there are ${rows.length}`);
    return [];
  }
  const vectors = { data: rowsOf(set.unit(), rows), dimension: set.dimension };
  const kept = set.columns.some(({ name }) => name === 'projection_x');
  let points: Float32Array;
  if (kept) {
    const [x, y] = [await numbersOf(set, 'projection_x'), await numbersOf(set, 'projection_y')];
    points = Float32Array.from({ length: 2 * rows.length }, (_, i) => (i % 2 === 0 ? x : y)[rows[i >> 1]!]!);
    if (points.some((value) => Number.isNaN(value))) {
      note(
        'no map was measured: some items have no projection_x, projection_y; "afterimage map --save" gives all',
      );
      return [];
    }
  } else {
    onStep?.('a map');
    const { umap } = await import('../vectors/reduce/umap.js');
    points = await umap(vectors, { neighbours: Math.min(15, rows.length - 1), seed });
  }
  onStep?.('neighbours on the map');
  const { k, ...found } = await mapQualities(vectors, points, 2, { seed });
  const of = kept ? 'the map that is kept' : 'a UMAP of these vectors';
  const score = (name: string, meaning: string, values: Float64Array) =>
    meanScore('map', name, meaning, values, { seed, resamples });
  return [
    score(`trustworthiness@${k}`, `what ${of} shows as near is near`, found.trustworthiness),
    score(`continuity@${k}`, 'what is near is shown as near', found.continuity),
    score(
      `neighbours kept@${k}`,
      `share of the ${k} nearest that are among the ${k} nearest on the map`,
      found.neighbourhoodPreservation,
    ),
  ];
}
