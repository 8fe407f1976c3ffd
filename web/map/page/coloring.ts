/** @file From a column to colours, a legend and names on the map. */
import { groupMiddles, type MapLabel } from '../labels.js';
import { CATEGORIES, numberScale, OTHER, STEPS } from '../palette.js';
import type { MapPoints } from '../types.js';
import type { PageColumn } from './data.js';

/** One line of a legend. */
export interface Kind {
  text: string;
  color: string;
  count: number;
}

/** How items are coloured. */
export interface Coloring {
  indices: Uint8Array;
  palette: readonly string[];
  /** Of kinds: the place of each item's kind in `kinds`, −1 for none. */
  kinds?: readonly Kind[];
  groups?: Int32Array;
  /** Of numbers: what the ends of the scale stand for. */
  scale?: { low: number; high: number; time: boolean; below: boolean; above: boolean; missing: number };
}

/** Names on the map at once. */
const MOST_LABELS = 40;

/** Columns that say something by colour: of texts those that several items share. */
export function canColor(column: PageColumn, count: number): boolean {
  if (column.kind === 'kinds')
    return column.values.length > 1 && column.values.length <= Math.max(12, Math.min(1000, count / 3));
  let first = Number.NaN;
  for (let i = 0; i < column.numbers.length; i++) {
    const value = column.numbers[i]!;
    if (Number.isNaN(value)) continue;
    if (Number.isNaN(first)) first = value;
    else if (value !== first) return true;
  }
  return false;
}

/** Colours by a column; without one all items have the same. */
export function coloringOf(column: PageColumn | undefined, count: number): Coloring {
  if (column === undefined) return { indices: new Uint8Array(count), palette: [CATEGORIES[0]!] };
  return column.kind === 'kinds' ? byKinds(column, count) : byNumbers(column, count);
}

/** The most frequent kinds have colours of their own; all others share that of "other". */
function byKinds(column: PageColumn & { kind: 'kinds' }, count: number): Coloring {
  const palette = [...CATEGORIES, OTHER];
  const other = CATEGORIES.length;
  const kinds = column.values.map((text, i) => ({ text, color: palette[Math.min(i, other)]!, count: 0 }));
  const groups = Int32Array.from({ length: count }, (_, i) => column.codes[i]! - 1);
  for (const group of groups) if (group >= 0) kinds[group]!.count++;
  const indices = Uint8Array.from(groups, (group) => (group < 0 || group > other ? other : group));
  return { indices, palette, kinds, groups };
}

/** The scale spans the middle 96 % of the numbers, so that a few extreme ones do not take its colours. */
function byNumbers({ numbers, time }: PageColumn & { kind: 'numbers' }, count: number): Coloring {
  const sorted = Float64Array.from(numbers as ArrayLike<number>)
    .filter((value) => !Number.isNaN(value))
    .sort();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
  let [low, high] = [at(0.02), at(0.98)];
  if (low === high) [low, high] = [at(0), at(1)];
  const indices = Uint8Array.from({ length: count }, (_, i) => {
    const value = numbers[i]!;
    if (Number.isNaN(value)) return STEPS;
    return Math.round((STEPS - 1) * Math.min(1, Math.max(0, (value - low) / (high - low))));
  });
  const [below, above] = [at(0) < low, at(1) > high];
  const missing = count - sorted.length;
  return { indices, palette: [...numberScale(), OTHER], scale: { low, high, time, below, above, missing } };
}

/** Names of the largest kinds, where they lie. */
export function labelsOf({ kinds, groups }: Coloring, points: MapPoints): MapLabel[] {
  if (!kinds || !groups) return [];
  const shown = kinds.slice(0, MOST_LABELS);
  return groupMiddles(points, groups, shown.length).map(({ x, y, size }, i) => ({
    text: shown[i]!.text,
    color: shown[i]!.color,
    x,
    y,
    weight: size,
  }));
}
