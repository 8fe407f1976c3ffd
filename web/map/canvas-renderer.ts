/**
 * @file Draws the map with Canvas 2D: the fastest where there is no graphics processor, and the same picture everywhere.
 * Every colour's dot is drawn once and copied from then on.
 */
import {
  BORDER,
  drawingOrder,
  FADED,
  type Frame,
  type MapPoints,
  type MapRenderer,
  RAISED,
  RAISED_BY,
  type Tiles,
} from './types.js';

/** The dots of one size: for each colour one, side by side, and the faded one last. */
interface Dots {
  key: string;
  canvas: HTMLCanvasElement;
  /** The side of one dot's square in device pixels. */
  side: number;
}

/** See {@link MapRenderer}. Good for some 50,000 points at 30 pictures a second. */
export class CanvasRenderer implements MapRenderer {
  readonly kind = 'canvas';
  readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D;
  private points: MapPoints = { x: new Float32Array(0), y: new Float32Array(0) };
  private colors = new Uint8Array(0);
  private palette: readonly string[] = ['#000000'];
  private levels: Uint8Array | undefined;
  private order = new Uint32Array(0);
  private tiles: Tiles | undefined;
  private readonly dots: (Dots | undefined)[] = [];

  constructor(document: Document) {
    this.canvas = document.createElement('canvas');
    const context = this.canvas.getContext('2d');
    if (!context) throw new Error('this browser has no Canvas 2D');
    this.context = context;
  }

  setPoints(points: MapPoints): void {
    this.points = points;
    this.levels = undefined;
    this.order = drawingOrder(points.x.length, undefined);
    if (this.colors.length !== points.x.length) this.colors = new Uint8Array(points.x.length);
  }

  setColors(indices: Uint8Array, palette: readonly string[]): void {
    this.colors = indices as Uint8Array<ArrayBuffer>;
    this.palette = palette;
    this.dots.length = 0;
  }

  setEmphasis(levels: Uint8Array | undefined): void {
    this.levels = levels;
    this.order = drawingOrder(this.points.x.length, levels);
  }

  setTiles(tiles: Tiles | undefined): void {
    this.tiles = tiles;
  }

  draw(frame: Frame): void {
    const { view, ratio, radius, opacity } = frame;
    const { canvas, context } = this;
    const width = Math.round(frame.width * ratio);
    const height = Math.round(frame.height * ratio);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    } else context.clearRect(0, 0, width, height);
    const { x, y } = this.points;
    const scale = view.scale * ratio;
    const [middleX, middleY] = [width / 2, height / 2];
    const plain = this.dotsOf(0, radius * ratio, frame.faded);
    const raised = this.dotsOf(1, radius * RAISED_BY * ratio, frame.faded);
    context.globalAlpha = opacity;
    for (let i = 0; i < this.order.length; i++) {
      const item = this.order[i]!;
      const level = this.levels ? this.levels[item]! : 1;
      const { canvas: dots, side } = level === RAISED ? raised : plain;
      const left = middleX + (x[item]! - view.x) * scale - side / 2;
      const top = middleY - (y[item]! - view.y) * scale - side / 2;
      if (left < -side || top < -side || left > width || top > height) continue;
      const color = level === FADED ? this.palette.length : this.colors[item]!;
      context.drawImage(dots, color * side, 0, side, side, left, top, side, side);
    }
    context.globalAlpha = 1;
    for (const picture of frame.pictures) this.drawPicture(picture.item, picture.size, frame);
  }

  private drawPicture(item: number, size: number, { view, ratio }: Frame): void {
    const { tiles, context, canvas } = this;
    const slot = tiles?.slots[item] ?? -1;
    if (tiles === undefined || slot < 0) return;
    const per = tiles.columns ** 2;
    const image = tiles.images[Math.floor(slot / per)];
    if (image === undefined) return;
    const [w, h] = [tiles.sizes[2 * slot]!, tiles.sizes[2 * slot + 1]!];
    const grow = (size * ratio) / Math.max(w, h);
    const [width, height, border] = [w * grow, h * grow, BORDER * ratio];
    const left = canvas.width / 2 + (this.points.x[item]! - view.x) * view.scale * ratio - width / 2;
    const top = canvas.height / 2 - (this.points.y[item]! - view.y) * view.scale * ratio - height / 2;
    context.fillStyle = this.palette[this.colors[item]!]!;
    context.beginPath();
    context.roundRect(left - border, top - border, width + 2 * border, height + 2 * border, 2 * border);
    context.fill();
    const cell = slot % per;
    const [sx, sy] = [(cell % tiles.columns) * tiles.cell, Math.floor(cell / tiles.columns) * tiles.cell];
    context.drawImage(image, sx, sy, w, h, left, top, width, height);
  }

  private dotsOf(place: number, radius: number, faded: string): Dots {
    const key = `${radius} ${faded}`;
    const known = this.dots[place];
    if (known?.key === key) return known;
    const side = 2 * Math.ceil(radius + 1);
    const canvas = this.canvas.ownerDocument.createElement('canvas');
    canvas.width = side * (this.palette.length + 1);
    canvas.height = side;
    const context = canvas.getContext('2d')!;
    for (const [i, color] of [...this.palette, faded].entries()) {
      context.fillStyle = color;
      context.beginPath();
      context.arc((i + 0.5) * side, side / 2, radius, 0, 2 * Math.PI);
      context.fill();
    }
    const made = { key, canvas, side };
    this.dots[place] = made;
    return made;
  }

  destroy(): void {
    this.canvas.remove();
    this.canvas.width = 0;
    this.dots.length = 0;
  }
}
