/** @file Hits that say different things: near-equal ones collapsed, and maximal marginal relevance. */
import { UsageError } from '../errors.js';

/** A hit with its vector, of unit length. */
interface Ranked {
  id: string;
  /** Cosine to the query. */
  score: number;
  vector: Float32Array;
}

/**
 * Collapses near-equal hits: each joins the first better one whose vector is at least `threshold` like its own, and
 * otherwise stands for itself. What comes later never changes what came before, so pages do not overlap.
 * @param hits best first
 * @param threshold cosine, −1..1
 */
export function collapse<H extends Ranked>(
  hits: readonly H[],
  threshold: number,
): { hit: H; collapsed: string[] }[] {
  if (!(threshold >= -1 && threshold <= 1))
    throw new UsageError(`dedup: expected a cosine of -1 to 1 but received ${threshold}`);
  const groups: { hit: H; collapsed: string[] }[] = [];
  for (const hit of hits) {
    const group = groups.find((g) => dot(g.hit.vector, hit.vector) >= threshold);
    if (group) group.collapsed.push(hit.id);
    else groups.push({ hit, collapsed: [] });
  }
  return groups;
}

/**
 * Orders hits by maximal marginal relevance (Carbonell & Goldstein 1998): each next one is that of the greatest
 * `lambda · score − (1 − lambda) · likeness`, with its likeness to the most alike of those chosen before. Ties go to
 * the better score.
 * @param hits best first; the work grows with their number times `count`
 * @param lambda 1 leaves the order as it is, 0 looks for difference alone
 * @param count how many are ordered; the others are left out
 */
export function marginalRelevance<H extends Ranked>(hits: readonly H[], lambda: number, count: number): H[] {
  if (!(lambda >= 0 && lambda <= 1))
    throw new UsageError(`diverse: expected a number of 0 to 1 but received ${lambda}`);
  const rest = hits.map((hit) => ({ hit, likeness: 0 }));
  const chosen: H[] = [];
  while (chosen.length < count && rest.length > 0) {
    let best = 0;
    let bestValue = Number.NEGATIVE_INFINITY;
    rest.forEach(({ hit, likeness }, i) => {
      const value = chosen.length === 0 ? hit.score : lambda * hit.score - (1 - lambda) * likeness;
      if (value > bestValue) {
        best = i;
        bestValue = value;
      }
    });
    const [{ hit }] = rest.splice(best, 1) as [{ hit: H; likeness: number }];
    const first = chosen.length === 0;
    for (const other of rest) {
      const likeness = dot(hit.vector, other.hit.vector);
      other.likeness = first ? likeness : Math.max(other.likeness, likeness);
    }
    chosen.push(hit);
  }
  return chosen;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
