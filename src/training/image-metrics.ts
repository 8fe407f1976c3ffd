/**
 * @file How alike images are: peak signal-to-noise ratio and structural similarity, in float64, equal to scikit-image's
 * `peak_signal_noise_ratio` and `structural_similarity` (`gaussian_weights=True, use_sample_covariance=False`). The loss
 * of the same name is in `losses/ssim.ts`.
 */
import { UsageError } from '../errors.js';
import { gaussianWindow, SSIM_C1, SSIM_C2, SSIM_WINDOW } from './losses/ssim.js';

/** A batch of images [N, C, H, W]. */
export interface ImageShape {
  /** @default 1 */
  count?: number | undefined;
  channels: number;
  height: number;
  width: number;
}

/**
 * 10 log₁₀(range² / mean squared difference) of each pair of images, in dB; infinite for equal ones. Over several images
 * the field averages their decibels.
 * @param range the difference of the largest and the smallest value that there can be. @default 1
 * @throws UsageError when the numbers do not fill the shape.
 */
export function psnr(a: Float32Array, b: Float32Array, shape: ImageShape, range = 1): Float64Array {
  const { count, size } = sizes(a, b, shape, 'psnr');
  return Float64Array.from({ length: count }, (_, n) => {
    let sum = 0;
    for (let i = n * size; i < (n + 1) * size; i++) sum += (a[i]! - b[i]!) ** 2;
    return 10 * Math.log10((range * range * size) / sum);
  });
}

/**
 * The structural similarity of each pair of images, the mean over places and channels; 1 for equal ones. The window is a
 * Gaussian of 11 × 11 pixels with σ = 1.5 (Wang et al., 2004).
 * @param range as for {@link psnr}. @default 1
 * @throws UsageError when the numbers do not fill the shape or the images are smaller than the window.
 */
export function ssim(a: Float32Array, b: Float32Array, shape: ImageShape, range = 1): Float64Array {
  const { count } = sizes(a, b, shape, 'ssim');
  const { channels, height, width } = shape;
  if (!(height >= SSIM_WINDOW && width >= SSIM_WINDOW))
    throw new UsageError(
      `ssim: expected at least ${SSIM_WINDOW} × ${SSIM_WINDOW} pixels but received ${width} × ${height}`,
    );
  const [c1, c2] = [SSIM_C1 * range ** 2, SSIM_C2 * range ** 2];
  const windows = new Windows(height, width);
  const plane = height * width;
  const result = new Float64Array(count);
  for (let image = 0; image < count * channels; image++) {
    const x = a.subarray(image * plane, (image + 1) * plane);
    const y = b.subarray(image * plane, (image + 1) * plane);
    const meanX = windows.means((i) => x[i]!);
    const meanY = windows.means((i) => y[i]!);
    const squares = windows.means((i) => x[i]! * x[i]! + y[i]! * y[i]!);
    const products = windows.means((i) => x[i]! * y[i]!);
    let sum = 0;
    for (let i = 0; i < meanX.length; i++) {
      const product = meanX[i]! * meanY[i]!;
      const square = meanX[i]! * meanX[i]! + meanY[i]! * meanY[i]!;
      sum +=
        ((2 * product + c1) * (2 * (products[i]! - product) + c2)) /
        ((square + c1) * (squares[i]! - square + c2));
    }
    result[Math.floor(image / channels)]! += sum / meanX.length / channels;
  }
  return result;
}

function sizes(
  a: Float32Array,
  b: Float32Array,
  shape: ImageShape,
  what: string,
): { count: number; size: number } {
  const { count = 1, channels, height, width } = shape;
  const size = channels * height * width;
  if (!(size > 0) || a.length !== count * size || b.length !== a.length)
    throw new UsageError(
      `${what}: ${a.length} and ${b.length} values do not fill two times [${count}, ${channels}, ${height}, ${width}]`,
    );
  return { count, size };
}

/** Gaussian means of one channel at every place where the window lies inside. */
class Windows {
  private readonly window = gaussianWindow();
  private readonly source: Float64Array;
  private readonly across: Float64Array;
  private readonly columns: number;

  constructor(
    private readonly height: number,
    private readonly width: number,
  ) {
    this.columns = width - SSIM_WINDOW + 1;
    this.source = new Float64Array(height * width);
    this.across = new Float64Array(height * this.columns);
  }

  means(value: (index: number) => number): Float64Array {
    const { window, across, source, columns, height, width } = this;
    for (let i = 0; i < source.length; i++) source[i] = value(i);
    for (let row = 0, to = 0; row < height; row++)
      for (let column = 0; column < columns; column++, to++) {
        const start = row * width + column;
        let sum = 0;
        for (let k = 0; k < SSIM_WINDOW; k++) sum += window[k]! * source[start + k]!;
        across[to] = sum;
      }
    const result = new Float64Array((height - SSIM_WINDOW + 1) * columns);
    for (let i = 0; i < result.length; i++) {
      let sum = 0;
      for (let k = 0; k < SSIM_WINDOW; k++) sum += window[k]! * across[i + k * columns]!;
      result[i] = sum;
    }
    return result;
  }
}
