/** @file The page of a map: the map itself, and the panel with search, colours and legend beside it. */
import { MapView } from '../map-view.js';
import { FADED, NORMAL, RAISED } from '../types.js';
import { aboutOf } from './about.js';
import { Card } from './card.js';
import { type Coloring, canColor, coloringOf, labelsOf } from './coloring.js';
import type { PageData, PageTiles } from './data.js';
import { el, icon, iconButton, plural } from './dom.js';
import { legendOf } from './legend.js';
import { resultsOf } from './results.js';
import { type Found, Search } from './search.js';

/** What an address after `#` can say. */
const READ = ['zoom', 'x', 'y', 'color', 'q', 'theme', 'by'] as const;
type State = Partial<Record<(typeof READ)[number], string>>;

/** Builds the page in a document's body, and answers what the user does. */
export class MapApp {
  private readonly map: MapView;
  private readonly search: Search;
  private readonly card: Card;
  private readonly panel: HTMLElement;
  private readonly box: HTMLInputElement;
  private readonly note = el('p', { class: 'note', role: 'status', hidden: true });
  private readonly modes = el('div', {
    class: 'modes',
    role: 'group',
    'aria-label': 'How to search',
    hidden: true,
  });
  private readonly list = el('div', { class: 'list' });
  private readonly legend = el('div', {});
  private readonly status = el('div', { class: 'status faint' });
  private tiles: PageTiles | undefined;
  private coloring: Coloring;
  private alone: ReadonlySet<number> = new Set();
  private found: Found | undefined;
  private scores: ReadonlyMap<number, number> = new Map();
  private by: 'meaning' | 'name' | undefined;
  private pictures = true;

  constructor(
    private readonly data: PageData,
    private readonly root: HTMLElement,
  ) {
    const { payload } = data;
    const stage = el('div', { class: 'stage' });
    this.search = new Search(data);
    this.card = new Card(data, (item) => this.scores.get(item));
    this.box = el('input', {
      type: 'search',
      placeholder: this.search.words ? 'Search by meaning or name' : 'Search names and columns',
      'aria-label': 'Search',
      autocomplete: 'off',
      spellcheck: 'false',
      input: () => this.runSearch(),
    });
    const colors = data.columns.filter((column) => canColor(column, data.count));
    const picker = el(
      'select',
      { 'aria-label': 'Colour by', change: () => this.colorBy(picker.value) },
      el('option', { value: '' }, 'one colour'),
      ...colors.map(({ name }) => el('option', { value: name }, name)),
    );
    const about = aboutOf(data);
    this.panel = el(
      'aside',
      { class: 'panel side', 'aria-label': 'Search and colours' },
      el('header', {}, el('h1', {}, payload.title), el('p', { class: 'subtitle faint' }, this.summary())),
      el('label', { class: 'search' }, icon('search'), this.box),
      this.modes,
      this.note,
      this.list,
      el('label', { class: 'by' }, 'Colour by ', picker),
      this.legend,
    );
    const tools = el(
      'nav',
      { class: 'panel tools', 'aria-label': 'Map' },
      iconButton('plus', 'Zoom in', () => this.map.zoomBy(1.8)),
      iconButton('minus', 'Zoom out', () => this.map.zoomBy(1 / 1.8)),
      iconButton('fit', 'Show all', () => this.map.fit()),
      iconButton('picture', 'Pictures on or off', () => {
        this.pictures = !this.pictures;
        this.map.setLook({ pictures: this.pictures });
      }),
      iconButton('theme', 'Light or dark', () => this.setTheme(this.dark ? 'light' : 'dark')),
      iconButton('about', 'About this map', () => about.showModal()),
    );
    root.append(stage, this.panel, tools, this.status, this.card.element, about);
    const wide = () => innerWidth > 720;
    this.map = new MapView(stage, {
      name: `${payload.title}: a map of ${plural(data.count, 'item')}`,
      inset: () => (wide() ? this.panel.offsetLeft + this.panel.offsetWidth : 0),
    });
    this.map.setPoints(data.floats(payload.x), data.floats(payload.y));
    this.setTheme(undefined);
    this.coloring = coloringOf(undefined, data.count);
    picker.value = payload.color ?? '';
    this.listen();
    const state = this.state();
    if (state.theme === 'dark' || state.theme === 'light') this.setTheme(state.theme);
    if (state.color !== undefined) picker.value = state.color;
    this.colorBy(picker.value);
    if (state.zoom !== undefined) this.goTo(state);
    if (state.q !== undefined) {
      this.box.value = state.q;
      if (state.by === 'meaning' || state.by === 'name') this.by = state.by;
      this.runSearch();
    }
    this.showStatus();
  }

  /** Brings the pictures in, once they are decoded. */
  useTiles(tiles: PageTiles | undefined): void {
    this.tiles = tiles;
    this.card.tiles = tiles;
    this.map.setTiles(tiles);
    if (this.found) this.showFound(this.found);
    this.emphasise();
  }

  private summary(): string {
    const quality = this.data.payload.facts.find(([name]) => name === 'method')?.[1];
    return [plural(this.data.count, 'item'), ...(quality ? [quality] : [])].join(' · ');
  }

  private state(): State {
    const given = new URLSearchParams(this.root.ownerDocument.location.hash.slice(1));
    return Object.fromEntries(READ.flatMap((key) => (given.has(key) ? [[key, given.get(key)!]] : [])));
  }

  private goTo({ zoom, x, y }: State): void {
    const { view } = this.map;
    const number = (text: string | undefined, otherwise: number) =>
      text !== undefined && Number.isFinite(Number(text)) ? Number(text) : otherwise;
    const scale = (view.scale / this.map.zoom) * Math.max(0.1, number(zoom, 1));
    this.map.view = { x: number(x, view.x), y: number(y, view.y), scale };
  }

  private get dark(): boolean {
    const { theme } = document.documentElement.dataset;
    return theme ? theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  }

  private setTheme(theme: 'light' | 'dark' | undefined): void {
    if (theme) document.documentElement.dataset.theme = theme;
    this.map.setLook({ faded: this.dark ? '#3a3f46' : '#d6d9dd' });
  }

  private listen(): void {
    const { map, card, data } = this;
    map.on('hover', ({ item, place, by }) => {
      if (item < 0) card.hide();
      else card.show(item, place, by === 'keyboard');
    });
    map.on('pick', ({ item, place, by }) => {
      if (item < 0) card.hide();
      else if (by === 'touch') card.show(item, place, true);
      else open(data.link(item), '_blank', 'noopener');
    });
    map.on('select', ({ items }) => {
      this.box.value = '';
      this.modes.hidden = true;
      this.say(`${plural(items.length, 'item')} selected.`, items);
      this.mark({ items });
    });
    map.on('view', () => this.showStatus());
    addEventListener('keydown', (event) => {
      const typing = document.activeElement === this.box;
      if (event.key === '/' && !typing) {
        event.preventDefault();
        this.box.focus();
      } else if (event.key === 'Escape' && !document.querySelector('dialog[open]')) this.clear();
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.setTheme(undefined));
  }

  private showStatus(): void {
    const zoom = this.map.zoom;
    this.status.textContent = `${zoom < 10 ? zoom.toFixed(1) : Math.round(zoom)}×`;
  }

  private colorBy(name: string): void {
    const { data, map } = this;
    this.coloring = coloringOf(
      data.columns.find((column) => column.name === name),
      data.count,
    );
    map.setColors(this.coloring.indices, this.coloring.palette);
    map.setLabels(
      labelsOf(this.coloring, { x: data.floats(data.payload.x), y: data.floats(data.payload.y) }),
    );
    this.alone = new Set();
    this.legend.replaceChildren(
      legendOf(this.coloring, (alone) => {
        this.alone = alone;
        this.emphasise();
      }),
    );
    this.emphasise();
  }

  /** Found items stand out; where kinds are seen alone, everything else is faded. */
  private emphasise(): void {
    const { alone, found, coloring, data } = this;
    if (alone.size === 0 && !found) {
      this.map.setEmphasis(undefined);
      return;
    }
    const levels = new Uint8Array(data.count).fill(found ? FADED : NORMAL);
    if (found) for (const item of found.items) levels[item] = RAISED;
    if (alone.size > 0)
      for (let i = 0; i < levels.length; i++) if (!alone.has(coloring.groups![i]!)) levels[i] = FADED;
    this.map.setEmphasis(levels, found?.scores && found.items);
  }

  private runSearch(): void {
    const query = this.box.value.trim();
    if (query === '') {
      this.clear();
      return;
    }
    const named = this.search.containing(query);
    const { known, unknown } = this.search.words ? this.search.parse(query) : { known: [], unknown: [] };
    const by =
      known.length === 0
        ? 'name'
        : (this.by ?? (unknown.length > 0 && named.items.length > 0 ? 'name' : 'meaning'));
    const found = by === 'meaning' ? this.search.nearest(known) : named;
    this.modes.hidden = !this.search.words;
    this.modes.replaceChildren(
      this.mode('meaning', 'By meaning', by, known.length === 0),
      this.mode('name', `By name (${named.items.length.toLocaleString('en-US')})`, by, false),
    );
    const quoted = unknown.map((word) => `“${word}”`).join(', ');
    const words = known.map((place) => this.search.words!.words[place]!).join(' + ');
    if (by === 'name')
      this.say(
        named.items.length === 0
          ? `Nothing has “${query}” in its name or columns.${unknown.length > 0 ? ` ${quoted}: not among this page’s words.` : ''}`
          : `${plural(named.items.length, 'item')} with “${query}” in name or columns.`,
        named.items,
      );
    else
      this.say(
        `The ${found.items.length} nearest to ${words}.${unknown.length > 0 ? ` Left out: ${quoted}, not among this page’s words.` : ''}`,
        found.items,
      );
    this.mark(found);
  }

  private mode(mode: 'meaning' | 'name', text: string, present: string, disabled: boolean): HTMLElement {
    const choose = () => {
      this.by = mode;
      this.runSearch();
    };
    return el(
      'button',
      { type: 'button', 'aria-pressed': String(mode === present), disabled, click: choose },
      text,
    );
  }

  /** A line about what was found, and what can be done with it. */
  private say(text: string, items: Uint32Array): void {
    const save = () => {
      const ids = Array.from(items, (item) => this.data.payload.prefix + this.data.name(item));
      const url = URL.createObjectURL(new Blob([`${ids.join('\n')}\n`], { type: 'text/plain' }));
      el('a', { href: url, download: 'items.txt' }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    };
    const button = (name: string, does: () => void) =>
      el('button', { type: 'button', class: 'link', click: does }, name);
    const actions =
      items.length === 0
        ? []
        : [button('Zoom to them', () => this.map.fit(items)), button('Save the list', save)];
    this.note.replaceChildren(
      text,
      ' ',
      ...actions.flatMap((action) => [action, ' ']),
      button('Clear', () => this.clear()),
    );
    this.note.hidden = false;
  }

  private mark(found: Found): void {
    this.found = found;
    this.scores = new Map(
      found.scores ? Array.from(found.items, (item, i) => [item, found.scores![i]!]) : [],
    );
    this.showFound(found);
    this.emphasise();
  }

  private showFound(found: Found): void {
    this.list.replaceChildren(resultsOf(this.data, this.tiles, found, (item) => this.map.show(item)));
  }

  private clear(): void {
    this.box.value = '';
    this.by = undefined;
    this.found = undefined;
    this.scores = new Map();
    this.note.hidden = true;
    this.modes.hidden = true;
    this.list.replaceChildren();
    this.card.hide();
    this.emphasise();
  }
}
