/** @file Between the plane and the screen. */
import type { MapPoints, Place, View } from './types.js';

/** The size of the map's element in CSS pixels. */
export interface Size {
  width: number;
  height: number;
}

/** Where a point of the plane is seen. */
export function toScreen(view: View, size: Size, x: number, y: number): Place {
  return { x: size.width / 2 + (x - view.x) * view.scale, y: size.height / 2 - (y - view.y) * view.scale };
}

/** Which point of the plane is seen there. */
export function toPlane(view: View, size: Size, { x, y }: Place): Place {
  return { x: view.x + (x - size.width / 2) / view.scale, y: view.y - (y - size.height / 2) / view.scale };
}

/** The view `factor` times as near, with what is seen at `place` staying there. */
export function zoomedAt(view: View, size: Size, place: Place, factor: number): View {
  const fixed = toPlane(view, size, place);
  const scale = view.scale * factor;
  return {
    x: fixed.x - (place.x - size.width / 2) / scale,
    y: fixed.y + (place.y - size.height / 2) / scale,
    scale,
  };
}

/** The view moved by so many pixels of the screen, as if the map were pulled. */
export function panned(view: View, dx: number, dy: number): View {
  return { ...view, x: view.x - dx / view.scale, y: view.y + dy / view.scale };
}

/**
 * The view that shows items and a margin around them.
 * @param items @default all
 * @param inset what covers the element at its left, in CSS pixels
 */
export function fitted(points: MapPoints, size: Size, items?: ArrayLike<number>, inset = 0): View {
  let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
  const n = items?.length ?? points.x.length;
  for (let i = 0; i < n; i++) {
    const item = items ? items[i]! : i;
    const x = points.x[item]!;
    const y = points.y[item]!;
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < bottom) bottom = y;
    if (y > top) top = y;
  }
  if (n === 0) return { x: 0, y: 0, scale: 1 };
  const margin = Math.min(48, size.width / 10, size.height / 10);
  const room = Math.max(1, size.width - inset - 2 * margin);
  const across = room / Math.max(right - left, 1e-9);
  const up = Math.max(1, size.height - 2 * margin) / Math.max(top - bottom, 1e-9);
  const scale = Math.min(across, up, 1e6);
  return { x: (left + right) / 2 - inset / 2 / scale, y: (bottom + top) / 2, scale };
}

/** A view on the way from one to another, 0 ≤ `part` ≤ 1: nearer evenly, and over the screen evenly. */
export function between(from: View, to: View, part: number): View {
  const scale = from.scale * (to.scale / from.scale) ** part;
  const along =
    to.scale === from.scale ? part : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / to.scale);
  return { x: from.x + (to.x - from.x) * along, y: from.y + (to.y - from.y) * along, scale };
}
