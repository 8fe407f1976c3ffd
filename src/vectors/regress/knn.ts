/** @file The targets of the nearest examples, as scikit-learn's `KNeighborsRegressor` with cosine distances. */
import { ExactSearch, type Nearest } from '../exact-search.js';
import { cosineSimilarity, toUnit, type Vectors } from '../vectors.js';

/** How neighbours count: all alike, or by one over their distance (and those at no distance alone). */
export type NeighbourWeights = 'uniform' | 'distance';

/** Numbers that are compared sooner on this thread than a worker takes to start. */
const SMALL = 2 ** 21;

/** Examples that can be looked up. Close it when done. */
export class Neighbours {
  private constructor(
    readonly examples: Vectors,
    readonly targets: Float64Array,
    private readonly search: ExactSearch,
  ) {}

  static async open(examples: Vectors, targets: Float64Array): Promise<Neighbours> {
    const unit = toUnit(examples);
    const session = unit.data.length <= SMALL ? { inline: true } : undefined;
    const search = await ExactSearch.open(unit.data, unit.dimension, { session });
    return new Neighbours(examples, targets, search);
  }

  /** The `k` nearest of each row, best first, fewer where there are not so many. */
  nearest(features: Vectors, k: number): Promise<Nearest> {
    return this.search.search(toUnit(features).data, Math.min(k, this.search.count));
  }

  /** What the `k` nearest say of each row. */
  async predict(features: Vectors, k: number, weights: NeighbourWeights): Promise<Float64Array> {
    const { dimension } = features;
    const most = Math.min(k, this.search.count);
    const { indices } = await this.nearest(features, most);
    return Float64Array.from({ length: features.data.length / dimension }, (_, row) => {
      const found = indices.subarray(row * most, (row + 1) * most);
      const query = features.data.subarray(row * dimension, (row + 1) * dimension);
      const distances = Array.from(found, (i) => {
        const example = this.examples.data.subarray(i * dimension, (i + 1) * dimension);
        const cosine = cosineSimilarity(query, example); // anew in float64: small distances are differences
        return Number.isNaN(cosine) ? 1 : Math.max(0, 1 - cosine);
      });
      return this.mean(found, distances, weights);
    });
  }

  private mean(found: Int32Array, distances: readonly number[], weights: NeighbourWeights): number {
    const same = weights === 'distance' && distances.some((d) => d < 1e-12);
    let [sum, total] = [0, 0];
    for (let i = 0; i < found.length; i++) {
      const distance = distances[i]!;
      const weight = weights === 'uniform' ? 1 : same ? Number(distance < 1e-12) : 1 / distance;
      sum += weight * this.targets[found[i]!]!;
      total += weight;
    }
    return sum / total;
  }

  async close(): Promise<void> {
    await this.search.close();
  }
}
