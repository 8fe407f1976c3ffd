/** @file Draws the map with WebGL 2, for sets that Canvas 2D is too slow for: points stay in the graphics memory. */
import {
  BORDER,
  drawingOrder,
  type Frame,
  type MapPoints,
  type MapRenderer,
  NORMAL,
  RAISED_BY,
  type Tiles,
} from './types.js';
import { makeProgram, PICTURE, POINTS, rgba } from './webgl-programs.js';

type Buffers = Record<'position' | 'color' | 'level' | 'order' | 'corner', WebGLBuffer>;

/** Where a program's inputs are, by their name. */
class Program {
  private readonly known = new Map<string, WebGLUniformLocation | null>();
  readonly program: WebGLProgram;
  constructor(
    private readonly gl: WebGL2RenderingContext,
    source: { vertex: string; fragment: string },
  ) {
    this.program = makeProgram(gl, source);
  }
  at(name: string): WebGLUniformLocation | null {
    if (!this.known.has(name)) this.known.set(name, this.gl.getUniformLocation(this.program, name));
    return this.known.get(name)!;
  }
  attribute(name: string): number {
    return this.gl.getAttribLocation(this.program, name);
  }
}

/** See {@link MapRenderer}. */
export class WebglRenderer implements MapRenderer {
  readonly kind = 'webgl2';
  readonly canvas: HTMLCanvasElement;
  private readonly gl: WebGL2RenderingContext;
  private readonly dots: Program;
  private readonly quads: Program;
  private readonly buffers: Buffers;
  private readonly dotArray: WebGLVertexArrayObject;
  private readonly quadArray: WebGLVertexArrayObject;
  private readonly paletteTexture: WebGLTexture;
  private textures: WebGLTexture[] = [];
  private points: MapPoints = { x: new Float32Array(0), y: new Float32Array(0) };
  private colors = new Uint8Array(0);
  private palette: readonly string[] = ['#000000'];
  private tiles: Tiles | undefined;

  /** @throws Error where the browser has no WebGL 2: {@link isAvailable} says so without one. */
  constructor(document: Document) {
    this.canvas = document.createElement('canvas');
    const gl = this.canvas.getContext('webgl2', { antialias: false, premultipliedAlpha: true });
    if (!gl) throw new Error('this browser has no WebGL 2');
    this.gl = gl;
    this.dots = new Program(gl, POINTS);
    this.quads = new Program(gl, PICTURE);
    const buffer = () => gl.createBuffer();
    this.buffers = {
      position: buffer(),
      color: buffer(),
      level: buffer(),
      order: buffer(),
      corner: buffer(),
    };
    this.dotArray = gl.createVertexArray();
    gl.bindVertexArray(this.dotArray);
    this.bind('position', this.dots);
    gl.vertexAttribPointer(this.dots.attribute('position'), 2, gl.FLOAT, false, 0, 0);
    for (const name of ['color', 'level'] as const) {
      this.bind(name, this.dots);
      gl.vertexAttribIPointer(this.dots.attribute(name), 1, gl.UNSIGNED_BYTE, 0, 0);
    }
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.buffers.order);
    this.quadArray = gl.createVertexArray();
    gl.bindVertexArray(this.quadArray);
    this.bind('corner', this.quads);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
    gl.vertexAttribPointer(this.quads.attribute('corner'), 2, gl.FLOAT, false, 0, 0);
    gl.bindVertexArray(null);
    this.paletteTexture = gl.createTexture();
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  /** Whether a browser can draw so. */
  static isAvailable(document: Document): boolean {
    const gl = document.createElement('canvas').getContext('webgl2');
    gl?.getExtension('WEBGL_lose_context')?.loseContext();
    return gl !== null;
  }

  private bind(name: 'position' | 'color' | 'level' | 'corner', program: Program): void {
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffers[name]);
    this.gl.enableVertexAttribArray(program.attribute(name));
  }

  private fill(name: 'position' | 'color' | 'level', data: Float32Array | Uint8Array): void {
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffers[name]);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, data, this.gl.STATIC_DRAW);
  }

  setPoints(points: MapPoints): void {
    this.points = points;
    const n = points.x.length;
    const pairs = new Float32Array(2 * n);
    for (let i = 0; i < n; i++) {
      pairs[2 * i] = points.x[i]!;
      pairs[2 * i + 1] = points.y[i]!;
    }
    this.fill('position', pairs);
    if (this.colors.length !== n) this.setColors(new Uint8Array(n), this.palette);
    this.setEmphasis(undefined);
  }

  setColors(indices: Uint8Array, palette: readonly string[]): void {
    const { gl } = this;
    this.colors = indices as Uint8Array<ArrayBuffer>;
    this.palette = palette;
    this.fill('color', indices);
    const pixels = Uint8Array.from(palette.flatMap((color) => rgba(color).map((v) => Math.round(255 * v))));
    gl.bindTexture(gl.TEXTURE_2D, this.paletteTexture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, palette.length, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  }

  setEmphasis(levels: Uint8Array | undefined): void {
    const { gl } = this;
    const n = this.points.x.length;
    this.fill('level', levels ?? new Uint8Array(n).fill(NORMAL));
    gl.bindVertexArray(this.dotArray);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, drawingOrder(n, levels), gl.STATIC_DRAW);
    gl.bindVertexArray(null);
  }

  setTiles(tiles: Tiles | undefined): void {
    const { gl } = this;
    for (const texture of this.textures) gl.deleteTexture(texture);
    this.tiles = tiles;
    this.textures = (tiles?.images ?? []).map((image) => {
      const texture = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, image);
      for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER])
        gl.texParameteri(gl.TEXTURE_2D, name, gl.LINEAR);
      for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T])
        gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
      return texture;
    });
  }

  draw(frame: Frame): void {
    const { gl, canvas, dots } = this;
    const { view, ratio } = frame;
    const width = Math.round(frame.width * ratio);
    const height = Math.round(frame.height * ratio);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.useProgram(dots.program);
    gl.uniform2f(dots.at('center'), view.x, view.y);
    gl.uniform2f(dots.at('scale'), (2 * view.scale * ratio) / width, (2 * view.scale * ratio) / height);
    gl.uniform1f(dots.at('radius'), frame.radius * ratio);
    gl.uniform1f(dots.at('raisedBy'), RAISED_BY);
    gl.uniform1f(dots.at('opacity'), frame.opacity);
    gl.uniform4f(dots.at('faded'), ...rgba(frame.faded));
    gl.bindTexture(gl.TEXTURE_2D, this.paletteTexture);
    gl.bindVertexArray(this.dotArray);
    gl.drawElements(gl.POINTS, this.points.x.length, gl.UNSIGNED_INT, 0);
    if (this.tiles && frame.pictures.length > 0) this.drawPictures(this.tiles, frame, width, height);
    gl.bindVertexArray(null);
  }

  private drawPictures(tiles: Tiles, { view, ratio, pictures }: Frame, width: number, height: number): void {
    const { gl, quads } = this;
    const per = tiles.columns ** 2;
    gl.useProgram(quads.program);
    gl.bindVertexArray(this.quadArray);
    gl.uniform2f(quads.at('canvas'), width, height);
    gl.uniform1f(quads.at('border'), BORDER * ratio);
    for (const { item, size } of pictures) {
      const slot = tiles.slots[item]!;
      const image = tiles.images[Math.floor(slot / per)];
      if (slot < 0 || image === undefined) continue;
      const [w, h, cell] = [tiles.sizes[2 * slot]!, tiles.sizes[2 * slot + 1]!, slot % per];
      const grow = (size * ratio) / Math.max(w, h);
      const [left, top] = [
        (cell % tiles.columns) * tiles.cell,
        Math.floor(cell / tiles.columns) * tiles.cell,
      ];
      gl.bindTexture(gl.TEXTURE_2D, this.textures[Math.floor(slot / per)]!);
      gl.uniform2f(
        quads.at('middle'),
        width / 2 + (this.points.x[item]! - view.x) * view.scale * ratio,
        height / 2 - (this.points.y[item]! - view.y) * view.scale * ratio,
      );
      gl.uniform2f(quads.at('size'), w * grow, h * grow);
      gl.uniform4f(
        quads.at('cell'),
        left / image.width,
        top / image.height,
        w / image.width,
        h / image.height,
      );
      gl.uniform4f(quads.at('color'), ...rgba(this.palette[this.colors[item]!]!));
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
  }

  destroy(): void {
    this.canvas.remove();
    this.gl.getExtension('WEBGL_lose_context')?.loseContext();
  }
}
