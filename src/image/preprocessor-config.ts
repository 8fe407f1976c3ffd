/**
 * @file transformers' `preprocessor_config.json` as a transform: the image processors of CLIP, ViT, DeiT, BiT (which
 * DINOv2 uses), SigLIP and ConvNeXT, their older `…FeatureExtractor` names and `…Fast` variants, and files that name
 * no processor but say what to do.
 *
 * The arithmetic is that of the PIL and numpy implementation (`backend="pil"`, once the "slow" processors): resizing
 * by Pillow on 8 bits, `rescale_factor` in double precision, mean and deviation in single. The torchvision
 * implementation resizes with its own rounding: measured on photographs, one level of 255 in up to 0.3 % of the values.
 */

import { nearestName, UsageError } from '../errors.js';
import type { Filter } from './filters.js';
import type { CropSpec, ResizeSpec, TransformSpec } from './transform.js';
import { CLIP_MEAN, CLIP_STD } from './transform-presets.js';

/** What a processor does where its file is silent. */
interface Defaults {
  do_resize: boolean;
  do_center_crop: boolean;
  size: number | Record<string, number>;
  crop_size: number;
  /** Whether a plain number as `size` means a square. */
  square: boolean;
  resample: number;
  image_mean: readonly number[];
  image_std: readonly number[];
}

const HALF = [0.5, 0.5, 0.5];
const VIT: Defaults = {
  do_resize: true,
  do_center_crop: false,
  size: { height: 224, width: 224 },
  crop_size: 224,
  square: true,
  resample: 2,
  image_mean: HALF,
  image_std: HALF,
};
const CLIP: Defaults = {
  ...VIT,
  do_center_crop: true,
  size: { shortest_edge: 224 },
  square: false,
  resample: 3,
  image_mean: CLIP_MEAN,
  image_std: CLIP_STD,
};

const PROCESSORS: Record<string, Defaults> = {
  CLIP,
  ChineseCLIP: CLIP,
  Bit: CLIP,
  ViT: VIT,
  DeiT: {
    ...VIT,
    do_center_crop: true,
    size: { height: 256, width: 256 },
    resample: 3,
  },
  Siglip: { ...VIT, square: false, resample: 3 },
  ConvNext: {
    ...VIT,
    size: { shortest_edge: 384 },
    square: false,
    resample: 3,
  },
};
PROCESSORS.ConvNeXT = PROCESSORS.ConvNext!;

/** Pillow's codes. */
const RESAMPLE: readonly Filter[] = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'];

type Fields = Record<string, unknown>;

/**
 * Reads a `preprocessor_config.json`.
 *
 * @param json its parsed content.
 * @param what its name, for errors.
 * @throws UsageError for a processor that is not known, or a field that makes no sense.
 */
export function transformFromPreprocessorConfig(
  json: unknown,
  what = 'preprocessor_config.json',
): TransformSpec {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new UsageError(`${what}: expected an object but received ${json === null ? 'null' : typeof json}`);
  }
  const fields = nested(json as Fields);
  const name = processorName(fields, what);
  const defaults = name === undefined ? unnamed(fields) : PROCESSORS[name]!;
  const read = new Reader(fields, defaults, what);

  const doResize = read.flag('do_resize', defaults.do_resize);
  const doCrop = read.flag('do_center_crop', defaults.do_center_crop);
  const doRescale = read.flag('do_rescale', true);
  const doNormalize = read.flag('do_normalize', true);
  const rescale = read.number('rescale_factor', 1 / 255);

  let resize = doResize ? read.resize() : null;
  let crop = doCrop ? read.crop() : null;
  const isConvNext = name === 'ConvNext' || name === 'ConvNeXT';
  if (isConvNext && resize !== null) {
    const edge = resize.size;
    if (typeof edge !== 'number') throw read.wrong('size', 'a shortest_edge');
    if (edge < 384) {
      const part = read.number('crop_pct', 224 / 256);
      resize = { ...resize, size: Math.trunc(edge / part) };
      crop ??= { height: edge, width: edge, rounding: 'floor', fill: [0, 0, 0] };
    } else {
      resize = { ...resize, size: [edge, edge], rule: 'exact' };
    }
  }
  return {
    reference: 'transformers',
    resize,
    crop,
    rescale: doRescale ? rescale : null,
    mean: doNormalize ? read.triple('image_mean', defaults.image_mean) : [0, 0, 0],
    std: doNormalize ? read.triple('image_std', defaults.image_std) : [1, 1, 1],
  };
}

/** Composite processors (`processor_config.json`) keep the image processor's fields one level down. */
function nested(fields: Fields): Fields {
  const inner = fields.image_processor;
  return typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? (inner as Fields) : fields;
}

/** `CLIPImageProcessorFast` → `CLIP`; undefined where the file names none. */
function processorName(fields: Fields, what: string): string | undefined {
  const type = fields.image_processor_type ?? fields.feature_extractor_type;
  if (typeof type !== 'string') return undefined;
  const name = type.replace(/(ImageProcessor|FeatureExtractor)(Fast|Pil)?$/, '');
  if (name in PROCESSORS) return name;
  if (name === '') return undefined; // "ImageFeatureExtractor", written by early conversions
  const near = nearestName(name, Object.keys(PROCESSORS));
  throw new UsageError(`${what}: the image processor ${type} is not known`, {
    hint: `known are ${Object.keys(PROCESSORS).join(', ')}${near ? `; did you mean ${near}?` : ''}`,
  });
}

/** Without a name, only what the file itself says is done. */
function unnamed(fields: Fields): Defaults {
  return {
    ...VIT,
    do_resize: 'size' in fields,
    do_center_crop: 'crop_size' in fields,
    square: !('crop_size' in fields),
  };
}

/** Fields with their defaults, each checked when it is taken. */
class Reader {
  constructor(
    private readonly fields: Fields,
    private readonly defaults: Defaults,
    private readonly what: string,
  ) {}

  wrong(name: string, expected: string): UsageError {
    return new UsageError(
      `${this.what}: expected ${expected} for ${name} but received ${JSON.stringify(this.fields[name])}`,
    );
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.fields[name] ?? otherwise;
    if (typeof value !== 'boolean') throw this.wrong(name, 'true or false');
    return value;
  }

  number(name: string, otherwise: number): number {
    const value = this.fields[name] ?? otherwise;
    if (typeof value !== 'number' || !(value > 0)) throw this.wrong(name, 'a number above 0');
    return value;
  }

  triple(name: string, otherwise: readonly number[]): [number, number, number] {
    const given = this.fields[name] ?? otherwise;
    const values: unknown = typeof given === 'number' ? [given, given, given] : given;
    if (!Array.isArray(values) || values.length !== 3 || !values.every((v) => typeof v === 'number')) {
      throw this.wrong(name, 'three numbers');
    }
    return [values[0], values[1], values[2]];
  }

  resize(): ResizeSpec {
    const code = this.fields.resample ?? this.defaults.resample;
    const filter = typeof code === 'number' ? RESAMPLE[code] : undefined;
    if (filter === undefined) throw this.wrong('resample', 'a code of 0 to 5');
    const size = this.size('size', this.defaults.size, this.defaults.square);
    const rule = typeof size === 'number' ? 'shortest' : 'exact';
    return { size, rule, rounding: 'floor', filter };
  }

  crop(): CropSpec {
    const size = this.size('crop_size', this.defaults.crop_size, true);
    if (typeof size === 'number') throw this.wrong('crop_size', 'a height and a width');
    return { height: size[0], width: size[1], rounding: 'floor', fill: [0, 0, 0] };
  }

  /** A shorter side, or `[height, width]`, from any of the ways in which it has been written. */
  private size(name: string, otherwise: number | Fields, square: boolean): number | [number, number] {
    const given = this.fields[name] ?? otherwise;
    const isLength = (v: unknown): v is number => typeof v === 'number' && Number.isInteger(v) && v > 0;
    if (isLength(given)) return square ? [given, given] : given;
    if (Array.isArray(given)) {
      const [height, width] = given;
      if (given.length === 2 && isLength(height) && isLength(width)) return [height, width];
    } else if (typeof given === 'object' && given !== null) {
      const { height, width, shortest_edge: shortest, longest_edge: longest } = given as Fields;
      if (isLength(height) && isLength(width)) return [height, width];
      if (isLength(shortest) && longest == null) return shortest;
    }
    throw this.wrong(name, 'a length, {height, width} or {shortest_edge}');
  }
}
