/**
 * @file Checks the options of a loss once, where they enter; what goes on inside is complete and in range.
 */
import { nearestName, UsageError } from '../../errors.js';

/** One option: its default, which values it takes, and how to say so. */
export interface Option<T> {
  readonly default: T;
  readonly accepts: (value: unknown) => boolean;
  readonly expected: string;
}

const finite = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

export const number = (initial: number): Option<number> => ({
  default: initial,
  accepts: finite,
  expected: 'a finite number',
});

export const positive = (initial: number): Option<number> => ({
  default: initial,
  accepts: (value) => finite(value) && value > 0,
  expected: 'a number above 0',
});

export const nonNegative = (initial: number): Option<number> => ({
  default: initial,
  accepts: (value) => finite(value) && value >= 0,
  expected: 'a number of at least 0',
});

export const flag = (initial: boolean): Option<boolean> => ({
  default: initial,
  accepts: (value) => typeof value === 'boolean',
  expected: 'true or false',
});

export const oneOf = <T extends string>(names: readonly T[], initial: T): Option<T> => ({
  default: initial,
  accepts: (value) => names.includes(value as T),
  expected: `one of ${names.join(', ')}`,
});

/**
 * The options in full. An option that is undefined takes its default.
 * @throws UsageError for an option that does not exist or a value that it does not take.
 */
export function settle<T extends object>(
  loss: string,
  given: object,
  options: { readonly [K in keyof T]: Option<T[K]> },
): T {
  const result: Partial<T> = {};
  for (const key of Object.keys(options) as (keyof T & string)[]) {
    const option = options[key];
    const value = (given as Partial<T>)[key];
    if (value !== undefined && !option.accepts(value))
      throw new UsageError(
        `${loss} loss: expected ${option.expected} for ${key} but received ${JSON.stringify(value) ?? String(value)}`,
      );
    result[key] = value ?? option.default;
  }
  for (const key of Object.keys(given)) {
    if (key === 'name' || key in options) continue;
    const near = nearestName(key, Object.keys(options));
    throw new UsageError(`${loss} loss: there is no option "${key}"`, {
      hint: near ? `did you mean "${near}"?` : `it takes ${Object.keys(options).join(', ') || 'none'}`,
    });
  }
  return result as T;
}
