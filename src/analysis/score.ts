/** @file One measured number: what it is called, what it says, how sure it is. */
import { type BootstrapOptions, bootstrapMean, type Estimate } from '../vectors/metrics/bootstrap.js';

/** What is measured together. */
export type ScorePart =
  | 'retrieval'
  | 'classification'
  | 'zero-shot'
  | 'clustering'
  | 'map'
  | 'text → image'
  | 'image → text';

/** A number with its 95 % bootstrap interval. */
export interface Score extends Estimate {
  part: ScorePart;
  /** Such as `map@r`; unique within its part. */
  name: string;
  /** How many queries or items it was measured on. */
  of: number;
  /** What it says, in a line. */
  meaning: string;
  /** Where the number is a mean: what it is the mean of, and what is drawn together for the interval. */
  each?: { values: Float64Array; groups?: ArrayLike<number> | undefined };
}

/** The mean of values, each of one query or item. */
export function meanScore(
  part: ScorePart,
  name: string,
  meaning: string,
  values: Float64Array,
  options: BootstrapOptions,
): Score {
  const { groups } = options;
  return {
    part,
    name,
    ...bootstrapMean(values, options),
    of: values.length,
    meaning,
    each: { values, ...(groups && { groups }) },
  };
}
