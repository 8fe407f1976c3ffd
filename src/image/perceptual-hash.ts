/**
 * @file How a picture looks, in 64 bits: the signs of its lowest frequencies. Copies that were scaled, compressed or
 * brightened differ in few bits. Equal to `imagehash.phash` of Python's ImageHash, which took it from pHash (Zauner,
 * "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010). Beside it, how sharp a picture is.
 */
import { UsageError } from '../errors.js';
import { resize } from './resample.js';
import type { RgbImage } from './types.js';

/** The hash is of a picture of this many times as many pixels a side as the hash has frequencies. */
const OVERSAMPLING = 4;
/** The longer side at which sharpness is measured, in pixels. */
const SHARPNESS_SIDE = 512;

/**
 * The perceptual hash: which of the `size × size` lowest frequencies of the discrete cosine transform of the grey
 * picture, at `4 size × 4 size` pixels, exceed their median.
 *
 * Frequencies that vanish but for rounding count as zero, so that the hash of a picture of one colour is no accident.
 *
 * @param size 8 for 64 bits, 16 for 256: a multiple of 4. @default 8
 * @returns `size² / 8` bytes, in rows from the lowest vertical frequency on, the first bit of a byte the highest: in
 *   hexadecimal what `str(imagehash.phash(image, hash_size=size))` prints.
 * @throws UsageError for another size.
 */
export function perceptualHash(image: RgbImage, size = 8): Uint8Array {
  if (!Number.isInteger(size) || size < 4 || size % 4 !== 0)
    throw new UsageError(`size: expected a multiple of 4 but received ${size}`);
  const side = OVERSAMPLING * size;
  const { data } = resize(grey(image), side, side, 'lanczos');
  const cosines = Float64Array.from({ length: size * side }, (_, i) =>
    Math.cos((Math.PI * Math.floor(i / side) * (2 * (i % side) + 1)) / (2 * side)),
  );
  const rows = new Float64Array(side * size); // each row's horizontal frequencies
  for (let y = 0; y < side; y++)
    for (let u = 0; u < size; u++) {
      let sum = 0;
      for (let x = 0; x < side; x++) sum += data[3 * (y * side + x)]! * cosines[u * side + x]!;
      rows[y * size + u] = sum;
    }
  const frequencies = new Float64Array(size * size);
  for (let v = 0; v < size; v++)
    for (let u = 0; u < size; u++) {
      let sum = 0;
      for (let y = 0; y < side; y++) sum += rows[y * size + u]! * cosines[v * side + y]!;
      frequencies[v * size + u] = Math.abs(sum) < 1e-7 ? 0 : sum;
    }
  const sorted = frequencies.toSorted();
  const median = (sorted[sorted.length / 2 - 1]! + sorted[sorted.length / 2]!) / 2;
  const hash = new Uint8Array((size * size) / 8);
  frequencies.forEach((value, i) => {
    if (value > median) hash[i >> 3]! |= 0x80 >> (i & 7);
  });
  return hash;
}

/** How many bits differ. @throws UsageError when the hashes are not of one size. */
export function hashDistance(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length)
    throw new UsageError(`hashes: expected two of one size but received ${a.length} and ${b.length} bytes`);
  let differing = 0;
  for (let i = 0; i < a.length; i++) {
    let bits = a[i]! ^ b[i]!;
    for (; bits !== 0; bits &= bits - 1) differing++;
  }
  return differing;
}

/**
 * How sharp a picture is: the variance of the Laplacian of its grey values (0..255) where its longer side has 512
 * pixels, so that pictures of different sizes can be compared. Blur, enlarging and strong compression take from it;
 * noise adds to it.
 */
export function sharpness(image: RgbImage): number {
  const scale = SHARPNESS_SIDE / Math.max(image.width, image.height);
  const width = Math.max(3, Math.round(image.width * scale));
  const height = Math.max(3, Math.round(image.height * scale));
  const { data } = resize(grey(image), width, height, 'bicubic');
  let [sum, squares] = [0, 0];
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const at = 3 * (y * width + x);
      const edge =
        data[at - 3]! + data[at + 3]! + data[at - 3 * width]! + data[at + 3 * width]! - 4 * data[at]!;
      sum += edge;
      squares += edge * edge;
    }
  const pixels = (width - 2) * (height - 2);
  return squares / pixels - (sum / pixels) ** 2;
}

/** Pillow's `convert("L")`, repeated in the three channels that the resampler takes. */
function grey({ data, width, height }: RgbImage): RgbImage {
  const result = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const light = (data[i]! * 19595 + data[i + 1]! * 38470 + data[i + 2]! * 7471 + 0x8000) >> 16;
    result[i] = light;
    result[i + 1] = light;
    result[i + 2] = light;
  }
  return { data: result, width, height };
}
