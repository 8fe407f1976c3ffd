/** @file From a spanning tree to clusters: the single-linkage tree, condensed, and which of its branches are clusters. */
import type { DensityClustering } from './hdbscan.js';
import type { TreeEdges } from './hdbscan-spanning-tree.js';

/** One thing that leaves a cluster as the distance shrinks: a point, or a cluster that splits off. */
interface Departure {
  /** The cluster that it leaves, 0 the root. */
  parent: number;
  /** A point, or a cluster's number. */
  child: number;
  isCluster: boolean;
  /** 1 / distance at which it leaves. */
  lambda: number;
  /** Points in it. */
  size: number;
}

/** Nothing is nearer than this part of the largest distance: copies would last for ever. */
const NEAREST = 1e-9;

/**
 * The tree of clusters with at least `least` points, from the root down: a branch with fewer falls out of its parent point
 * by point, and a parent with two branches that are large enough ends in two new clusters.
 */
export function condense({ from, to, distance }: TreeEdges, count: number, least: number): Departure[] {
  // The dendrogram: node count + i joins two at distance[i].
  const left = new Int32Array(count - 1);
  const right = new Int32Array(count - 1);
  const sizes = new Int32Array(2 * count - 1).fill(1, 0, count);
  const tops = Int32Array.from({ length: count }, (_, i) => i);
  const parents = Int32Array.from({ length: count }, (_, i) => i);
  const find = (point: number) => {
    let root = point;
    while (parents[root] !== root) root = parents[root]!;
    for (let at = point; at !== root; ) [parents[at], at] = [root, parents[at]!];
    return root;
  };
  for (let i = 0; i < count - 1; i++) {
    const [a, b] = [find(from[i]!), find(to[i]!)];
    left[i] = tops[a]!;
    right[i] = tops[b]!;
    sizes[count + i] = sizes[tops[a]!]! + sizes[tops[b]!]!;
    parents[b] = a;
    tops[a] = count + i;
  }
  const floor = Math.max(NEAREST * (distance.at(-1) ?? 0), Number.MIN_VALUE * 2 ** 60);
  const departures: Departure[] = [];
  let clusters = 1;
  const open: [node: number, cluster: number][] = [[2 * count - 2, 0]];
  const points = (node: number): number[] => {
    const found: number[] = [];
    for (const stack = [node]; stack.length > 0; ) {
      const top = stack.pop()!;
      if (top < count) found.push(top);
      else stack.push(left[top - count]!, right[top - count]!);
    }
    return found;
  };
  while (open.length > 0) {
    const [node, cluster] = open.pop()!;
    if (node < count) continue;
    const lambda = 1 / Math.max(distance[node - count]!, floor);
    const branches = [left[node - count]!, right[node - count]!];
    const large = branches.filter((branch) => sizes[branch]! >= least);
    for (const branch of branches) {
      if (sizes[branch]! < least) {
        for (const child of points(branch))
          departures.push({ parent: cluster, child, isCluster: false, lambda, size: 1 });
      } else if (large.length === 2) {
        departures.push({ parent: cluster, child: clusters, isCluster: true, lambda, size: sizes[branch]! });
        open.push([branch, clusters++]);
      } else open.push([branch, cluster]);
    }
  }
  return departures;
}

/** Chooses clusters of the condensed tree and says which of them each point belongs to. The root is none. */
export function selectClusters(
  departures: readonly Departure[],
  count: number,
  selection: 'eom' | 'leaf',
): DensityClustering {
  const clusters = 1 + departures.filter(({ isCluster }) => isCluster).length;
  const births = new Float64Array(clusters);
  const parents = new Int32Array(clusters).fill(-1);
  const children: number[][] = Array.from({ length: clusters }, () => []);
  const deaths = new Float64Array(clusters);
  for (const { parent, child, isCluster, lambda } of departures) {
    deaths[parent] = Math.max(deaths[parent]!, lambda);
    if (!isCluster) continue;
    births[child] = lambda;
    parents[child] = parent;
    children[parent]!.push(child);
  }
  const stabilities = new Float64Array(clusters);
  for (const { parent, lambda, size } of departures)
    stabilities[parent]! += (lambda - births[parent]!) * size;

  const chosen = new Set<number>();
  const totals = stabilities.slice();
  for (let cluster = clusters - 1; cluster > 0; cluster--) {
    // Children have higher numbers than their parents.
    const below = children[cluster]!;
    const sum = below.reduce((all, child) => all + totals[child]!, 0);
    if (below.length === 0 || (selection === 'eom' && sum <= stabilities[cluster]!)) {
      for (const stack = [...below]; stack.length > 0; ) {
        const other = stack.pop()!;
        chosen.delete(other);
        stack.push(...children[other]!);
      }
      chosen.add(cluster);
    } else totals[cluster] = sum;
  }
  const order = [...chosen].sort((a, b) => a - b);
  const numbers = new Int32Array(clusters).fill(-1);
  order.forEach((cluster, i) => {
    numbers[cluster] = i;
  });
  for (let cluster = 1; cluster < clusters; cluster++)
    if (numbers[cluster] === -1) numbers[cluster] = numbers[parents[cluster]!]!;

  const assignments = new Int32Array(count).fill(-1);
  const probabilities = new Float32Array(count);
  for (const { parent, child, isCluster, lambda } of departures) {
    if (isCluster) continue;
    const number = numbers[parent]!;
    if (number < 0) continue;
    const longest = deaths[order[number]!]!;
    assignments[child] = number;
    probabilities[child] = longest === 0 ? 1 : Math.min(lambda, longest) / longest;
  }
  return {
    assignments,
    probabilities,
    clusters: order.length,
    stabilities: order.map((c) => stabilities[c]!),
  };
}
