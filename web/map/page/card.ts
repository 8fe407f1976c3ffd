/** @file What is shown of the item under the pointer: a larger picture, its name and its columns. */
import type { Place } from '../types.js';
import type { PageData, PageTiles } from './data.js';
import { el } from './dom.js';
import { tileOf } from './tile.js';

const WIDTH = 248;
/** The picture's longer side in CSS pixels. */
const PICTURE = 228;
const MOST_ROWS = 9;

/** One card, moved from item to item. */
export class Card {
  readonly element = el('div', { class: 'card panel', hidden: true, role: 'status', 'aria-live': 'polite' });
  tiles: PageTiles | undefined;

  constructor(
    private readonly data: PageData,
    /** The score of an item in the present search. */
    private readonly scoreOf: (item: number) => number | undefined,
  ) {}

  hide(): void {
    this.element.hidden = true;
  }

  /** Shows an item beside a place of the page. @param open with a link, where a click does not open the file */
  show(item: number, place: Place, open: boolean): void {
    const { data, element } = this;
    const frame = el('div', { class: 'frame' }, tileOf(this.tiles, item, PICTURE));
    const image = new Image();
    image.alt = '';
    image.style.maxWidth = image.style.maxHeight = `${PICTURE}px`;
    image.onload = () => frame.replaceChildren(image);
    image.src = data.link(item);
    const rows = data.columns.flatMap((column) => {
      const value = data.cell(column, item);
      return value === undefined ? [] : [[column.name, value] as const];
    });
    const score = this.scoreOf(item);
    if (score !== undefined) rows.unshift(['score', score.toFixed(3)]);
    const name = data.name(item);
    element.replaceChildren(
      frame,
      el('div', { class: 'name', title: data.payload.prefix + name }, name),
      el(
        'dl',
        {},
        ...rows.slice(0, MOST_ROWS).flatMap(([key, value]) => [el('dt', {}, key), el('dd', {}, value)]),
      ),
      ...(open
        ? [el('a', { href: data.link(item), target: '_blank', rel: 'noopener' }, 'Open the file')]
        : []),
    );
    element.classList.toggle('touch', open);
    element.hidden = false;
    const { clientWidth: width, clientHeight: height } = document.documentElement;
    const tall = element.offsetHeight;
    const right = place.x + 24 + WIDTH < width;
    element.style.left = `${Math.max(8, right ? place.x + 24 : place.x - 24 - WIDTH)}px`;
    element.style.top = `${Math.max(8, Math.min(height - tall - 8, place.y - tall / 3))}px`;
  }
}
