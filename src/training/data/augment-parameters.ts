/**
 * @file The draws of torchvision's random transforms (`make_params`): the same distributions, drawn in the same order.
 * What comes out is given to the functions that change pixels.
 */
import { roundHalfEven } from '../../image/transform.js';
import type { Region } from '../../image/types.js';
import type { Random } from '../../random.js';
import type { Range } from './augment.js';
import type { AffineParameters } from './augment-affine.js';

/**
 * `RandomResizedCrop`: ten tries for a window that lies within the picture, then the largest in the middle whose
 * proportions are allowed.
 */
export function randomResizedCropParameters(
  { width, height }: { width: number; height: number },
  { scale, ratio }: { scale: Range; ratio: Range },
  random: Random,
): Region {
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = width * height * random.uniform(...scale);
    const aspect = logUniform(ratio, random);
    const w = roundHalfEven(Math.sqrt(area * aspect));
    const h = roundHalfEven(Math.sqrt(area / aspect));
    if (w > 0 && w <= width && h > 0 && h <= height) {
      const top = random.integer(height - h + 1);
      const left = random.integer(width - w + 1);
      return { left, top, width: w, height: h };
    }
  }
  const [narrowest, widest] = ratio;
  let w = width;
  let h = height;
  if (width / height < narrowest) h = Math.min(height, roundHalfEven(width / narrowest));
  else if (width / height > widest) w = Math.min(width, roundHalfEven(height * widest));
  return { left: Math.floor((width - w) / 2), top: Math.floor((height - h) / 2), width: w, height: h };
}

/** `RandomErasing`: ten tries for a window smaller than the picture in both directions; null if none was found. */
export function randomErasingParameters(
  { width, height }: { width: number; height: number },
  { scale, ratio, value }: { scale: Range; ratio: Range; value: readonly number[] | 'random' },
  random: Random,
): { region: Region; values: Float32Array } | null {
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = width * height * random.uniform(...scale);
    const aspect = logUniform(ratio, random);
    const h = roundHalfEven(Math.sqrt(area * aspect));
    const w = roundHalfEven(Math.sqrt(area / aspect));
    if (h >= height || w >= width) continue;
    const values =
      value === 'random'
        ? Float32Array.from({ length: 3 * h * w }, () => random.normal())
        : Float32Array.from(value);
    const top = random.integer(height - h + 1);
    const left = random.integer(width - w + 1);
    return { region: { left, top, width: w, height: h }, values };
  }
  return null;
}

/** One change of colour and its factor. */
export type ColourChange = readonly [name: 'brightness' | 'contrast' | 'saturation' | 'hue', factor: number];

/** `ColorJitter`: the changes to make, in their order. */
export function colorJitterParameters(
  ranges: { brightness?: Range; contrast?: Range; saturation?: Range; hue?: Range },
  random: Random,
): ColourChange[] {
  const order = random.shuffle([0, 1, 2, 3]);
  const names = ['brightness', 'contrast', 'saturation', 'hue'] as const;
  const factors = names.map((name) => {
    const range = ranges[name];
    return range && random.uniform(...range);
  });
  return order.flatMap((i) => {
    const factor = factors[i];
    return factor === undefined ? [] : [[names[i]!, factor] as const];
  });
}

/** `RandomAffine`. */
export function randomAffineParameters(
  { width, height }: { width: number; height: number },
  options: { degrees: Range; translate: Range; scale: Range; shear: Range },
  random: Random,
): AffineParameters {
  const angle = random.uniform(...options.degrees);
  const dx = options.translate[0] * width;
  const dy = options.translate[1] * height;
  const translate = [roundHalfEven(random.uniform(-dx, dx)), roundHalfEven(random.uniform(-dy, dy))] as const;
  const scale = random.uniform(...options.scale);
  return { angle, translate, scale, shear: [random.uniform(...options.shear), 0] };
}

function logUniform([min, max]: Range, random: Random): number {
  return Math.exp(random.uniform(Math.log(min), Math.log(max)));
}
