/** @file Whole groups or whole classes held out, of sizes that come close to what was asked for. */
import { UsageError } from '../../errors.js';
import { unitItems } from './dataset-assemble.js';
import { firstFew, plural } from './dataset-text.js';
import type { Draw } from './split.js';
import type { DataSet } from './types.js';

interface Group {
  units: number[];
  /** Units of each class; empty without labels. */
  classes: Map<number, number>;
}

/** Random orders that are tried until one fits well enough, and what that is; otherwise the best of them is taken. */
const TRIES = 64;
const GOOD_FIT = 0.1;

/**
 * Draws whole groups until about `count` units are held out.
 * @throws UsageError when units have no group or class, or there are too few groups for the parts.
 */
export function splitByGroup(set: DataSet, by: 'group' | 'classes', from: number[], what: Draw): number[] {
  const groups = by === 'classes' ? classGroups(set, from) : namedGroups(set, from);
  const least = by === 'classes' ? 2 : 1; // precision among the images of one class says nothing
  const needed = least * (2 + what.later);
  if (groups.length < needed)
    throw new UsageError(
      `${what.part}: expected at least ${plural(needed, by === 'classes' ? 'class' : 'group')} to split but found ${groups.length}`,
      { hint: "split by 'stratified' or 'random', or add data" },
    );
  const shares = divisibleShares(groups);
  let best: { chosen: Group[]; score: number } | undefined;
  for (let i = 0; i < TRIES; i++) {
    const order = what.random.shuffle(groups.slice());
    const chosen = choose(order, what.count, least, groups.length - needed + least);
    const score = misfit(chosen, what.count, shares);
    if (best === undefined || score < best.score) best = { chosen, score };
    if (score <= GOOD_FIT) break;
  }
  return best!.chosen.flatMap(({ units }) => units);
}

/** Takes groups in their order as long as each brings the size nearer to `count`. */
function choose(order: readonly Group[], count: number, least: number, most: number): Group[] {
  const chosen: Group[] = [];
  let size = 0;
  for (const group of order) {
    if (chosen.length === most) break;
    const after = size + group.units.length;
    if (chosen.length >= least && Math.abs(after - count) >= Math.abs(size - count)) continue;
    chosen.push(group);
    size = after;
  }
  return chosen;
}

/** Relative error of the size, and half the distance between the classes' shares here and those in all groups. */
function misfit(chosen: readonly Group[], count: number, shares: ReadonlyMap<number, number>): number {
  const size = chosen.reduce((sum, { units }) => sum + units.length, 0);
  const here = shareOf(chosen);
  let distance = 0;
  for (const [c, share] of shares) distance += Math.abs(share - (here.get(c) ?? 0));
  return Math.abs(size - count) / count + distance / 2;
}

/** The shares of those classes that lie in several groups: where the others go, they go whole. */
function divisibleShares(groups: readonly Group[]): Map<number, number> {
  const places = new Map<number, number>();
  for (const { classes } of groups) for (const c of classes.keys()) places.set(c, (places.get(c) ?? 0) + 1);
  return new Map([...shareOf(groups)].filter(([c]) => places.get(c)! > 1));
}

/** The share of each class among the units of groups. */
function shareOf(groups: readonly Group[]): Map<number, number> {
  const shares = new Map<number, number>();
  const total = groups.reduce((sum, { units }) => sum + units.length, 0);
  for (const { classes } of groups) {
    for (const [c, count] of classes) shares.set(c, (shares.get(c) ?? 0) + count / total);
  }
  return shares;
}

function classGroups(set: DataSet, from: number[]): Group[] {
  const { labels } = set;
  if (labels === null)
    throw new UsageError(`split: expected labels to hold out whole classes but the data is ${set.kind}`);
  return gather(from, (u) => labels[u]!).map((units) => ({ units, classes: new Map() }));
}

/** Units that share a group; of pairs and triplets also those that share an image. */
function namedGroups(set: DataSet, from: number[]): Group[] {
  const rows = set.kind === 'pairs' || set.kind === 'triplets';
  const without = rows ? [] : from.filter((u) => set.items[u]!.group === undefined);
  if (without.length > 0)
    throw new UsageError(
      `split: expected a group for every image but ${without.length} of ${from.length} have none: ` +
        firstFew(without.map((u) => set.items[u]!.id)),
      { hint: 'name the column of groups with groupColumn, or the folders that are groups with groupDepth' },
    );
  const joined = new Joined();
  for (const u of from) {
    const names = Array.from(unitItems(set, u), (i) => {
      const { id, group } = set.items[i]!;
      return group === undefined ? [`image ${id}`] : [`image ${id}`, `group ${group}`];
    }).flat();
    for (const name of names) joined.join(names[0]!, name);
  }
  const rootOf = (u: number): string => joined.root(`image ${set.items[unitItems(set, u)[0]!]!.id}`);
  const classOf = set.labels ?? set.same;
  return gather(from, rootOf).map((units) => {
    const classes = new Map<number, number>();
    for (const u of classOf ? units : []) classes.set(classOf![u]!, (classes.get(classOf![u]!) ?? 0) + 1);
    return { units, classes };
  });
}

/** Units by key, in the order in which the keys occur. */
export function gather<K>(units: readonly number[], key: (unit: number) => K): number[][] {
  const groups = new Map<K, number[]>();
  for (const u of units) {
    const k = key(u);
    const group = groups.get(k);
    if (group === undefined) groups.set(k, [u]);
    else group.push(u);
  }
  return [...groups.values()];
}

/** Names joined into sets (union–find, halving paths). */
class Joined {
  private readonly parents = new Map<string, string>();

  root(name: string): string {
    let at = name;
    for (;;) {
      const parent = this.parents.get(at) ?? at;
      if (parent === at) return at;
      const above = this.parents.get(parent) ?? parent;
      this.parents.set(at, above);
      at = above;
    }
  }

  join(a: string, b: string): void {
    const [x, y] = [this.root(a), this.root(b)];
    if (x !== y) this.parents.set(y, x);
  }
}
