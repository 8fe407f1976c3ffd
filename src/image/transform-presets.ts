/**
 * @file The evaluation transforms of torchvision, open_clip and timm, by the parameters that these take.
 */

import { UsageError } from '../errors.js';
import type { Filter } from './filters.js';
import { roundHalfEven, type TransformSpec } from './transform.js';

type Triple = readonly [number, number, number] | readonly number[];

/** ImageNet's mean and deviation, used by torchvision and most of timm. */
export const IMAGENET_MEAN: [number, number, number] = [0.485, 0.456, 0.406];
export const IMAGENET_STD: [number, number, number] = [0.229, 0.224, 0.225];
/** CLIP's mean and deviation. */
export const CLIP_MEAN: [number, number, number] = [0.48145466, 0.4578275, 0.40821073];
export const CLIP_STD: [number, number, number] = [0.26862954, 0.26130258, 0.27577711];

const BLACK: [number, number, number] = [0, 0, 0];

/** Parameters of torchvision's `ImageClassification` preset, which its weights carry. */
export interface TorchvisionOptions {
  /**
   * The shorter side, or exact `[height, width]`, after resizing.
   * @default 256
   */
  resize?: number | [height: number, width: number];
  /**
   * The crop in the middle; null for none.
   * @default 224
   */
  crop?: number | [height: number, width: number] | null;
  /** @default 'bilinear' */
  filter?: Filter;
  /** @default ImageNet's */
  mean?: Triple;
  /** @default ImageNet's */
  std?: Triple;
}

/** `Resize`, `CenterCrop`, `ToTensor`, `Normalize` of torchvision on PIL images. */
export function torchvisionTransform(options: TorchvisionOptions = {}): TransformSpec {
  const { resize = 256, crop = 224, filter = 'bilinear', mean = IMAGENET_MEAN, std = IMAGENET_STD } = options;
  return {
    reference: 'torchvision',
    resize: {
      size: resize,
      rule: typeof resize === 'number' ? 'shortest' : 'exact',
      rounding: 'floor',
      filter,
    },
    crop: crop === null ? null : centerCrop(crop),
    rescale: 'divide',
    mean: triple('mean', mean),
    std: triple('std', std),
  };
}

/** The fields of open_clip's `preprocess_cfg` that matter to evaluation. */
export interface OpenClipOptions {
  /** The side of the square, or `[height, width]`. */
  size: number | readonly number[];
  /** @default CLIP's */
  mean?: Triple | null;
  /** @default CLIP's */
  std?: Triple | null;
  /** @default 'bicubic' */
  interpolation?: string | null;
  /**
   * `shortest` fills the square and crops, `longest` fits into it and pads, `squash` distorts.
   * @default 'shortest'
   */
  resize_mode?: string | null;
  /**
   * Grey of the padding of `longest`.
   * @default 0
   */
  fill_color?: number;
}

/** open_clip's `image_transform(…, is_train=False)`. @throws UsageError for a mode that it does not have. */
export function openClipTransform(options: OpenClipOptions): TransformSpec {
  const target = square('size', options.size);
  // `random` is for training; open_clip then evaluates with bicubic.
  const filter: Filter = options.interpolation === 'bilinear' ? 'bilinear' : 'bicubic';
  const rest = {
    rescale: 'divide' as const,
    mean: triple('mean', options.mean ?? CLIP_MEAN),
    std: triple('std', options.std ?? CLIP_STD),
  };
  const mode = options.resize_mode ?? 'shortest';
  switch (mode) {
    case 'shortest':
      return {
        reference: 'open_clip',
        resize:
          target[0] === target[1]
            ? { size: target[0], rule: 'shortest', rounding: 'floor', filter }
            : { size: target, rule: 'cover', rounding: 'even', filter: 'bicubic' },
        crop: centerCrop(target),
        ...rest,
      };
    case 'longest': {
      const grey = options.fill_color ?? 0;
      return {
        reference: 'open_clip',
        resize: { size: target, rule: 'contain', rounding: 'even', filter },
        crop: centerCrop(target, [grey, grey, grey]),
        ...rest,
      };
    }
    case 'squash':
      return {
        reference: 'open_clip',
        resize: { size: target, rule: 'exact', rounding: 'floor', filter },
        crop: null,
        ...rest,
      };
    default:
      throw new UsageError(`Expected shortest, longest or squash for resize_mode but received ${mode}`);
  }
}

/** The fields of timm's `pretrained_cfg` (or of `resolve_data_config`) that matter to evaluation. */
export interface TimmOptions {
  /** `[channels, height, width]`. @default [3, 224, 224] */
  input_size?: readonly number[];
  /** @default 'bicubic' */
  interpolation?: string;
  /** The part of the resized picture that the crop keeps. @default 0.875 */
  crop_pct?: number | null;
  /** `center`, `squash` or `border`. @default 'center' */
  crop_mode?: string | null;
  /** @default ImageNet's */
  mean?: Triple;
  /** @default ImageNet's */
  std?: Triple;
}

/** timm's `create_transform(…, is_training=False)`. @throws UsageError for a mode that it does not have. */
export function timmTransform(options: TimmOptions = {}): TransformSpec {
  const { input_size: input = [3, 224, 224], interpolation = 'bicubic' } = options;
  const target = square('input_size', input.slice(-2));
  const part = options.crop_pct || 0.875;
  const scaled: [number, number] = [Math.floor(target[0] / part), Math.floor(target[1] / part)];
  const filter = filterNamed(interpolation === 'random' ? 'bilinear' : interpolation);
  const mean = triple('mean', options.mean ?? IMAGENET_MEAN);
  const rest = { rescale: 'divide' as const, mean, std: triple('std', options.std ?? IMAGENET_STD) };
  const mode = options.crop_mode ?? 'center';
  switch (mode) {
    case 'center':
      return {
        reference: 'timm',
        resize:
          scaled[0] === scaled[1]
            ? { size: scaled[0], rule: 'shortest', rounding: 'floor', filter }
            : { size: scaled, rule: 'cover', rounding: 'even', filter },
        crop: centerCrop(target),
        ...rest,
      };
    case 'squash':
      return {
        reference: 'timm',
        resize: { size: scaled, rule: 'exact', rounding: 'floor', filter },
        crop: centerCrop(target),
        ...rest,
      };
    case 'border': {
      const fill = mean.map((v) => roundHalfEven(255 * v)) as [number, number, number];
      return {
        reference: 'timm',
        resize: { size: scaled, rule: 'contain', rounding: 'even', filter },
        crop: centerCrop(target, fill),
        ...rest,
      };
    }
    default:
      throw new UsageError(`Expected center, squash or border for crop_mode but received ${mode}`);
  }
}

const FILTERS: readonly Filter[] = ['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos'];

function filterNamed(name: string): Filter {
  const found = FILTERS.find((filter) => filter === name);
  if (found) return found;
  throw new UsageError(`Expected one of ${FILTERS.join(', ')} for interpolation but received ${name}`);
}

function centerCrop(
  size: number | readonly [number, number],
  fill: [number, number, number] = BLACK,
): TransformSpec['crop'] {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  return { height, width, rounding: 'even', fill: [...fill] };
}

function square(name: string, size: number | readonly number[]): [number, number] {
  const [height, width = height] = typeof size === 'number' ? [size] : size;
  if (!Number.isInteger(height) || !Number.isInteger(width) || height! < 1 || width! < 1) {
    throw new UsageError(
      `Expected a length or [height, width] in whole pixels for ${name} but received ${size}`,
    );
  }
  return [height!, width!];
}

function triple(name: string, values: Triple): [number, number, number] {
  const [red, green, blue] = values;
  if (values.length !== 3 || !values.every((v) => Number.isFinite(v))) {
    throw new UsageError(`Expected three numbers for ${name} but received ${JSON.stringify(values)}`);
  }
  return [red!, green!, blue!];
}
