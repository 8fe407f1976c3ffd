/** @file A uniform grid over the points: which are near, and which lie within, without looking at all of them. */
import type { MapPoints, Place } from './types.js';

/** Points per cell, on average. */
const PER_CELL = 2;

/** An index of points that do not move. Building it is linear in their number. */
export class PointGrid {
  private readonly columns: number;
  private readonly rows: number;
  private readonly left: number;
  private readonly bottom: number;
  private readonly cell: number;
  /** Where each cell's items begin in {@link items}. */
  private readonly starts: Uint32Array;
  private readonly items: Uint32Array;

  constructor(private readonly points: MapPoints) {
    const { x, y } = points;
    let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < x.length; i++) {
      left = Math.min(left, x[i]!);
      right = Math.max(right, x[i]!);
      bottom = Math.min(bottom, y[i]!);
      top = Math.max(top, y[i]!);
    }
    const [width, height] = x.length > 0 ? [right - left, top - bottom] : [0, 0];
    const cells = Math.max(1, x.length / PER_CELL);
    this.cell = Math.max(Math.sqrt((width * height) / cells), Math.max(width, height) / cells) || 1;
    this.left = left;
    this.bottom = bottom;
    this.columns = Math.floor(width / this.cell) + 1;
    this.rows = Math.floor(height / this.cell) + 1;
    this.starts = new Uint32Array(this.columns * this.rows + 1);
    this.items = new Uint32Array(x.length);
    const cellOf = new Uint32Array(x.length);
    for (let i = 0; i < x.length; i++) {
      cellOf[i] = this.row(y[i]!) * this.columns + this.column(x[i]!);
      this.starts[cellOf[i]! + 1]!++;
    }
    for (let i = 1; i < this.starts.length; i++) this.starts[i]! += this.starts[i - 1]!;
    const next = this.starts.slice();
    for (let i = 0; i < x.length; i++) this.items[next[cellOf[i]!]!++] = i;
  }

  private column(x: number): number {
    return Math.min(this.columns - 1, Math.max(0, Math.floor((x - this.left) / this.cell)));
  }
  private row(y: number): number {
    return Math.min(this.rows - 1, Math.max(0, Math.floor((y - this.bottom) / this.cell)));
  }

  /** Calls back for every item within a box of the plane. */
  within(left: number, bottom: number, right: number, top: number, visit: (item: number) => void): void {
    const { x, y } = this.points;
    if (x.length === 0) return;
    const [first, last] = [this.column(left), this.column(right)];
    for (let row = this.row(bottom); row <= this.row(top); row++) {
      const from = this.starts[row * this.columns + first]!;
      const to = this.starts[row * this.columns + last + 1]!;
      for (let at = from; at < to; at++) {
        const item = this.items[at]!;
        const [px, py] = [x[item]!, y[item]!];
        if (px >= left && px <= right && py >= bottom && py <= top) visit(item);
      }
    }
  }

  /** The item nearest to a point of the plane, at most `radius` away; −1 where there is none. */
  nearest(x: number, y: number, radius: number, wanted: (item: number) => boolean = () => true): number {
    let best = -1;
    let least = radius * radius;
    this.within(x - radius, y - radius, x + radius, y + radius, (item) => {
      const distance = (this.points.x[item]! - x) ** 2 + (this.points.y[item]! - y) ** 2;
      if (distance <= least && wanted(item)) {
        best = item;
        least = distance;
      }
    });
    return best;
  }

  /** The items inside a polygon of the plane, in their order (even–odd rule). */
  inside(polygon: readonly Place[]): Uint32Array {
    const xs = polygon.map((p) => p.x);
    const ys = polygon.map((p) => p.y);
    const found: number[] = [];
    this.within(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (item) => {
      const [px, py] = [this.points.x[item]!, this.points.y[item]!];
      let odd = false;
      for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
        const [a, b] = [polygon[i]!, polygon[j]!];
        if (a.y > py !== b.y > py && px < ((b.x - a.x) * (py - a.y)) / (b.y - a.y) + a.x) odd = !odd;
      }
      if (odd) found.push(item);
    });
    return Uint32Array.from(found).sort();
  }
}
