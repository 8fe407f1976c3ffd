/**
 * @file What a map is made of, and what draws it. Everything comes in as typed arrays with one entry for each item, in
 * one order; nothing here knows where the items come from.
 */

/** What is shown: the point of the plane in the middle, and CSS pixels per unit. y grows upwards. */
export interface View {
  x: number;
  y: number;
  scale: number;
}

/** A place on the map's element, in CSS pixels from its top left corner. */
export interface Place {
  x: number;
  y: number;
}

/** Where the items lie in the plane. */
export interface MapPoints {
  x: Float32Array;
  y: Float32Array;
}

/** Small pictures of some items, packed into a few large ones, row by row in square cells. */
export interface Tiles {
  images: readonly (ImageBitmap | HTMLImageElement | HTMLCanvasElement)[];
  /** The side of a cell in pixels of the images. */
  cell: number;
  /** Cells in a row of an image, and rows: an image holds `columns²` cells. */
  columns: number;
  /** The cell of each item, counted through all images; −1 where it has no picture. */
  slots: Int32Array;
  /** Width and height of each cell's picture in pixels; it fills the cell from the top left. */
  sizes: Uint8Array;
}

/** How much an item stands out. */
export const FADED = 0;
export const NORMAL = 1;
export const RAISED = 2;

/** One picture to be drawn: whose, and the longer side in CSS pixels. */
export interface Picture {
  item: number;
  size: number;
}

/** Everything that changes from one picture of the map to the next. */
export interface Frame {
  view: View;
  /** Of the map's element, in CSS pixels. */
  width: number;
  height: number;
  /** Device pixels per CSS pixel. */
  ratio: number;
  /** Of a point, in CSS pixels. Raised points are larger, by {@link RAISED_BY}. */
  radius: number;
  /** Of points, 0..1. */
  opacity: number;
  /** The colour of faded points, `#rrggbb`. */
  faded: string;
  /** Drawn above the points, the last on top. */
  pictures: readonly Picture[];
}

/** Raised points are so much larger. */
export const RAISED_BY = 1.45;
/** The colour around a picture, in CSS pixels. */
export const BORDER = 2;

/**
 * Draws points and pictures on a canvas of its own. Implementations pass the test in `test/web/renderers.test.ts`:
 * the same points are seen in the same places.
 */
export interface MapRenderer {
  readonly kind: 'canvas' | 'webgl2';
  readonly canvas: HTMLCanvasElement;
  setPoints(points: MapPoints): void;
  /** @param indices the place of each item's colour in the palette @param palette at most 256 colours, `#rrggbb` */
  setColors(indices: Uint8Array, palette: readonly string[]): void;
  /** @param levels {@link FADED}, {@link NORMAL} or {@link RAISED} for each item; undefined: all are normal */
  setEmphasis(levels: Uint8Array | undefined): void;
  setTiles(tiles: Tiles | undefined): void;
  draw(frame: Frame): void;
  destroy(): void;
}

/**
 * The order in which items are drawn: faded ones first, raised ones last, and mixed among themselves, so that of two
 * kinds that lie on each other none hides the other.
 */
export function drawingOrder(count: number, levels: Uint8Array | undefined): Uint32Array<ArrayBuffer> {
  const order = new Uint32Array(count);
  const step = coprimeStep(count);
  let at = 0;
  for (let level = FADED; level <= RAISED; level++)
    for (let i = 0, item = 0; i < count; i++, item = (item + step) % count)
      if ((levels ? levels[item] : NORMAL) === level) order[at++] = item;
  return order;
}

/** A step that visits every item once, far from its neighbours. */
function coprimeStep(count: number): number {
  let step = Math.max(1, Math.round(count * 0.6180339887));
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  while (divisor(count, step) > 1) step++;
  return step;
}
