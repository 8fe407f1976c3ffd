/**
 * @file Which items show their picture: as many as fit at a distance from each other. Those that were shown before come
 * first, so that pictures stay while the map moves; the others have a fixed order.
 */
import type { MapPoints, Picture, View } from './types.js';
import { type Size, toScreen } from './view.js';

/** What {@link spread} chooses among. */
export interface SpreadInput {
  points: MapPoints;
  /** Items that have a picture, the most wanted first. */
  candidates: ArrayLike<number>;
  /** Those of them that come before all others. */
  first: ArrayLike<number>;
  /** Those shown before. */
  shown: readonly Picture[];
  /** The longer side of a picture in CSS pixels, and the least distance of two middles, across or up. */
  size: number;
  distance: number;
  /** No more than so many. */
  most: number;
  allowed(item: number): boolean;
}

/** Chooses pictures for a view. Linear in the number of candidates. */
export function spread(view: View, area: Size, input: SpreadInput): Picture[] {
  const { points, candidates, first, shown, size, distance, most, allowed } = input;
  const columns = Math.ceil((area.width + 2 * size) / distance) + 3;
  const cells = new Map<number, { x: number; y: number }[]>();
  const chosen: Picture[] = [];
  const taken = new Set<number>();
  const consider = (item: number): void => {
    if (chosen.length >= most || taken.has(item)) return;
    const place = toScreen(view, area, points.x[item]!, points.y[item]!);
    const out = size / 2;
    if (place.x < -out || place.y < -out || place.x > area.width + out || place.y > area.height + out) return;
    if (!allowed(item)) return;
    const column = Math.floor((place.x + size) / distance) + 1;
    const row = Math.floor((place.y + size) / distance) + 1;
    for (let r = row - 1; r <= row + 1; r++)
      for (let c = column - 1; c <= column + 1; c++)
        for (const other of cells.get(r * columns + c) ?? [])
          if (Math.max(Math.abs(other.x - place.x), Math.abs(other.y - place.y)) < distance) return;
    const key = row * columns + column;
    const cell = cells.get(key);
    if (cell) cell.push(place);
    else cells.set(key, [place]);
    taken.add(item);
    chosen.push({ item, size });
  };
  for (const { item } of shown) consider(item);
  for (let i = 0; i < first.length; i++) consider(first[i]!);
  for (let i = 0; i < candidates.length; i++) consider(candidates[i]!);
  return chosen;
}
