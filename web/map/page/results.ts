/** @file What a search or a selection has found, as a grid of small pictures. */
import type { PageData, PageTiles } from './data.js';
import { el } from './dom.js';
import type { Found } from './search.js';
import { tileOf } from './tile.js';

/** Pictures at once. */
const MOST = 96;
const SIDE = 60;

/** Makes the grid. */
export function resultsOf(
  data: PageData,
  tiles: PageTiles | undefined,
  { items, scores }: Found,
  show: (item: number) => void,
): HTMLElement {
  const grid = el('div', { class: 'results' });
  for (const [i, item] of items.subarray(0, MOST).entries()) {
    const name = data.name(item);
    const score = scores ? `, ${scores[i]!.toFixed(3)}` : '';
    grid.append(
      el(
        'button',
        {
          type: 'button',
          title: name + score,
          'aria-label': `${name}${score}: show it on the map`,
          click: () => show(item),
        },
        (tiles?.slots[item] ?? -1) >= 0 ? tileOf(tiles, item, SIDE) : loaded(data.link(item)),
      ),
    );
  }
  if (items.length > MOST)
    grid.append(
      el(
        'p',
        { class: 'more faint' },
        `and ${(items.length - MOST).toLocaleString('en-US')} more, all marked on the map`,
      ),
    );
  return grid;
}

/** The picture of an item that has none in the page, from its file. */
function loaded(link: string): HTMLElement {
  const image = el('img', {
    class: 'tile none',
    src: link,
    alt: '',
    loading: 'lazy',
    width: String(SIDE),
    height: String(SIDE),
  });
  image.addEventListener('error', () =>
    image.replaceWith(el('span', { class: 'tile none', style: `width:${SIDE}px;height:${SIDE}px` })),
  );
  return image;
}
