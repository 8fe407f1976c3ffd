/**
 * @file One training image from decoded pixels to the floats that the network takes, varied by draws from the
 * generator that it is given.
 */
import type { Filter } from '../../image/filters.js';
import { crop } from '../../image/resample.js';
import { outputSize, resizeAndCrop, type TransformSpec, toTensor } from '../../image/transform.js';
import type { RgbImage } from '../../image/types.js';
import type { Random } from '../../random.js';
import type { AugmentOptions, AugmentPreset } from './augment.js';
import { affine, rotate } from './augment-affine.js';
import { gaussianBlur } from './augment-blur.js';
import {
  adjustBrightness,
  adjustContrast,
  adjustHue,
  adjustSaturation,
  toGrayscale,
} from './augment-colour.js';
import { erase } from './augment-erase.js';
import { horizontalFlip, pad, resizedCrop, verticalFlip } from './augment-geometry.js';
import {
  type ColourChange,
  colorJitterParameters,
  randomAffineParameters,
  randomErasingParameters,
  randomResizedCropParameters,
} from './augment-parameters.js';
import { type ResolvedAugment, resolveAugment } from './augment-resolve.js';

/** Turns pictures into rows of a batch, varied or not. */
export class Augmentation {
  /** What {@link apply} and {@link plain} want: pictures as decoded, or already resized and cropped by {@link prefix}. */
  readonly takes: 'decoded' | 'resized';
  /** Height and width of what comes out. */
  readonly size: { height: number; width: number };
  private readonly steps: ResolvedAugment;
  private readonly filter: Filter;

  /**
   * @param augment what to vary; `'none'` to vary nothing.
   * @param spec the model's transform: its size, filter and normalisation hold for varied pictures too.
   * @throws UsageError for options that {@link resolveAugment} refuses, or a transform without a fixed size.
   */
  constructor(
    augment: AugmentPreset | AugmentOptions,
    private readonly spec: TransformSpec,
  ) {
    this.size = outputSize(spec);
    this.steps = resolveAugment(augment, this.size);
    this.takes = this.steps.randomResizedCrop === null ? 'resized' : 'decoded';
    this.filter = spec.resize?.filter ?? 'bilinear';
  }

  /** The part of the work that is the same in every epoch, and whose result can be kept: nothing for `decoded`. */
  prefix(decoded: RgbImage): RgbImage {
    return this.takes === 'decoded' ? decoded : resizeAndCrop(decoded, this.spec);
  }

  /**
   * The picture as the model will see it later.
   * @param image what {@link prefix} returned.
   * @param out receives `[3, height, width]`.
   */
  plain(image: RgbImage, out: Float32Array): void {
    toTensor(this.takes === 'decoded' ? resizeAndCrop(image, this.spec) : image, this.spec, out);
  }

  /**
   * The picture varied. Pixels of `image` are not changed.
   * @param image what {@link prefix} returned.
   * @param random the generator of this one picture.
   * @param out receives `[3, height, width]`.
   */
  apply(image: RgbImage, random: Random, out: Float32Array): void {
    const { erasing } = this.steps;
    toTensor(this.pixels(image, random), this.spec, out);
    if (erasing !== null && random.next() < erasing.p) {
      const found = randomErasingParameters(this.size, erasing, random);
      if (found !== null) erase(out, this.size, found.region, found.values);
    }
  }

  private pixels(image: RgbImage, random: Random): RgbImage {
    const { steps, size } = this;
    const { randomResizedCrop, rotation, affine: maps, randomCrop, colorJitter, gaussianBlur: blur } = steps;
    let out = image;
    if (randomResizedCrop !== null) {
      const region = randomResizedCropParameters(image, randomResizedCrop, random);
      out = resizedCrop(image, region, size.width, size.height, this.filter);
    }
    if (rotation !== null) {
      out = rotate(out, random.uniform(...rotation.degrees), rotation.interpolation, rotation.fill);
    }
    if (maps !== null) {
      out = affine(out, randomAffineParameters(size, maps, random), maps.interpolation, maps.fill);
    }
    if (randomCrop !== null) {
      const { padding, mode, fill } = randomCrop;
      const top = random.integer(2 * padding + 1);
      const left = random.integer(2 * padding + 1);
      out = crop(pad(out, padding, mode, fill), { left, top, ...size });
    }
    if (happens(steps.horizontalFlip, random)) out = horizontalFlip(out);
    if (happens(steps.verticalFlip, random)) out = verticalFlip(out);
    if (colorJitter !== null && happens(colorJitter.p, random)) {
      for (const change of colorJitterParameters(colorJitter, random)) out = changeColour(out, change);
    }
    if (happens(steps.grayscale, random)) out = toGrayscale(out);
    if (blur !== null && happens(blur.p, random)) {
      out = gaussianBlur(out, blur.kernel, random.uniform(...blur.sigma));
    }
    return out;
  }
}

/** A draw is made for steps that can happen only. */
function happens(p: number, random: Random): boolean {
  return p > 0 && random.next() < p;
}

function changeColour(image: RgbImage, [name, factor]: ColourChange): RgbImage {
  switch (name) {
    case 'brightness':
      return adjustBrightness(image, factor);
    case 'contrast':
      return adjustContrast(image, factor);
    case 'saturation':
      return adjustSaturation(image, factor);
    case 'hue':
      return adjustHue(image, factor);
    default:
      return name satisfies never;
  }
}

/**
 * Pictures to one tensor `[N, 3, height, width]`, without variation: what an evaluation sees.
 * @throws ImageError of stage `transform` if a picture cannot be resized as asked.
 */
export function toSpec(images: readonly RgbImage[], spec: TransformSpec): Float32Array {
  const augmentation = new Augmentation('none', spec);
  const length = 3 * augmentation.size.height * augmentation.size.width;
  const batch = new Float32Array(images.length * length);
  images.forEach((image, i) => {
    augmentation.plain(augmentation.prefix(image), batch.subarray(i * length, (i + 1) * length));
  });
  return batch;
}
