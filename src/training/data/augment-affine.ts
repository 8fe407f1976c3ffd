/**
 * @file Rotation and affine maps, equal to torchvision's on PIL images: Pillow's `Image.transform`, which looks up for
 * each pixel of the result where it comes from. The size stays; what comes from outside takes the fill colour.
 */
import type { RgbImage } from '../../image/types.js';
import type { Colour } from './augment-geometry.js';

/** How a pixel is read between pixels; neither is antialiased. */
export type Interpolation = 'nearest' | 'bilinear';

/** From a place in the result to the place in the picture: x' = a x + b y + c, y' = d x + e y + f. */
export type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** An affine map about the middle of the picture. */
export interface AffineParameters {
  /** Degrees, clockwise. */
  angle: number;
  /** Whole pixels to the right and down. */
  translate: readonly [x: number, y: number];
  /** > 0 */
  scale: number;
  /** Degrees along x and y. */
  shear: readonly [x: number, y: number];
}

/** `rotate` without `expand`. @param angle degrees, counter-clockwise. */
export function rotate(
  image: RgbImage,
  angle: number,
  interpolation: Interpolation = 'nearest',
  fill: Colour = [0, 0, 0],
): RgbImage {
  const turned = angle % 360;
  const a = -radians(turned < 0 ? turned + 360 : turned);
  // Pillow rounds, so that right angles are exact.
  const cos = Number(Math.cos(a).toFixed(15));
  const sin = Number(Math.sin(a).toFixed(15));
  const cx = image.width / 2;
  const cy = image.height / 2;
  const matrix: Matrix = [cos, sin, cos * -cx + sin * -cy + cx, -sin, cos, -sin * -cx + cos * -cy + cy];
  return transformAffine(image, matrix, interpolation, fill);
}

/** `affine`: shear, scale and rotation about the middle, then the translation. */
export function affine(
  image: RgbImage,
  { angle, translate, scale, shear }: AffineParameters,
  interpolation: Interpolation = 'nearest',
  fill: Colour = [0, 0, 0],
): RgbImage {
  const rot = radians(angle);
  const sx = radians(shear[0]);
  const sy = radians(shear[1]);
  const a = Math.cos(rot - sy) / Math.cos(sy);
  const b = (-Math.cos(rot - sy) * Math.tan(sx)) / Math.cos(sy) - Math.sin(rot);
  const c = Math.sin(rot - sy) / Math.cos(sy);
  const d = (-Math.sin(rot - sy) * Math.tan(sx)) / Math.cos(sy) + Math.cos(rot);
  // The determinant of [a b; c d] is 1, so this is the inverse.
  const [m0, m1, m3, m4] = [d / scale, -b / scale, -c / scale, a / scale];
  const cx = image.width * 0.5;
  const cy = image.height * 0.5;
  const dx = -cx - translate[0];
  const dy = -cy - translate[1];
  const matrix: Matrix = [m0, m1, m0 * dx + m1 * dy + cx, m3, m4, m3 * dx + m4 * dy + cy];
  return transformAffine(image, matrix, interpolation, fill);
}

/** Pillow's `Image.transform(size, AFFINE, matrix, resample, fillcolor=fill)`. */
function transformAffine(
  image: RgbImage,
  matrix: Matrix,
  interpolation: Interpolation,
  fill: Colour,
): RgbImage {
  const { width, height } = image;
  const data = new Uint8Array(width * height * 3);
  if (fill.some((value) => value !== 0)) for (let i = 0; i < data.length; i++) data[i] = fill[i % 3]!;
  if (interpolation === 'bilinear') bilinear(image, matrix, data);
  else if (matrix[1] === 0 && matrix[3] === 0) scaleNearest(image, matrix, data);
  else nearest(image, matrix, data);
  return { data, width, height };
}

/** Without rotation and shear Pillow adds the scale up step by step, in double precision. */
function scaleNearest({ data, width, height }: RgbImage, [a, , c, , e, f]: Matrix, out: Uint8Array): void {
  const columns = new Int32Array(width);
  for (let x = 0, at = c + a * 0.5; x < width; x++, at += a) columns[x] = at < 0 ? -1 : at;
  for (let y = 0, at = f + e * 0.5; y < height; y++, at += e) {
    const row = at < 0 ? -1 : Math.trunc(at);
    if (row < 0 || row >= height) continue;
    for (let x = 0; x < width; x++) {
      const column = columns[x]!;
      if (column >= 0 && column < width)
        copyPixel(data, (row * width + column) * 3, out, (y * width + x) * 3);
    }
  }
}

/** Otherwise it counts in fixed point with 16 fractional bits (for places below 32768). */
function nearest({ data, width, height }: RgbImage, [a, b, c, d, e, f]: Matrix, out: Uint8Array): void {
  const fixed = (v: number): number => Math.floor(v * 65536 + 0.5);
  const stepX = fixed(a);
  const stepY = fixed(d);
  let startX = fixed(c + a * 0.5 + b * 0.5);
  let startY = fixed(f + d * 0.5 + e * 0.5);
  let to = 0;
  for (let y = 0; y < height; y++, startX += fixed(b), startY += fixed(e)) {
    let x16 = startX;
    let y16 = startY;
    for (let x = 0; x < width; x++, to += 3, x16 += stepX, y16 += stepY) {
      const column = Math.floor(x16 / 65536);
      const row = Math.floor(y16 / 65536);
      if (column >= 0 && column < width && row >= 0 && row < height) {
        copyPixel(data, (row * width + column) * 3, out, to);
      }
    }
  }
}

function copyPixel(from: Uint8Array, at: number, to: Uint8Array, place: number): void {
  to[place] = from[at]!;
  to[place + 1] = from[at + 1]!;
  to[place + 2] = from[at + 2]!;
}

/** Between the four neighbours, in double precision and cut off; the edge is repeated by half a pixel. */
function bilinear({ data, width, height }: RgbImage, [a, b, c, d, e, f]: Matrix, out: Uint8Array): void {
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const fromX = a * (x + 0.5) + b * (y + 0.5) + c;
      const fromY = d * (x + 0.5) + e * (y + 0.5) + f;
      if (!(fromX >= 0 && fromX < width && fromY >= 0 && fromY < height)) continue;
      const left = Math.floor(fromX - 0.5);
      const top = Math.floor(fromY - 0.5);
      const dx = fromX - 0.5 - left;
      const dy = fromY - 0.5 - top;
      const x0 = Math.max(0, left) * 3;
      const x1 = Math.min(width - 1, left + 1) * 3;
      const row0 = Math.max(0, top) * width * 3;
      const row1 = Math.min(height - 1, top + 1) * width * 3;
      for (let channel = 0; channel < 3; channel++) {
        const p00 = data[row0 + x0 + channel]!;
        const p01 = data[row0 + x1 + channel]!;
        const p10 = data[row1 + x0 + channel]!;
        const p11 = data[row1 + x1 + channel]!;
        const upper = p00 + (p01 - p00) * dx;
        const lower = p10 + (p11 - p10) * dx;
        out[to + channel] = upper + (lower - upper) * dy;
      }
    }
  }
}

function radians(degrees: number): number {
  return degrees * (Math.PI / 180);
}
