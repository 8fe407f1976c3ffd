/** @file An item's small picture as an element. */
import type { PageTiles } from './data.js';
import { el } from './dom.js';

/** The picture fitted into a square of `side` CSS pixels, or a plain field where the page has none. */
export function tileOf(tiles: PageTiles | undefined, item: number, side: number): HTMLElement {
  const slot = tiles?.slots[item] ?? -1;
  if (tiles === undefined || slot < 0)
    return el('span', { class: 'tile none', style: `width:${side}px;height:${side}px` });
  const per = tiles.columns ** 2;
  const [w, h, cell] = [tiles.sizes[2 * slot]!, tiles.sizes[2 * slot + 1]!, slot % per];
  const grow = side / Math.max(w, h);
  const image = tiles.images[Math.floor(slot / per)]!;
  const left = (cell % tiles.columns) * tiles.cell * grow;
  const top = Math.floor(cell / tiles.columns) * tiles.cell * grow;
  return el('span', {
    class: 'tile',
    style:
      `width:${w * grow}px;height:${h * grow}px;background:url(${tiles.urls[Math.floor(slot / per)]}) ` +
      `-${left}px -${top}px / ${image.width * grow}px ${image.height * grow}px no-repeat`,
  });
}
