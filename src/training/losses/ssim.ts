/**
 * @file Structural similarity as part of a graph: Wang, Bovik, Sheikh & Simoncelli, "Image quality assessment: from
 * error visibility to structural similarity", IEEE Transactions on Image Processing 2004.
 *
 * Gaussian windows of 11 × 11 pixels with σ = 1.5 that lie wholly inside the image, as the authors' code and
 * scikit-image (`gaussian_weights=True, use_sample_covariance=False`) have it. The window is separable, and a sum along
 * one axis is a product with a banded matrix: one dense product is faster than many depthwise convolutions with one
 * channel each, and so is its gradient.
 */
import { GraphError } from '../../errors.js';
import { type Graph, ops, show, type Value } from '../../graph/index.js';

const { add, div, matmul, mean, mul, square, sub } = ops;

export const SSIM_WINDOW = 11;
const SIGMA = 1.5;
/** The constants of the paper for a data range of 1: (0.01)² and (0.03)². */
export const SSIM_C1 = 0.01 ** 2;
export const SSIM_C2 = 0.03 ** 2;
/** Variances do not change with the origin; around the middle of the range they lose the least to rounding. */
const MIDDLE = 0.5;

/** The one-dimensional window; its sum is 1. */
export function gaussianWindow(): Float64Array {
  const middle = (SSIM_WINDOW - 1) / 2;
  const window = Float64Array.from({ length: SSIM_WINDOW }, (_, i) =>
    Math.exp(-((i - middle) ** 2) / (2 * SIGMA ** 2)),
  );
  const total = window.reduce((a, b) => a + b, 0);
  return window.map((x) => x / total);
}

/**
 * 1 − the mean structural similarity of each pair of images `[N, C, H, W]` with values in 0..1: `[N]`, at least 0.
 *
 * Written with the difference d of the images, so that nothing cancels where they are nearly equal: with
 * A = (μx − μy)² / (μx² + μy² + C₁) and B = σd² / (σx² + σy² + C₂), the similarity is (1 − A)(1 − B).
 * @throws GraphError when the shapes differ or an image is smaller than the window.
 */
export function dissimilarityPerImage(x: Value, y: Value): Value {
  const [height, width] = x.shape.slice(2);
  const large = [height, width].every((d) => typeof d === 'number' && d >= SSIM_WINDOW);
  if (x.shape.length !== 4 || show(x.shape) !== show(y.shape) || !large)
    throw new GraphError(
      `SSIM: expected two equal [N, C, H, W] of at least ${SSIM_WINDOW} × ${SSIM_WINDOW} but received ${show(x.shape)} and ${show(y.shape)}`,
    );
  const { graph } = x;
  const down = banded(graph, height as number, true);
  const across = banded(graph, width as number, false);
  const blur = (v: Value) => matmul(down, matmul(v, across));

  const [a, b] = [sub(x, MIDDLE), sub(y, MIDDLE)];
  const [meanA, meanB] = [blur(a), blur(b)];
  const shift = square(sub(meanA, meanB));
  const spread = sub(blur(square(sub(x, y))), shift);
  const variances = sub(blur(add(square(a), square(b))), add(square(meanA), square(meanB)));
  const squares = add(square(add(meanA, MIDDLE)), square(add(meanB, MIDDLE)));
  const luminance = div(shift, add(squares, SSIM_C1));
  const structure = div(spread, add(variances, SSIM_C2));
  return mean(sub(add(luminance, structure), mul(luminance, structure)), [1, 2, 3]);
}

/** The window at every place of an axis: [size, size − 10], or its transpose. */
function banded(graph: Graph, size: number, transposed: boolean): Value {
  const window = gaussianWindow();
  const places = size - SSIM_WINDOW + 1;
  const data = new Float32Array(size * places);
  for (let place = 0; place < places; place++)
    for (let i = 0; i < SSIM_WINDOW; i++)
      data[transposed ? place * size + place + i : (place + i) * places + place] = window[i]!;
  return graph.constant(data, transposed ? [places, size] : [size, places], 'float32');
}
