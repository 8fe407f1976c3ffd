/**
 * @file How training images are varied, as plain JSON, with the names and the meaning of torchvision's transforms
 * (https://docs.pytorch.org/vision/stable/transforms.html), and the presets that published recipes add up to.
 *
 * The order is fixed, as in the recipes: crop and resize, place, mirror, colour, grey, blur; then normalisation as the
 * model's transform says, and erasing last, on the floats.
 */
import type { Interpolation } from './augment-affine.js';
import type { PaddingMode } from './augment-geometry.js';

/** A number, or the two between which one is drawn uniformly. */
export type Range = readonly [min: number, max: number];
/** Grey of 0..255, or red, green and blue. */
export type Fill = number | readonly [red: number, green: number, blue: number];

/** What is done to every training image, each step with its own draw. A step that is absent is not done. */
export interface AugmentOptions {
  /**
   * Cut out a window of random area and proportions and resize it to the model's size (`RandomResizedCrop`). It takes
   * the place of the resize and crop of the model's transform: the size is that transform's output size, the filter
   * its filter.
   */
  randomResizedCrop?: RandomResizedCropOptions | undefined;
  /** Turn about the middle (`RandomRotation`); a number is `degrees`. */
  rotation?: number | Range | RandomRotationOptions | undefined;
  /** Turn, shift, scale and shear about the middle (`RandomAffine`). */
  affine?: RandomAffineOptions | undefined;
  /** Pad, and cut the same size out at a random place (`RandomCrop`). */
  randomCrop?: RandomCropOptions | undefined;
  /** Probability of exchanging left and right (`RandomHorizontalFlip`). */
  horizontalFlip?: number | undefined;
  /** Probability of exchanging top and bottom (`RandomVerticalFlip`). */
  verticalFlip?: number | undefined;
  /** Change brightness, contrast, saturation and hue, in random order (`ColorJitter`). */
  colorJitter?: ColorJitterOptions | undefined;
  /** Probability of taking the colour away (`RandomGrayscale`). */
  grayscale?: number | undefined;
  /** Blur (`GaussianBlur` within `RandomApply`). */
  gaussianBlur?: GaussianBlurOptions | undefined;
  /** Overwrite a window of random area and proportions, after normalisation (`RandomErasing`). */
  erasing?: RandomErasingOptions | undefined;
}

/** @see https://arxiv.org/abs/1409.4842 (Szegedy et al. 2015, section 6) */
export interface RandomResizedCropOptions {
  /** Area of the window, as a part of the picture's. @default [0.08, 1] */
  scale?: Range | undefined;
  /** Width / height of the window, before resizing. @default [0.75, 1.3333333333333333] */
  ratio?: Range | undefined;
}

export interface RandomRotationOptions {
  /** Largest angle to either side, or the range, counter-clockwise. */
  degrees: number | Range;
  /** @default 'nearest' */
  interpolation?: Interpolation | undefined;
  /** What appears at the corners. @default 0 */
  fill?: Fill | undefined;
}

export interface RandomAffineOptions {
  /** Largest angle to either side, or the range, clockwise. @default 0 */
  degrees?: number | Range | undefined;
  /** Largest shift to either side, as parts of width and height. @default no shift */
  translate?: Range | undefined;
  /** @default [1, 1] */
  scale?: Range | undefined;
  /** Largest shear along x in degrees, or its range. @default 0 */
  shear?: number | Range | undefined;
  /** @default 'nearest' */
  interpolation?: Interpolation | undefined;
  /** What appears at the edges. @default 0 */
  fill?: Fill | undefined;
}

export interface RandomCropOptions {
  /** Pixels on each side; a number below 1 is a part of the shorter side of the model's size. */
  padding: number;
  /** @default 'constant' */
  mode?: PaddingMode | undefined;
  /** The colour of `constant`. @default 0 */
  fill?: Fill | undefined;
}

/** A number x is the range [max(0, 1 − x), 1 + x]; for hue [−x, x]. */
export interface ColorJitterOptions {
  /** @default no change */
  brightness?: number | Range | undefined;
  /** @default no change */
  contrast?: number | Range | undefined;
  /** @default no change */
  saturation?: number | Range | undefined;
  /** Parts of the circle, at most 0.5. @default no change */
  hue?: number | Range | undefined;
  /** Probability of doing any of it (`RandomApply`). @default 1 */
  p?: number | undefined;
}

export interface GaussianBlurOptions {
  /**
   * Odd number of pixels.
   * @default a tenth of the shorter side of the model's size, made odd, as in SimCLR
   */
  kernel?: number | undefined;
  /** Standard deviation in pixels. @default [0.1, 2] */
  sigma?: number | Range | undefined;
  /** @default 0.5 */
  p?: number | undefined;
}

/** @see https://arxiv.org/abs/1708.04896 (Zhong et al. 2017) */
export interface RandomErasingOptions {
  /** @default 0.5 */
  p?: number | undefined;
  /** Area, as a part of the picture's. @default [0.02, 0.33] */
  scale?: Range | undefined;
  /** Height / width. @default [0.3, 3.3] */
  ratio?: Range | undefined;
  /** The normalised value put there, one for each channel, or standard normal noise. @default 0 */
  value?: number | readonly [number, number, number] | 'random' | undefined;
}

/** Names of {@link AUGMENT_PRESETS}. */
export type AugmentPreset = 'none' | 'light' | 'standard' | 'simclr' | 'characters';

/** Ready-made recipes. */
export const AUGMENT_PRESETS: Readonly<Record<AugmentPreset, AugmentOptions>> = {
  /** Every image as the model will see it later. */
  none: {},
  /**
   * Mirrored, and shifted by up to an eighth of the side (4 pixels of 32): Lee et al. 2015 (arXiv 1409.5185), as used
   * for CIFAR by He et al. 2016 (arXiv 1512.03385, section 4.2).
   */
  light: { randomCrop: { padding: 0.125 }, horizontalFlip: 0.5 },
  /**
   * Szegedy et al. 2015 (arXiv 1409.4842), as torchvision's reference training on ImageNet; metric learning uses it
   * too (ProxyAnchor, arXiv 2003.13911, section 4.2).
   */
  standard: { randomResizedCrop: {}, horizontalFlip: 0.5 },
  /** Chen et al. 2020 (arXiv 2002.05709, appendix A, colour strength 1): for learning without labels. */
  simclr: {
    randomResizedCrop: {},
    horizontalFlip: 0.5,
    colorJitter: { brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.2, p: 0.8 },
    grayscale: 0.2,
    gaussianBlur: { sigma: [0.1, 2], p: 0.5 },
  },
  /**
   * Written characters, dark on white, which must not be mirrored: the affine distortions of Koch et al. 2015
   * ("Siamese Neural Networks for One-shot Image Recognition", section 4.2): ±10°, shear ±0.3, scale 0.8 to 1.2,
   * shift ±2 of 105 pixels.
   */
  characters: {
    affine: {
      degrees: 10,
      translate: [0.02, 0.02],
      scale: [0.8, 1.2],
      shear: 16.7,
      interpolation: 'bilinear',
      fill: 255,
    },
  },
};
