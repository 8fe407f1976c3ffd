/** @file How the points of a t-SNE map repel each other, computed for every pair. */

/** The repulsion of all points, before it is divided by `total`. */
export interface Repulsion {
  /** `[n × dimensions]` */
  forces: Float64Array;
  /** The sum of the nearness of all pairs, in both directions. */
  total: number;
}

/** The degrees of freedom of the t-distribution that nearness follows on a map (van der Maaten, AISTATS 2009). */
export const freedomOf = (dimensions: number): number => Math.max(dimensions - 1, 1);

/** By definition: time grows with the square of the number of points. */
export function exactRepulsion(positions: Float64Array, dimensions: number): Repulsion {
  const freedom = freedomOf(dimensions);
  const power = -(freedom + 1) / 2;
  const forces = new Float64Array(positions.length);
  const between = new Float64Array(dimensions);
  let total = 0;
  for (let p = 0; p < positions.length; p += dimensions)
    for (let q = 0; q < p; q += dimensions) {
      let square = 0;
      for (let d = 0; d < dimensions; d++) {
        const difference = positions[p + d]! - positions[q + d]!;
        between[d] = difference;
        square += difference * difference;
      }
      const wide = 1 + square / freedom;
      const near = freedom === 1 ? 1 / wide : wide ** power;
      total += 2 * near;
      const force = near / wide;
      for (let d = 0; d < dimensions; d++) {
        forces[p + d]! += force * between[d]!;
        forces[q + d]! -= force * between[d]!;
      }
    }
  return { forces, total };
}
