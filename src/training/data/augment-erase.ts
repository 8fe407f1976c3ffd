/** @file Random erasing on a picture that has been normalised: torchvision's `erase`. */
import type { Region } from '../../image/types.js';

/**
 * Overwrites a window, in place.
 * @param tensor `[3, height, width]`.
 * @param values one for each channel, or one for each place: `[3, region.height, region.width]`.
 */
export function erase(
  tensor: Float32Array,
  { width, height }: { width: number; height: number },
  region: Region,
  values: Float32Array,
): void {
  const each = values.length > 3;
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < region.height; y++) {
      const to = (c * height + region.top + y) * width + region.left;
      if (each) {
        const from = (c * region.height + y) * region.width;
        tensor.set(values.subarray(from, from + region.width), to);
      } else tensor.fill(values[c]!, to, to + region.width);
    }
  }
}
