/** @file What the map is and how it was made, and what its search does and does not do. */
import type { PageData } from './data.js';
import { el, iconButton } from './dom.js';

/** A dialog, to be shown with `showModal`. */
export function aboutOf(data: PageData): HTMLDialogElement {
  const { payload, count } = data;
  const { words } = payload;
  const inside = payload.pictures ? data.bytes(payload.pictures.sizes).length / 2 : 0;
  const search = words
    ? `“By meaning” compares items with ${words.words.length.toLocaleString('en-US')} words that were embedded when this page was made; several are averaged, ` +
      `which knows nothing of their order. Vectors are reduced to ${words.dimension} numbers of 8 bits: on a sample of the words, ` +
      `${Math.round(100 * words.agreement)} % of the first 20 items are those that the full vectors give. There is always a nearest item, whether or not one fits. ` +
      'Words that are not in the list are looked for in names and columns alone.'
    : 'This map was made without a model that embeds text (or without asking it), so the search box looks in names and columns alone.';
  const dialog = el(
    'dialog',
    { class: 'panel about', 'aria-labelledby': 'about-title' },
    el(
      'form',
      { method: 'dialog' },
      iconButton('close', 'Close', () => dialog.close()),
    ),
    el('h2', { id: 'about-title' }, 'About this map'),
    el('dl', {}, ...payload.facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])),
    el('h3', {}, 'What it shows'),
    el(
      'p',
      {},
      'Items that lie together are alike to the model. How far apart groups lie, and how large they are, says little. ' +
        'Trustworthiness is 1 when nothing is near on the map that is not near in truth, continuity when nothing that is near was torn apart.',
    ),
    el('h3', {}, 'Search'),
    el('p', {}, search),
    el('h3', {}, 'Pictures'),
    el(
      'p',
      {},
      `${inside.toLocaleString('en-US')} of ${count.toLocaleString('en-US')} items have a small picture inside this page; larger ones are loaded from their files, where these can be reached. The page loads nothing else.`,
    ),
    el('h3', {}, 'Keys'),
    el(
      'dl',
      {},
      ...[
        ['drag, arrows', 'move'],
        ['wheel, + −', 'zoom'],
        ['0', 'show all'],
        ['Shift + drag', 'draw around items to select them'],
        ['Shift + arrows', 'go from item to item'],
        ['click, Enter', 'open the file'],
        ['/', 'search'],
        ['Esc', 'show everything again'],
      ].flatMap(([key, does]) => [el('dt', {}, key!), el('dd', {}, does!)]),
    ),
  );
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  return dialog;
}
