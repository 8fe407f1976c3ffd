/** @file Checks of augmentation options as they come from JSON: what is wrong is named by its path in the options. */
import { nearestName, UsageError } from '../../errors.js';
import type { Range } from './augment.js';
import type { Colour } from './augment-geometry.js';

/** An object with known keys only. @throws UsageError that suggests the nearest key. */
export function checkKeys(path: string, value: unknown, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw unexpected(`an object with ${known.join(', ')}`, path, value);
  }
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const nearest = nearestName(key, known);
    throw new UsageError(`Expected only ${known.join(', ')} in ${path} but received ${key}`, {
      hint: nearest === undefined ? undefined : `did you mean ${nearest}?`,
    });
  }
  return value as Record<string, unknown>;
}

/** A number of at least `low` and at most `high`. */
export function checkNumber(
  path: string,
  value: unknown,
  low: number,
  high = Number.POSITIVE_INFINITY,
): number {
  if (typeof value === 'number' && value >= low && value <= high && Number.isFinite(value)) return value;
  const limits = high === Number.POSITIVE_INFINITY ? `of at least ${low}` : `from ${low} to ${high}`;
  throw unexpected(`a number ${limits}`, path, value);
}

/** `[min, max]` within limits. */
export function checkRange(
  path: string,
  value: unknown,
  low: number,
  high = Number.POSITIVE_INFINITY,
): Range {
  if (Array.isArray(value) && value.length === 2) {
    const min = checkNumber(`${path}[0]`, value[0], low, high);
    const max = checkNumber(`${path}[1]`, value[1], low, high);
    if (min <= max) return [min, max];
  }
  throw unexpected('[min, max]', path, value);
}

/** `[min, max]`, or a number x that stands for [centre − x, centre + x], cut off at `low`. */
export function checkSpread(
  path: string,
  value: unknown,
  { centre, low, high = Number.POSITIVE_INFINITY }: { centre: number; low: number; high?: number },
): Range {
  if (Array.isArray(value)) return checkRange(path, value, low, high);
  const spread = checkNumber(path, value, 0, high - centre);
  return [Math.max(low, centre - spread), centre + spread];
}

/** One of several words. */
export function checkChoice<T extends string>(path: string, value: unknown, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  const nearest = typeof value === 'string' ? nearestName(value, choices) : undefined;
  const error = unexpected(`one of ${choices.join(', ')}`, path, value);
  throw nearest === undefined ? error : new UsageError(error.message, { hint: `did you mean ${nearest}?` });
}

/** A grey or a colour, whole numbers of 0..255. */
export function checkFill(path: string, value: unknown): Colour {
  const channels = Array.isArray(value) ? value : [value, value, value];
  const fits = channels.length === 3 && channels.every((v) => Number.isInteger(v) && v >= 0 && v <= 255);
  if (!fits) throw unexpected('a whole number from 0 to 255, or three of them,', path, value);
  return [channels[0], channels[1], channels[2]];
}

export function unexpected(expected: string, path: string, value: unknown): UsageError {
  return new UsageError(`Expected ${expected} for ${path} but received ${JSON.stringify(value)}`);
}
