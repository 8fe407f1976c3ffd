/** @file The columns that draw a map of a collection: a projection to the plane, and each row's nearest neighbours. */
import type { RowCell, RowColumn } from '../embedding/formats/row.js';
import { UsageError } from '../errors.js';
import { type PrincipalComponents, principalComponents, projectVector } from '../vectors/reduce/pca.js';
import { normalizeRows } from '../vectors/vectors.js';
import type { Survey } from './export-rows.js';

/** What is added to the rows of an export. */
export interface ExportMap {
  columns: RowColumn[];
  /** Whether {@link cells} looks at the vectors. */
  needsVectors: boolean;
  /** The cells of a row: its position among all, and its vector. */
  cells(row: number, vector: Float32Array): Record<string, RowCell>;
  shares: number[] | undefined;
}

/**
 * Computes the map. Neighbours need all vectors in memory at once, a projection does not.
 * @throws UsageError for a number of neighbours that is not positive and whole.
 */
export async function mapOf(
  survey: Survey,
  dimension: number,
  options: { projection?: 'pca' | undefined; neighbors?: number | undefined },
): Promise<ExportMap> {
  const { projection, neighbors } = options;
  if (neighbors !== undefined && !(Number.isInteger(neighbors) && neighbors > 0))
    throw new UsageError(`neighbors: expected a positive whole number but received ${neighbors}`);
  const plane =
    projection === undefined ? undefined : await principalComponents(vectorsOf(survey), dimension);
  const near = neighbors === undefined ? undefined : await nearest(survey, dimension, neighbors);
  return {
    columns: [...(plane ? PLANE : []), ...(near ? NEIGHBORS : [])],
    needsVectors: plane !== undefined,
    cells: (row, vector) => ({ ...(plane && onPlane(plane, vector)), ...near?.(row) }),
    shares: plane?.shares,
  };
}

/** As embedding-atlas calls them. */
const PLANE: readonly RowColumn[] = [
  { name: 'projection_x', type: 'number' },
  { name: 'projection_y', type: 'number' },
];
const NEIGHBORS: readonly RowColumn[] = [{ name: 'neighbors', type: 'neighbors' }];

function onPlane(plane: PrincipalComponents, vector: Float32Array): Record<string, RowCell> {
  const [x, y] = projectVector(plane, vector);
  return { projection_x: x!, projection_y: y! };
}

async function* vectorsOf(survey: Survey): AsyncGenerator<Float32Array> {
  for await (const { vectors } of survey.scan({ vectors: true })) yield vectors;
}

/** The neighbours of every row but itself, by cosine distance: one less the cosine, 0..2. */
async function nearest(survey: Survey, dimension: number, wanted: number) {
  const k = Math.min(wanted, survey.count - 1);
  if (k < 1) return () => ({ neighbors: { ids: [], distances: [] } });
  const all = new Float32Array(survey.count * dimension);
  let at = 0;
  for await (const vectors of vectorsOf(survey)) {
    all.set(vectors, at);
    at += vectors.length;
  }
  normalizeRows(all, dimension);
  const { neighbourGraph } = await import('../vectors/exact-search.js');
  const { indices, scores } = await neighbourGraph(all, dimension, k);
  return (row: number) => {
    const [from, to] = [row * k, (row + 1) * k];
    const distances = Array.from(scores.subarray(from, to), (score) => Math.max(0, 1 - score));
    return { neighbors: { ids: Array.from(indices.subarray(from, to)), distances } };
  };
}
