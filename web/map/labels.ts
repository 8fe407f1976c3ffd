/** @file Names on the map: elements at the middles of groups, the larger groups first, none over another. */
import type { View } from './types.js';
import { type Size, toScreen } from './view.js';

/** A name and where it belongs in the plane. */
export interface MapLabel {
  text: string;
  x: number;
  y: number;
  /** Heavier ones are placed first. */
  weight: number;
  /** `#rrggbb`; handed to the style sheet as `--color`. */
  color: string;
}

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Between two names, in CSS pixels. */
const GAP = 4;
/** A name may move by so many of its heights from where it belongs. */
const SHIFTS = [0, -1, 1, -2, 2];

/** Keeps one element for each name, of class `map-label`, and moves them with the view. */
export class LabelLayer {
  readonly element: HTMLElement;
  private labels: { label: MapLabel; element: HTMLElement; width: number; height: number }[] = [];

  constructor(document: Document) {
    this.element = document.createElement('div');
    this.element.className = 'map-labels';
    this.element.ariaHidden = 'true'; // the legend names the groups
    this.element.style.cssText = 'position:absolute;inset:0;overflow:hidden;pointer-events:none';
  }

  set(labels: readonly MapLabel[]): void {
    this.element.replaceChildren();
    this.labels = [...labels]
      .sort((a, b) => b.weight - a.weight)
      .map((label) => {
        const element = this.element.ownerDocument.createElement('span');
        element.className = 'map-label';
        element.style.cssText = `position:absolute;left:0;top:0;white-space:nowrap;--color:${label.color}`;
        element.textContent = label.text;
        this.element.append(element);
        return { label, element, width: 0, height: 0 };
      });
    for (const entry of this.labels) {
      entry.width = entry.element.offsetWidth;
      entry.height = entry.element.offsetHeight;
    }
  }

  /** Places the names for a view, right of what covers the left; those that find no room are not shown. */
  place(view: View, area: Size, inset = 0): void {
    const taken: Box[] = [];
    for (const { label, element, width, height } of this.labels) {
      const at = toScreen(view, area, label.x, label.y);
      const box = SHIFTS.map((shift) => boxAt(at.x, at.y + shift * (height + GAP), width, height)).find(
        (candidate) => fits(candidate, area, inset) && !taken.some((other) => overlap(candidate, other)),
      );
      element.style.visibility = box ? 'visible' : 'hidden';
      if (box === undefined) continue;
      taken.push(box);
      element.style.transform = `translate(${box.left}px, ${box.top}px)`;
    }
  }
}

function boxAt(x: number, y: number, width: number, height: number): Box {
  return { left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2 };
}

function fits(box: Box, { width, height }: Size, inset: number): boolean {
  return box.left >= inset && box.left < width && box.bottom > 0 && box.top < height;
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right + GAP && b.left < a.right + GAP && a.top < b.bottom + GAP && b.top < a.bottom + GAP;
}

/**
 * Where the name of each group belongs: at the member nearest to the median of its places, so that it lies among them
 * even where the group is bent or torn.
 * @param groups the group of each item; others than 0 … `count − 1` have none
 */
export function groupMiddles(
  { x, y }: { x: Float32Array; y: Float32Array },
  groups: ArrayLike<number>,
  count: number,
): { x: number; y: number; size: number }[] {
  const members: number[][] = Array.from({ length: count }, () => []);
  for (let i = 0; i < groups.length; i++) members[groups[i]!]?.push(i);
  return members.map((items) => {
    if (items.length === 0) return { x: 0, y: 0, size: 0 };
    const middle = (of: Float32Array) =>
      Float32Array.from(items, (item) => of[item]!).sort()[items.length >> 1]!;
    const [mx, my] = [middle(x), middle(y)];
    let best = items[0]!;
    const far = (item: number) => (x[item]! - mx) ** 2 + (y[item]! - my) ** 2;
    for (const item of items) if (far(item) < far(best)) best = item;
    return { x: x[best]!, y: y[best]!, size: items.length };
  });
}
