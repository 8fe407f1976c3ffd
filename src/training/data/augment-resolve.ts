/**
 * @file Augmentation options made complete: a preset's name becomes its steps, defaults are filled in, numbers that
 * stand for ranges become ranges, parts of the picture become pixels. Everything is checked here, once, before any
 * work.
 */
import { UsageError } from '../../errors.js';
import { AUGMENT_PRESETS, type AugmentOptions, type AugmentPreset, type Range } from './augment.js';
import type { Interpolation } from './augment-affine.js';
import {
  checkChoice,
  checkFill,
  checkKeys,
  checkNumber,
  checkRange,
  checkSpread,
  unexpected,
} from './augment-check.js';
import type { Colour, PaddingMode } from './augment-geometry.js';

/** What {@link resolveAugment} makes of options; null or probability 0 for steps that are not done. */
export interface ResolvedAugment {
  randomResizedCrop: { scale: Range; ratio: Range } | null;
  rotation: { degrees: Range; interpolation: Interpolation; fill: Colour } | null;
  affine: {
    degrees: Range;
    translate: Range;
    scale: Range;
    shear: Range;
    interpolation: Interpolation;
    fill: Colour;
  } | null;
  randomCrop: { padding: number; mode: PaddingMode; fill: Colour } | null;
  horizontalFlip: number;
  verticalFlip: number;
  colorJitter: { brightness?: Range; contrast?: Range; saturation?: Range; hue?: Range; p: number } | null;
  grayscale: number;
  gaussianBlur: { kernel: number; sigma: Range; p: number } | null;
  erasing: { p: number; scale: Range; ratio: Range; value: readonly number[] | 'random' } | null;
}

type Size = { width: number; height: number };
type Fields = Record<string, unknown>;

const STEPS: readonly (keyof AugmentOptions)[] = [
  'randomResizedCrop',
  'rotation',
  'affine',
  'randomCrop',
  'horizontalFlip',
  'verticalFlip',
  'colorJitter',
  'grayscale',
  'gaussianBlur',
  'erasing',
];
const INTERPOLATIONS: readonly Interpolation[] = ['nearest', 'bilinear'];
const PADDING_MODES: readonly PaddingMode[] = ['constant', 'edge', 'reflect', 'symmetric'];

/**
 * Checks and completes options.
 * @param size of the tensor that the model takes: {@link outputSize} of its transform.
 * @throws UsageError for an unknown preset or key (with the nearest known one) and for values out of range.
 */
export function resolveAugment(given: AugmentPreset | AugmentOptions, size: Size): ResolvedAugment {
  const options = typeof given === 'string' ? preset(given) : given;
  const all = checkKeys('augment', options, STEPS);
  const step = <T>(key: keyof AugmentOptions, resolve: (value: unknown, path: string) => T): T | null =>
    all[key] === undefined || all[key] === null ? null : resolve(all[key], `augment.${key}`);
  const probability = (value: unknown, path: string): number => checkNumber(path, value, 0, 1);
  return {
    randomResizedCrop: step('randomResizedCrop', resizedCrop),
    rotation: step('rotation', rotation),
    affine: step('affine', affine),
    randomCrop: step('randomCrop', (value, path) => randomCrop(value, path, size)),
    horizontalFlip: step('horizontalFlip', probability) ?? 0,
    verticalFlip: step('verticalFlip', probability) ?? 0,
    colorJitter: step('colorJitter', colorJitter),
    grayscale: step('grayscale', probability) ?? 0,
    gaussianBlur: step('gaussianBlur', (value, path) => gaussianBlur(value, path, size)),
    erasing: step('erasing', erasing),
  };
}

function preset(name: string): AugmentOptions {
  const names = Object.keys(AUGMENT_PRESETS) as AugmentPreset[];
  return AUGMENT_PRESETS[checkChoice('augment', name, names)];
}

function resizedCrop(value: unknown, path: string): ResolvedAugment['randomResizedCrop'] {
  const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3] } = checkKeys(path, value, ['scale', 'ratio']);
  return { scale: area(`${path}.scale`, scale), ratio: proportions(`${path}.ratio`, ratio) };
}

function rotation(value: unknown, path: string): ResolvedAugment['rotation'] {
  const fields: Fields =
    typeof value === 'number' || Array.isArray(value)
      ? { degrees: value }
      : checkKeys(path, value, ['degrees', 'interpolation', 'fill']);
  return { degrees: degrees(`${path}.degrees`, fields.degrees), ...surroundings(fields, path) };
}

function affine(value: unknown, path: string): ResolvedAugment['affine'] {
  const fields = checkKeys(path, value, ['degrees', 'translate', 'scale', 'shear', 'interpolation', 'fill']);
  const { degrees: angle = 0, translate = [0, 0], scale = [1, 1], shear = 0 } = fields;
  if (!Array.isArray(translate) || translate.length !== 2) {
    throw unexpected('[x, y]', `${path}.translate`, translate);
  }
  return {
    degrees: degrees(`${path}.degrees`, angle),
    translate: [
      checkNumber(`${path}.translate[0]`, translate[0], 0, 1),
      checkNumber(`${path}.translate[1]`, translate[1], 0, 1),
    ],
    scale: positive(`${path}.scale`, checkRange(`${path}.scale`, scale, 0)),
    shear: checkSpread(`${path}.shear`, shear, { centre: 0, low: -89, high: 89 }),
    ...surroundings(fields, path),
  };
}

function surroundings(fields: Fields, path: string): { interpolation: Interpolation; fill: Colour } {
  const { interpolation = 'nearest', fill = 0 } = fields;
  return {
    interpolation: checkChoice(`${path}.interpolation`, interpolation, INTERPOLATIONS),
    fill: checkFill(`${path}.fill`, fill),
  };
}

function randomCrop(value: unknown, path: string, size: Size): ResolvedAugment['randomCrop'] {
  const fields = checkKeys(path, value, ['padding', 'mode', 'fill']);
  const shorter = Math.min(size.width, size.height);
  const given = checkNumber(`${path}.padding`, fields.padding, 0, shorter);
  const padding = given < 1 ? Math.round(given * shorter) : given;
  if (!Number.isInteger(padding)) {
    throw unexpected('whole pixels, or a part below 1,', `${path}.padding`, fields.padding);
  }
  const mode = checkChoice(`${path}.mode`, fields.mode ?? 'constant', PADDING_MODES);
  if (mode === 'reflect' && padding === shorter) {
    throw unexpected(`at most ${shorter - 1} pixels`, `${path}.padding`, fields.padding);
  }
  return { padding, mode, fill: checkFill(`${path}.fill`, fields.fill ?? 0) };
}

function colorJitter(value: unknown, path: string): ResolvedAugment['colorJitter'] {
  const fields = checkKeys(path, value, ['brightness', 'contrast', 'saturation', 'hue', 'p']);
  const resolved: NonNullable<ResolvedAugment['colorJitter']> = {
    p: checkNumber(`${path}.p`, fields.p ?? 1, 0, 1),
  };
  for (const name of ['brightness', 'contrast', 'saturation', 'hue'] as const) {
    if (fields[name] === undefined) continue;
    const limits = name === 'hue' ? { centre: 0, low: -0.5, high: 0.5 } : { centre: 1, low: 0 };
    const range = checkSpread(`${path}.${name}`, fields[name], limits);
    // As in torchvision: what cannot change anything is not done, even where its arithmetic would round.
    if (range[0] !== limits.centre || range[1] !== limits.centre) resolved[name] = range;
  }
  return resolved;
}

function gaussianBlur(value: unknown, path: string, size: Size): ResolvedAugment['gaussianBlur'] {
  const { kernel, sigma = [0.1, 2], p = 0.5 } = checkKeys(path, value, ['kernel', 'sigma', 'p']);
  const shorter = Math.min(size.width, size.height);
  const length = kernel ?? Math.floor(shorter / 20) * 2 + 1;
  const largest = 2 * shorter - 1;
  if (checkNumber(`${path}.kernel`, length, 1, largest) % 2 !== 1) {
    throw unexpected('an odd number', `${path}.kernel`, kernel);
  }
  const range = typeof sigma === 'number' ? [sigma, sigma] : sigma;
  return {
    kernel: length as number,
    sigma: positive(`${path}.sigma`, checkRange(`${path}.sigma`, range, 0)),
    p: checkNumber(`${path}.p`, p, 0, 1),
  };
}

function erasing(value: unknown, path: string): ResolvedAugment['erasing'] {
  const fields = checkKeys(path, value, ['p', 'scale', 'ratio', 'value']);
  const { p = 0.5, scale = [0.02, 0.33], ratio = [0.3, 3.3], value: put = 0 } = fields;
  const values = Array.isArray(put) ? put : [put, put, put];
  if (put !== 'random' && (values.length !== 3 || !values.every((v) => Number.isFinite(v)))) {
    throw unexpected("a number, three numbers or 'random'", `${path}.value`, put);
  }
  return {
    p: checkNumber(`${path}.p`, p, 0, 1),
    scale: area(`${path}.scale`, scale),
    ratio: proportions(`${path}.ratio`, ratio),
    value: put === 'random' ? 'random' : values,
  };
}

function degrees(path: string, value: unknown): Range {
  return checkSpread(path, value, { centre: 0, low: -360, high: 360 });
}

function area(path: string, value: unknown): Range {
  return positive(path, checkRange(path, value, 0, 1));
}

function proportions(path: string, value: unknown): Range {
  return positive(path, checkRange(path, value, 0));
}

function positive(path: string, range: Range): Range {
  if (range[0] > 0) return range;
  throw new UsageError(`Expected numbers above 0 for ${path} but received ${JSON.stringify(range)}`);
}
