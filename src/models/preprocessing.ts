/**
 * @file How a model wants its images prepared: read from the files that its publisher put beside the weights, and
 * written beside weights of our own.
 */
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ModelError } from '../errors.js';
import {
  type Filter,
  openClipTransform,
  type TransformSpec,
  timmTransform,
  transformFromPreprocessorConfig,
} from '../image/index.js';
import type { PublisherConfig } from './architecture.js';
import { readJson } from './json.js';
import type { ImageSize } from './layers.js';

type Json = Readonly<Record<string, unknown>>;

/** Name of the file in which transformers keeps a preprocessing. */
export const PREPROCESSOR_FILE = 'preprocessor_config.json';

/** In a file of ours: the transform in full, where the fields of transformers cannot say it. */
const EXACT = 'afterimage_transform';

/**
 * In this order: transformers' `preprocessor_config.json`; open_clip's `open_clip_config.json`; timm's
 * `pretrained_cfg` in `config.json`; what the catalogue knows.
 * @throws ModelError when there is none of them.
 */
export async function readTransform(
  folder: string,
  config: PublisherConfig,
  known: TransformSpec | undefined,
  where: string,
): Promise<TransformSpec> {
  const file = path.join(folder, PREPROCESSOR_FILE);
  const preprocessor = await readJson(file);
  if (preprocessor) return parseTransform(preprocessor, file);
  const openClip = (await readJson(path.join(folder, 'open_clip_config.json'))) as {
    preprocess_cfg?: Json;
    model_cfg?: { vision_cfg?: { image_size?: number } };
  } | null;
  if (openClip?.preprocess_cfg) {
    const size = openClip.model_cfg?.vision_cfg?.image_size ?? 224;
    return openClipTransform({ size, ...openClip.preprocess_cfg } as Parameters<typeof openClipTransform>[0]);
  }
  const timm = config?.pretrained_cfg;
  if (timm && typeof timm === 'object') return timmTransform(timm as Parameters<typeof timmTransform>[0]);
  if (known) return known;
  throw new ModelError(`${where}: nothing says how images are prepared for this model`, {
    hint: 'put the preprocessor_config.json of its publisher beside the weights',
  });
}

/** The transform that a `preprocessor_config.json` says. @throws ModelError, UsageError when it makes no sense. */
export function parseTransform(json: Json, file: string): TransformSpec {
  const exact = json[EXACT];
  if (exact === undefined) return transformFromPreprocessorConfig(json, file);
  const fields = ['reference', 'resize', 'crop', 'rescale', 'mean', 'std'];
  if (typeof exact !== 'object' || exact === null || fields.some((field) => !(field in exact)))
    throw new ModelError(`${file}: expected "${EXACT}" to have ${fields.join(', ')}`);
  return exact as TransformSpec;
}

/** Pillow's codes, as transformers writes them. */
const RESAMPLE: Readonly<Record<Filter, number>> = {
  nearest: 0,
  lanczos: 1,
  bilinear: 2,
  bicubic: 3,
  box: 4,
  hamming: 5,
};

/**
 * A transform as the content of a `preprocessor_config.json` that {@link readTransform} reads back to the same
 * transform. Transformers' `CLIPImageProcessor` does the same with it; where its fields cannot say the transform
 * exactly (timm's rounding of a crop, say), they say the nearest, and the transform itself stands beside them.
 */
export function preprocessorConfig(spec: TransformSpec): Record<string, unknown> {
  const { resize, crop, rescale, mean, std } = spec;
  const size = resize?.size;
  const plain = mean.every((m) => m === 0) && std.every((s) => s === 1);
  const json: Record<string, unknown> = {
    image_processor_type: 'CLIPImageProcessor',
    do_convert_rgb: true,
    do_resize: resize !== null,
    ...(size === undefined
      ? {}
      : { size: typeof size === 'number' ? { shortest_edge: size } : { height: size[0], width: size[1] } }),
    ...(resize ? { resample: RESAMPLE[resize.filter] } : {}),
    do_center_crop: crop !== null,
    ...(crop ? { crop_size: { height: crop.height, width: crop.width } } : {}),
    do_rescale: rescale !== null,
    rescale_factor: typeof rescale === 'number' ? rescale : 1 / 255,
    do_normalize: !plain,
    ...(plain ? {} : { image_mean: mean, image_std: std }),
  };
  if (!isDeepStrictEqual(transformFromPreprocessorConfig(json), spec)) json[EXACT] = spec;
  return json;
}

/** What {@link transformTo} may be told. */
export interface TransformToOptions {
  /** Subtracted from pixels in 0..1, for red, green and blue. @default 0 */
  mean?: readonly [number, number, number] | undefined;
  /** Divided by after that. @default 1 */
  std?: readonly [number, number, number] | undefined;
  /** `crop` keeps proportions and cuts what stands over, `exact` distorts. @default 'crop' */
  fit?: 'crop' | 'exact' | undefined;
  /** @default 'bilinear', which averages when it shrinks, as Pillow does */
  filter?: Filter | undefined;
}

/** The preparation for a network that is trained here: pixels in 0..1 at a fixed size. */
export function transformTo(size: ImageSize, options: TransformToOptions = {}): TransformSpec {
  const { height, width } = size;
  const { mean = [0, 0, 0], std = [1, 1, 1], fit = 'crop', filter = 'bilinear' } = options;
  const square = height === width;
  return {
    reference: 'transformers',
    resize:
      fit === 'exact'
        ? { size: [height, width], rule: 'exact', rounding: 'floor', filter }
        : square
          ? { size: height, rule: 'shortest', rounding: 'floor', filter }
          : { size: [height, width], rule: 'cover', rounding: 'even', filter },
    crop: fit === 'exact' ? null : { height, width, rounding: 'floor', fill: [0, 0, 0] },
    rescale: 1 / 255,
    mean: [...mean],
    std: [...std],
  };
}

/**
 * The same preparation for images of another size: the resize before the crop changes in proportion. A transform
 * without a crop resizes to the new size itself.
 */
export function resizedTransform(spec: TransformSpec, { height, width }: ImageSize): TransformSpec {
  const { crop, resize } = spec;
  if (!crop) return { ...spec, resize: resize && { ...resize, size: [height, width] } };
  const scale = (length: number) => Math.round(length * Math.max(height / crop.height, width / crop.width));
  const size = resize?.size;
  const scaled =
    size === undefined
      ? null
      : typeof size === 'number'
        ? scale(size)
        : ([scale(size[0]), scale(size[1])] as [number, number]);
  return { ...spec, resize: resize && { ...resize, size: scaled! }, crop: { ...crop, height, width } };
}
