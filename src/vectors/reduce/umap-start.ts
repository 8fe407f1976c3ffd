/** @file Where the points of a map are before they move: along the principal components of a sample. */
import type { Vectors } from '../vectors.js';
import { principalComponents } from './pca.js';

/** Vectors that the components are taken from. */
const SAMPLE = 10_000;
const BLOCK = 2048;

/** Coordinates along the first components, `[n × dimensions]`; zeros where there is no further variance. */
export async function principalStart(
  { data, dimension }: Vectors,
  dimensions: number,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const count = data.length / dimension;
  const stride = Math.max(1, count / SAMPLE);
  function* sample(): Generator<Float32Array> {
    for (let first = 0; first < count; first += BLOCK * stride) {
      signal?.throwIfAborted();
      const rows = Math.min(BLOCK, Math.ceil((count - first) / stride));
      const block = new Float32Array(rows * dimension);
      for (let i = 0; i < rows; i++) {
        const from = Math.min(count - 1, Math.floor(first + i * stride)) * dimension;
        block.set(data.subarray(from, from + dimension), i * dimension);
      }
      yield block;
    }
  }
  const { mean, components } = await principalComponents(sample(), dimension, dimensions);
  const positions = new Float64Array(count * dimensions);
  for (let i = 0; i < count; i++)
    for (let c = 0; c < dimensions; c++) {
      const component = components[c]!;
      let sum = 0;
      for (let d = 0, at = i * dimension; d < dimension; d++, at++)
        sum += (data[at]! - mean[d]!) * component[d]!;
      positions[i * dimensions + c] = sum;
    }
  return positions;
}
