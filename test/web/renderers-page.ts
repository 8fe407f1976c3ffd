/** @file Draws the same scenes with both renderers, and writes down which pixels have which colour. */
import { CanvasRenderer } from '../../web/map/canvas-renderer.js';
import type { Frame, MapRenderer } from '../../web/map/types.js';
import { WebglRenderer } from '../../web/map/webgl-renderer.js';

const frame: Frame = {
  view: { x: 0, y: 0, scale: 10 },
  width: 200,
  height: 160,
  ratio: 1,
  radius: 4,
  opacity: 1,
  faded: '#cccccc',
  pictures: [],
};
const PALETTE = ['#ff0000', '#00ff00', '#0000ff'];

/** Four cells of 64 pixels; the third is yellow. */
function atlas(): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 128;
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#ffff00';
  context.fillRect(0, 64, 64, 64);
  return canvas;
}

/** Renderer → scene → pixels, `r,g,b,a` at places that the test asks for. */
function scenes(renderer: MapRenderer): Record<string, number[][]> {
  const read = (drawn: Frame, places: readonly (readonly [number, number])[]): number[][] => {
    renderer.draw(drawn);
    const copy = document.createElement('canvas');
    copy.width = renderer.canvas.width;
    copy.height = renderer.canvas.height;
    const context = copy.getContext('2d', { willReadFrequently: true })!;
    context.drawImage(renderer.canvas, 0, 0);
    return places.map(([x, y]) => [...context.getImageData(x, y, 1, 1).data]);
  };
  const places = [
    [100, 80], // the middle
    [150, 80], // right
    [100, 30], // up
    [50, 110], // left and down
    [20, 20], // nothing
    [106, 80], // beside a point of radius 4
  ] as const;
  renderer.setPoints({ x: Float32Array.of(0, 5, 0, -5), y: Float32Array.of(0, 0, 5, -3) });
  renderer.setColors(Uint8Array.of(0, 1, 2, 0), PALETTE);
  const result: Record<string, number[][]> = { plain: read(frame, places) };
  result.moved = read({ ...frame, view: { x: 5, y: 0, scale: 10 } }, places);
  result.near = read({ ...frame, view: { x: 0, y: 0, scale: 20 }, ratio: 2 }, [
    [200, 160],
    [400, 160],
    [200, 0],
  ]);
  renderer.setEmphasis(Uint8Array.of(2, 0, 1, 1));
  result.emphasis = read(frame, [...places, [104, 80]]);
  renderer.setEmphasis(undefined);
  renderer.setColors(Uint8Array.of(1, 1, 2, 0), PALETTE);
  result.recoloured = read(frame, places);
  renderer.setTiles({
    images: [atlas()],
    cell: 64,
    columns: 2,
    slots: Int32Array.of(-1, 2, -1, -1),
    sizes: Uint8Array.of(64, 64, 64, 64, 64, 32),
  });
  result.pictures = read({ ...frame, pictures: [{ item: 1, size: 40 }] }, [
    [150, 80], // the picture
    [132, 80], // its left end
    [150, 68], // half as high as it is wide
    [129, 80], // the border
    [150, 60], // above it
  ]);
  // Of two points on each other the raised one is seen, whichever comes first.
  for (const [name, levels] of [
    ['first', [2, 1]],
    ['second', [1, 2]],
  ] as const) {
    renderer.setPoints({ x: new Float32Array(2), y: new Float32Array(2) });
    renderer.setColors(Uint8Array.of(0, 1), PALETTE);
    renderer.setEmphasis(Uint8Array.from(levels));
    result[name] = read(frame, [[100, 80]]);
  }
  renderer.setPoints({ x: new Float32Array(0), y: new Float32Array(0) });
  result.none = read(frame, [[100, 80]]);
  renderer.destroy();
  return result;
}

const drawn = {
  canvas: scenes(new CanvasRenderer(document)),
  webgl2: WebglRenderer.isAvailable(document) ? scenes(new WebglRenderer(document)) : null,
};
const output = document.createElement('pre');
output.id = 'result';
output.textContent = JSON.stringify(drawn);
document.body.append(output);
