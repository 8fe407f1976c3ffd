/**
 * @file A map in an element of a page: points with colours, pictures once there is room for them, names, and everything
 * that a user does with it. Typed arrays go in, events come out; there is one instance for each element, and no global.
 *
 * ```ts
 * const map = new MapView(element, { name: 'Map of 3,781 images' });
 * map.setPoints(x, y);
 * map.setColors(indices, palette);
 * map.on('pick', ({ item }) => open(links[item]));
 * map.fit();
 * ```
 */
import { listen } from './gestures.js';
import { LabelLayer, type MapLabel } from './labels.js';
import { PointLayer } from './point-layer.js';
import type { MapRenderer, Place, Tiles, View } from './types.js';
import { between, fitted, panned, type Size, toPlane, toScreen, zoomedAt } from './view.js';

/** What a map tells. */
export interface MapEvents {
  /** The item under the pointer, or reached by the keyboard, and where it is seen; −1 for none. */
  hover: { item: number; place: Place; by: 'pointer' | 'keyboard' };
  /** An item was clicked, tapped, or Enter was pressed on it; −1 for the ground. */
  pick: { item: number; place: Place; by: 'mouse' | 'touch' | 'keyboard' };
  /** What is shown has changed. */
  view: { view: View; zoom: number };
  /** A line was drawn around items with Shift held down. */
  select: { items: Uint32Array };
}

/** Options of {@link MapView}. */
export interface MapViewOptions {
  /** What the map is called for those who do not see it. */
  name: string;
  /** @default Canvas 2D up to 50,000 points, WebGL 2 above where there is one */
  renderer?: 'canvas' | 'webgl2' | undefined;
  /** Pixels at the left that something else covers; {@link MapView.fit} leaves them out. @default none */
  inset?: (() => number) | undefined;
}

const LEAST_ZOOM = 0.4;
const MOST_ZOOM = 4000;
const KEYS =
  'Arrow keys move the map, plus and minus zoom, 0 shows all, Shift with arrow keys goes from item to item, Enter opens it.';

type Listener<K extends keyof MapEvents> = (event: MapEvents[K]) => void;

/** See the head of this file. */
export class MapView {
  private readonly layer: PointLayer;
  private readonly labels: LabelLayer;
  private readonly lasso: SVGPolygonElement;
  private readonly listeners: { [K in keyof MapEvents]: Set<Listener<K>> } = {
    hover: new Set(),
    pick: new Set(),
    view: new Set(),
    select: new Set(),
  };
  private readonly stop: (() => void)[] = [];
  private whole: View = { x: 0, y: 0, scale: 1 };
  private current: View = { x: 0, y: 0, scale: 1 };
  private focus = -1;
  private frame = 0;
  private moving = 0;

  constructor(
    readonly element: HTMLElement,
    private readonly options: MapViewOptions,
  ) {
    const { ownerDocument: document } = element;
    element.tabIndex = 0;
    element.role = 'application';
    element.ariaLabel = options.name;
    element.ariaDescription = KEYS;
    element.style.touchAction = 'none';
    this.layer = new PointLayer(element, options.renderer);
    this.labels = new LabelLayer(document);
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.style.cssText = 'position:absolute;inset:0;width:100%;height:100%;pointer-events:none';
    svg.classList.add('map-lasso');
    this.lasso = svg.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'polygon'));
    element.append(this.labels.element, svg);
    this.stop.push(listen(element, this.handlers()));
    const observer = new ResizeObserver(() => this.resized());
    observer.observe(element);
    this.stop.push(() => observer.disconnect());
  }

  /** Adds a listener; the result removes it. */
  on<K extends keyof MapEvents>(name: K, listener: Listener<K>): () => void {
    this.listeners[name].add(listener);
    return () => void this.listeners[name].delete(listener);
  }

  private emit<K extends keyof MapEvents>(name: K, event: MapEvents[K]): void {
    for (const listener of this.listeners[name]) listener(event);
  }

  /** Which renderer draws. */
  get kind(): MapRenderer['kind'] {
    return this.layer.kind;
  }

  /** Where the items lie: one number each per array. The view shows all of them; colours, emphasis and pictures are to be set anew. */
  setPoints(x: Float32Array, y: Float32Array): void {
    this.layer.setPoints({ x, y });
    this.focus = -1;
    this.whole = fitted(this.layer.points, this.size, undefined, this.options.inset?.());
    this.view = this.whole;
  }

  /** @param indices the colour of each item, a place in the palette of at most 256 `#rrggbb` */
  setColors(indices: Uint8Array, palette: readonly string[]): void {
    this.layer.setColors(indices, palette);
    this.redraw();
  }

  /**
   * @param levels FADED, NORMAL or RAISED for each item; undefined: all are normal. Faded items have no pictures and cannot be
   *   pointed at, raised ones have theirs at every zoom.
   * @param first items whose pictures are wanted most, in this order
   */
  setEmphasis(levels: Uint8Array | undefined, first: ArrayLike<number> = []): void {
    this.layer.setEmphasis(levels, first);
    this.redraw();
  }

  /** Small pictures, shown once there is room. */
  setTiles(tiles: Tiles | undefined): void {
    this.layer.setTiles(tiles);
    this.redraw();
  }

  setLabels(labels: readonly MapLabel[]): void {
    this.labels.set(labels);
    this.redraw();
  }

  /** Whether pictures are shown, and the colour of faded points (`#rrggbb`). */
  setLook(look: { pictures?: boolean; faded?: string }): void {
    this.layer.showPictures = look.pictures ?? this.layer.showPictures;
    this.layer.faded = look.faded ?? this.layer.faded;
    this.redraw();
  }

  get size(): Size {
    return { width: this.element.clientWidth, height: this.element.clientHeight };
  }

  get view(): View {
    return this.current;
  }
  set view(view: View) {
    const least = this.whole.scale * LEAST_ZOOM;
    const scale = Math.min(this.whole.scale * MOST_ZOOM, Math.max(least, view.scale));
    this.current = { ...view, scale };
    this.emit('view', { view: this.current, zoom: this.zoom });
    this.redraw();
  }

  /** How many times nearer than the view of everything. */
  get zoom(): number {
    return this.current.scale / this.whole.scale;
  }

  /** Shows items, or all. */
  fit(items?: ArrayLike<number>): void {
    const view = fitted(this.layer.points, this.size, items, this.options.inset?.());
    this.moveTo({ ...view, scale: Math.min(view.scale, this.whole.scale * 24) });
  }

  /** Zooms about the middle. */
  zoomBy(factor: number): void {
    const { width, height } = this.size;
    const inset = this.options.inset?.() ?? 0;
    this.moveTo(zoomedAt(this.current, this.size, { x: (width + inset) / 2, y: height / 2 }, factor));
  }

  /** Brings an item into the middle, near enough to see its picture, and points at it. */
  show(item: number): void {
    const scale = Math.max(this.current.scale, this.whole.scale * 6);
    const inset = this.options.inset?.() ?? 0;
    this.moveTo({ x: this.layer.points.x[item]! - inset / 2 / scale, y: this.layer.points.y[item]!, scale });
    this.focus = item;
  }

  /** Where an item is seen. */
  placeOf(item: number): Place {
    return toScreen(this.current, this.size, this.layer.points.x[item]!, this.layer.points.y[item]!);
  }

  destroy(): void {
    for (const stop of this.stop) stop();
    cancelAnimationFrame(this.frame);
    cancelAnimationFrame(this.moving);
    this.layer.destroy();
    this.element.replaceChildren();
  }

  /** Goes to a view in a quarter of a second, or at once for those who want no motion. */
  private moveTo(to: View): void {
    cancelAnimationFrame(this.moving);
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.view = to;
      return;
    }
    const from = this.current;
    const start = performance.now();
    const step = (): void => {
      const t = Math.min(1, (performance.now() - start) / 260);
      this.view = between(from, to, t * t * (3 - 2 * t));
      if (t < 1) this.moving = requestAnimationFrame(step);
    };
    step();
  }

  private resized(): void {
    const nearly = Math.abs(this.zoom - 1) < 1e-6;
    this.whole = fitted(this.layer.points, this.size, undefined, this.options.inset?.());
    if (nearly) this.view = this.whole;
    this.draw(); // now: the next frame would be too late, and show the old picture stretched
  }

  private redraw(): void {
    if (this.frame === 0)
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
  }

  private draw(): void {
    const { current: view, size, zoom } = this;
    if (size.width === 0 || size.height === 0) return;
    this.layer.draw(view, size, zoom);
    this.labels.place(view, size, this.options.inset?.());
  }

  private itemAt(place: Place): number {
    return this.layer.itemAt(this.current, this.size, place);
  }

  private pointAt(item: number, by: 'pointer' | 'keyboard'): void {
    if (item === this.focus && by === 'pointer') return;
    this.focus = item;
    this.element.style.cursor = item >= 0 ? 'pointer' : '';
    this.emit('hover', { item, place: item >= 0 ? this.placeOf(item) : { x: 0, y: 0 }, by });
  }

  private handlers(): Parameters<typeof listen>[1] {
    return {
      pan: (dx, dy) => {
        cancelAnimationFrame(this.moving);
        this.view = panned(this.current, dx, dy);
      },
      zoom: (place, factor) => {
        cancelAnimationFrame(this.moving);
        const scale = this.current.scale * factor;
        const within = Math.min(this.whole.scale * MOST_ZOOM, Math.max(this.whole.scale * LEAST_ZOOM, scale));
        this.view = zoomedAt(this.current, this.size, place, within / this.current.scale);
        this.pointAt(-1, 'pointer');
      },
      point: (place) => this.pointAt(place ? this.itemAt(place) : -1, 'pointer'),
      press: (place, event) => {
        const by = event.pointerType === 'touch' ? 'touch' : 'mouse';
        this.emit('pick', { item: this.itemAt(place), place, by });
      },
      draw: (path, ended) => {
        this.lasso.setAttribute('points', ended ? '' : path.map(({ x, y }) => `${x},${y}`).join(' '));
        if (ended)
          this.emit('select', {
            items: this.layer.grid.inside(path.map((place) => toPlane(this.current, this.size, place))),
          });
      },
      key: (event) => this.key(event),
    };
  }

  private key({ key, shiftKey, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
    if (ctrlKey || metaKey || altKey) return false;
    const directions: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, 1],
      ArrowDown: [0, -1],
    };
    const way = directions[key];
    if (way && shiftKey) this.step(way);
    else if (way) this.view = panned(this.current, -90 * way[0], 90 * way[1]);
    else if (key === '+' || key === '=') this.zoomBy(1.5);
    else if (key === '-' || key === '_') this.zoomBy(1 / 1.5);
    else if (key === '0' || key === 'Home') this.fit();
    else if (key === 'Enter' && this.focus >= 0)
      this.emit('pick', { item: this.focus, place: this.placeOf(this.focus), by: 'keyboard' });
    else if (key === 'Escape') this.pointAt(-1, 'keyboard');
    else return false;
    return true;
  }

  /** Points at the nearest item in a direction: within 45° of it, from the present one or from the middle. */
  private step([dx, dy]: [number, number]): void {
    const { current, size } = this;
    const { points, grid } = this.layer;
    const from = this.focus >= 0 ? { x: points.x[this.focus]!, y: points.y[this.focus]! } : current;
    const ahead = (item: number) => {
      const [x, y] = [points.x[item]! - from.x, points.y[item]! - from.y];
      const along = x * dx + y * dy;
      return (
        item !== this.focus && along > 0 && Math.abs(x * dy - y * dx) <= along && this.layer.isVisible(item)
      );
    };
    const item = grid.nearest(from.x, from.y, Math.max(size.width, size.height) / current.scale, ahead);
    if (item < 0) return;
    const place = this.placeOf(item);
    const inset = this.options.inset?.() ?? 0;
    if (place.x < inset || place.y < 0 || place.x > size.width || place.y > size.height)
      this.view = { ...current, x: points.x[item]! - inset / 2 / current.scale, y: points.y[item]! };
    this.pointAt(item, 'keyboard');
  }
}
