// Unit vectors as images have them: clusters, each a sheet of few dimensions with a little noise. Seeded.
import { Random } from '../../dist/random.js';

/**
 * `count` unit vectors of `dimension` numbers around `clusters` centres, each a normal sheet of `latent` dimensions.
 * With one cluster there are none.
 */
export function sheets(
  count,
  dimension,
  { clusters = 40, latent = 6, width = 0.35, noise = 0.012, seed = 7 } = {},
) {
  const random = new Random(seed, 'sheets');
  const normal = (n, scale) =>
    Float32Array.from({ length: n }, () => (scale * random.normal()) / Math.sqrt(dimension));
  const centres = normal(clusters * dimension, clusters > 1 ? 1 : 0);
  const basis = normal(clusters * latent * dimension, width);
  const data = new Float32Array(count * dimension);
  const at = new Float64Array(latent);
  for (let row = 0; row < count; row++) {
    const c = random.integer(clusters);
    for (let l = 0; l < latent; l++) at[l] = random.normal();
    const from = row * dimension;
    let square = 0;
    for (let d = 0; d < dimension; d++) {
      let value = centres[c * dimension + d] + noise * random.normal();
      for (let l = 0; l < latent; l++) value += at[l] * basis[(c * latent + l) * dimension + d];
      data[from + d] = value;
      square += value * value;
    }
    for (let d = from; d < from + dimension; d++) data[d] /= Math.sqrt(square);
  }
  return data;
}
