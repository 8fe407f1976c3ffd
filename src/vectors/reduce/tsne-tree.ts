/**
 * @file How the points of a t-SNE map of up to three dimensions repel each other, those far away taken together
 * (Barnes & Hut, Nature 1986; van der Maaten, JMLR 2014).
 *
 * The points are sorted along a Morton curve, so that every cell of the quadtree or octree is a run of them. Cells lie in
 * the order of a walk through the tree, each with the place where the walk goes on behind it: no pointers, no stack.
 */
import { MortonCurve } from './tsne-morton.js';
import type { Repulsion } from './tsne-repulsion.js';

/** A cell is taken as one point from where it looks narrower than this (width over distance). */
const ANGLE = 0.5;
/** Points that are not divided further. */
const LEAF = 8;

export class RepulsionTree {
  private readonly curve: MortonCurve;
  /** Coordinates of the points in the order of their keys, and of the cells' centres of mass; zeros behind the last. */
  private readonly points: Float64Array[];
  private readonly centres: Float64Array[];
  private readonly masses: Float64Array;
  /** The squared distance from which a cell is one point. */
  private readonly reach: Float64Array;
  /** The cell behind all that this one is divided into. */
  private readonly behind: Int32Array;
  /** The first and last point of a cell that is not divided; −1 otherwise. */
  private readonly firsts: Int32Array;
  private readonly ends: Int32Array;
  private cells = 0;

  /** @param dimensions 1, 2 or 3 */
  constructor(
    private readonly count: number,
    private readonly dimensions: number,
  ) {
    this.curve = new MortonCurve(count, dimensions);
    this.points = [0, 1, 2].map(() => new Float64Array(count));
    const most = 2 * count; // each cell that is divided has two parts at least
    this.centres = [0, 1, 2].map(() => new Float64Array(most));
    this.masses = new Float64Array(most);
    this.reach = new Float64Array(most);
    [this.behind, this.firsts, this.ends] = [
      new Int32Array(most),
      new Int32Array(most),
      new Int32Array(most),
    ];
  }

  repulsion(positions: Float64Array): Repulsion {
    const { count, dimensions } = this;
    const extent = this.curve.sort(positions);
    const { order } = this.curve;
    for (let i = 0; i < count; i++)
      for (let d = 0; d < dimensions; d++) this.points[d]![i] = positions[order[i]! * dimensions + d]!;
    this.cells = 0;
    this.divide(0, count, 0, extent);
    const forces = new Float64Array(positions.length);
    const total = dimensions < 3 ? this.walk(forces) : this.walkInSpace(forces);
    return { forces, total };
  }

  /** Makes a cell of the points from `first` to `end`, and of its parts behind it. */
  private divide(first: number, end: number, above: number, extent: number): void {
    const { dimensions, points, centres } = this;
    const { levels, keys } = this.curve;
    // A level on which all fall into the same part is left out.
    let level = above;
    const shift = (l: number) => dimensions * (levels - 1 - l);
    while (level < levels && keys[first]! >>> shift(level) === keys[end - 1]! >>> shift(level)) level++;
    const cell = this.cells++;
    const width = extent / 2 ** level / ANGLE;
    this.reach[cell] = width * width;
    this.masses[cell] = end - first;
    const sums = [0, 0, 0];
    if (end - first <= LEAF || level === levels) {
      this.firsts[cell] = first;
      this.ends[cell] = end;
      for (let i = first; i < end; i++) for (let d = 0; d < dimensions; d++) sums[d]! += points[d]![i]!;
    } else {
      this.firsts[cell] = -1;
      for (let from = first; from < end; ) {
        const part = keys[from]! >>> shift(level);
        let to = from + 1;
        while (to < end && keys[to]! >>> shift(level) === part) to++;
        const child = this.cells;
        this.divide(from, to, level + 1, extent);
        for (let d = 0; d < dimensions; d++) sums[d]! += centres[d]![child]! * (to - from);
        from = to;
      }
    }
    for (let d = 0; d < dimensions; d++) centres[d]![cell] = sums[d]! / (end - first);
    this.behind[cell] = this.cells;
  }

  /** The forces on all points of a line or a plane; returns the sum of nearness. */
  private walk(forces: Float64Array): number {
    const { count, dimensions, points, centres, masses, reach, behind, firsts, ends, cells } = this;
    const { order } = this.curve;
    const [px, py] = [points[0]!, points[1]!];
    const [cx, cy] = [centres[0]!, centres[1]!];
    let total = 0;
    for (let p = 0; p < count; p++) {
      const x = px[p]!;
      const y = py[p]!;
      let fx = 0;
      let fy = 0;
      for (let cell = 0; cell < cells; ) {
        const dx = x - cx[cell]!;
        const dy = y - cy[cell]!;
        const square = dx * dx + dy * dy;
        if (square > reach[cell]!) {
          const near = 1 / (1 + square);
          const force = masses[cell]! * near;
          total += force;
          fx += force * near * dx;
          fy += force * near * dy;
          cell = behind[cell]!;
        } else if (firsts[cell]! >= 0) {
          for (let q = firsts[cell]!, end = ends[cell]!; q < end; q++) {
            if (q === p) continue;
            const dx = x - px[q]!;
            const dy = y - py[q]!;
            const near = 1 / (1 + dx * dx + dy * dy);
            total += near;
            fx += near * near * dx;
            fy += near * near * dy;
          }
          cell = behind[cell]!;
        } else cell++;
      }
      const to = order[p]! * dimensions;
      forces[to] = fx;
      if (dimensions === 2) forces[to + 1] = fy;
    }
    return total;
  }

  /** The same in space, where nearness has two degrees of freedom. */
  private walkInSpace(forces: Float64Array): number {
    const { count, points, centres, masses, reach, behind, firsts, ends, cells } = this;
    const { order } = this.curve;
    const [px, py, pz] = [points[0]!, points[1]!, points[2]!];
    const [cx, cy, cz] = [centres[0]!, centres[1]!, centres[2]!];
    let total = 0;
    for (let p = 0; p < count; p++) {
      let [fx, fy, fz] = [0, 0, 0];
      for (let cell = 0; cell < cells; ) {
        const dx = px[p]! - cx[cell]!;
        const dy = py[p]! - cy[cell]!;
        const dz = pz[p]! - cz[cell]!;
        const square = dx * dx + dy * dy + dz * dz;
        if (square > reach[cell]!) {
          const wide = 1 + square / 2;
          const near = masses[cell]! / (wide * Math.sqrt(wide));
          total += near;
          const force = near / wide;
          fx += force * dx;
          fy += force * dy;
          fz += force * dz;
          cell = behind[cell]!;
        } else if (firsts[cell]! >= 0) {
          for (let q = firsts[cell]!, end = ends[cell]!; q < end; q++) {
            if (q === p) continue;
            const dx = px[p]! - px[q]!;
            const dy = py[p]! - py[q]!;
            const dz = pz[p]! - pz[q]!;
            const wide = 1 + (dx * dx + dy * dy + dz * dz) / 2;
            const near = 1 / (wide * Math.sqrt(wide));
            total += near;
            const force = near / wide;
            fx += force * dx;
            fy += force * dy;
            fz += force * dz;
          }
          cell = behind[cell]!;
        } else cell++;
      }
      const to = order[p]! * 3;
      forces[to] = fx;
      forces[to + 1] = fy;
      forces[to + 2] = fz;
    }
    return total;
  }
}
