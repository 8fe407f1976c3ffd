/** @file A few items that show what a set holds. */
import { UsageError } from '../errors.js';
import { coreSet, medoids } from '../vectors/representatives.js';
import type { VectorSet } from './vector-set.js';

/** Options of {@link representatives}. */
export interface RepresentativeOptions {
  /**
   * - `medoids`: each stands for about its share of the items: what is frequent.
   * - `core-set`: nothing is far from all of them: the rare, too. For choosing what to label.
   *
   * @default 'medoids'
   */
  method?: 'medoids' | 'core-set' | undefined;
  /** @default 0 */
  seed?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** An item that stands for others. */
export interface Representative {
  id: string;
  row: number;
  /** The items that are nearer to it than to the others, itself included. */
  standsFor: number;
  /** The distance to the farthest of them, both at unit length, 0..2. */
  radius: number;
}

/**
 * Chooses items that stand for all; fewer than asked for where there are only copies of them.
 * @throws UsageError when more are asked for than there are.
 */
export async function representatives(
  set: VectorSet,
  count: number,
  options: RepresentativeOptions = {},
): Promise<{ items: Representative[]; owners: Int32Array }> {
  const { method = 'medoids', seed, signal } = options;
  if (method !== 'medoids' && method !== 'core-set')
    throw new UsageError(`method: expected medoids or core-set but received ${method satisfies never}`);
  const { chosen, owners, distances } =
    method === 'medoids'
      ? await medoids(set.unit(), count, { seed, signal })
      : await coreSet(set.unit(), count, { signal });
  const items = Array.from(chosen, (row) => ({ id: set.ids[row]!, row, standsFor: 0, radius: 0 }));
  owners.forEach((owner, row) => {
    const item = items[owner]!;
    item.standsFor++;
    item.radius = Math.max(item.radius, distances[row]!);
  });
  return { items, owners };
}
