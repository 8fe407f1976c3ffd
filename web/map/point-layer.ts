/** @file The items of a map: what draws them, which pictures are shown, and which item lies under a place. */
import { CanvasRenderer } from './canvas-renderer.js';
import { PointGrid } from './point-grid.js';
import { spread } from './spread.js';
import {
  FADED,
  type MapPoints,
  type MapRenderer,
  NORMAL,
  type Picture,
  type Place,
  RAISED,
  type Tiles,
  type View,
} from './types.js';
import { type Size, toPlane, toScreen } from './view.js';
import { WebglRenderer } from './webgl-renderer.js';

/** Above so many points WebGL 2 is faster. */
const MANY = 50_000;
/** The longer side of a picture and the least distance between two, in CSS pixels. */
const PICTURE = 56;
const APART = 64;
/** Pictures at once. */
const MOST_PICTURES = 400;
/** Pictures are shown at so many times the view of everything; those of raised items always. */
const PICTURES_FROM = 1.8;
/** The pointer is on a point up to so many CSS pixels away. */
const REACH = 12;

/** Keeps what the items are and look like, for whichever renderer draws them. */
export class PointLayer {
  points: MapPoints = { x: new Float32Array(0), y: new Float32Array(0) };
  grid = new PointGrid(this.points);
  showPictures = true;
  /** The colour of faded points, `#rrggbb`. */
  faded = '#cccccc';
  private renderer: MapRenderer;
  private colors: [Uint8Array, readonly string[]] = [new Uint8Array(0), ['#888888']];
  private levels: Uint8Array | undefined;
  private tiles: Tiles | undefined;
  /** Items that have a picture: those that are wanted most, and all of them. */
  private first: number[] = [];
  private candidates = new Uint32Array(0);
  private pictures: Picture[] = [];

  constructor(
    private readonly element: HTMLElement,
    private readonly wanted: MapRenderer['kind'] | undefined,
  ) {
    this.renderer = this.makeRenderer(wanted ?? 'canvas');
  }

  get kind(): MapRenderer['kind'] {
    return this.renderer.kind;
  }

  setPoints(points: MapPoints): void {
    const kind = this.wanted ?? (points.x.length > MANY ? 'webgl2' : 'canvas');
    if (kind !== this.renderer.kind) {
      this.renderer.destroy();
      this.renderer = this.makeRenderer(kind);
    }
    this.points = points;
    this.grid = new PointGrid(points);
    this.levels = undefined;
    this.pictures = [];
    this.renderer.setPoints(points);
    this.setTiles(undefined);
    this.setColors(new Uint8Array(points.x.length), this.colors[1]);
  }

  setColors(indices: Uint8Array, palette: readonly string[]): void {
    this.colors = [indices, palette];
    this.renderer.setColors(...this.colors);
  }

  setEmphasis(levels: Uint8Array | undefined, first: ArrayLike<number>): void {
    this.levels = levels;
    this.first = Array.from(first).filter((item) => (this.tiles?.slots[item] ?? -1) >= 0);
    this.pictures = [];
    this.renderer.setEmphasis(levels);
  }

  setTiles(tiles: Tiles | undefined): void {
    this.tiles = tiles;
    this.renderer.setTiles(tiles);
    // In an order that is spread over the items, and always the same.
    const turn = (item: number) => (item * 0.6180339887) % 1;
    const all = tiles ? Array.from(tiles.slots.keys()).filter((item) => tiles.slots[item]! >= 0) : [];
    this.candidates = Uint32Array.from(all.sort((a, b) => turn(a) - turn(b)));
  }

  /** Whether an item can be pointed at. */
  isVisible(item: number): boolean {
    return this.levels?.[item] !== FADED;
  }

  /** @param zoom how many times nearer than the view of everything */
  draw(view: View, size: Size, zoom: number): void {
    const n = Math.max(1, this.points.x.length);
    const base = Math.min(3.2, Math.max(0.9, 0.17 * Math.sqrt((size.width * size.height) / n)));
    const near = zoom >= PICTURES_FROM;
    this.pictures =
      this.showPictures && this.tiles && (near || this.levels !== undefined)
        ? spread(view, size, {
            points: this.points,
            candidates: this.candidates,
            shown: this.pictures,
            first: this.first,
            size: PICTURE,
            distance: APART,
            most: MOST_PICTURES,
            allowed: (item) => (this.levels?.[item] ?? NORMAL) >= (near ? NORMAL : RAISED),
          })
        : [];
    this.renderer.draw({
      view,
      ...size,
      ratio: this.element.ownerDocument.defaultView?.devicePixelRatio ?? 1,
      radius: Math.min(7, base * Math.max(1, zoom) ** 0.3),
      opacity: n > MANY ? 0.6 : 0.85,
      faded: this.faded,
      pictures: this.pictures,
    });
  }

  /** The item whose picture or point is there; −1 for none. */
  itemAt(view: View, area: Size, place: Place): number {
    for (const { item, size } of [...this.pictures].reverse()) {
      const at = toScreen(view, area, this.points.x[item]!, this.points.y[item]!);
      const slot = this.tiles!.slots[item]!;
      const [w, h] = [this.tiles!.sizes[2 * slot]!, this.tiles!.sizes[2 * slot + 1]!];
      const half = size / 2 / Math.max(w, h);
      if (Math.abs(at.x - place.x) <= w * half && Math.abs(at.y - place.y) <= h * half) return item;
    }
    const { x, y } = toPlane(view, area, place);
    return this.grid.nearest(x, y, REACH / view.scale, (item) => this.isVisible(item));
  }

  destroy(): void {
    this.renderer.destroy();
  }

  private makeRenderer(kind: MapRenderer['kind']): MapRenderer {
    const { ownerDocument: document } = this.element;
    const gl = kind === 'webgl2' && WebglRenderer.isAvailable(document);
    const renderer = gl ? new WebglRenderer(document) : new CanvasRenderer(document);
    renderer.canvas.style.cssText = 'position:absolute;inset:0;width:100%;height:100%';
    renderer.canvas.ariaHidden = 'true';
    this.element.prepend(renderer.canvas);
    return renderer;
  }
}
