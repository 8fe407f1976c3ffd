/** @file What can be asked of a search, and the condition on the items that follows from it. */
import { UsageError } from '../errors.js';
import type { Column } from './columns.js';
import { allOf, type Filter } from './filter.js';
import { boxAround, type Near } from './geo.js';
import type { QueryOptions } from './query-vector.js';
import { parseWhere } from './where.js';
import { parsePeriod } from './where-time.js';

/** Options of `search`. */
export interface SearchOptions extends QueryOptions {
  /** The space, by its model's name or the beginning of its key. @default the one that fits the query */
  model?: string | undefined;
  /** Hits, at most. @default 10 */
  limit?: number | undefined;
  /** Hits that are passed over, for the pages after the first. @default 0 */
  offset?: number | undefined;
  /** A condition on the columns: SQL (see `parseWhere`) or a tree. */
  where?: string | Filter | undefined;
  /** Only hits of at least this cosine. */
  minScore?: number | undefined;
  /** Only hits of at least this probability of being more than chance, 0..1. */
  minProbability?: number | undefined;
  /** Only pictures taken at this time or later; a text is the beginning of the period that it names. */
  after?: Date | string | undefined;
  /** Only pictures taken before this time; a text is the beginning of the period that it names. */
  before?: Date | string | undefined;
  /** Only pictures taken within a circle. */
  near?: Near | undefined;
  /** Collapse near-equal hits onto the best: `true`, or the least cosine of their vectors. @default false */
  dedup?: boolean | number | undefined;
  /**
   * Order hits by maximal marginal relevance: `true`, or its lambda; 1 is the order by score, 0 looks for difference
   * alone. @default false
   */
  diverse?: boolean | number | undefined;
  /** Columns that hits carry. @default all */
  columns?: readonly string[] | undefined;
  /** Hits carry their vectors. @default false */
  vectors?: boolean | undefined;
  /** Compare with every item, even where there is an approximate index. @default false */
  exact?: boolean | undefined;
}

/** @throws UsageError for a number out of its range. */
export function checkNumbers(options: SearchOptions): { limit: number; offset: number } {
  const { limit = 10, offset = 0, minScore, minProbability } = options;
  const whole = { limit: [limit, 1], offset: [offset, 0] } as const;
  for (const [name, [value, least]] of Object.entries(whole))
    if (!Number.isSafeInteger(value) || value < least)
      throw new UsageError(`${name}: expected a whole number of at least ${least} but received ${value}`);
  if (minScore !== undefined && !(minScore >= -1 && minScore <= 1))
    throw new UsageError(`minScore: expected a cosine of -1 to 1 but received ${minScore}`);
  if (minProbability !== undefined && !(minProbability >= 0 && minProbability <= 1))
    throw new UsageError(`minProbability: expected a number of 0 to 1 but received ${minProbability}`);
  return { limit, offset };
}

/**
 * Everything that the options ask of an item's columns; of `near` only the box around the circle.
 * @throws UsageError for a condition that is wrong, or columns that the collection lacks.
 */
export function filterOf(options: SearchOptions, columns: readonly Column[]): Filter | undefined {
  const { where, after, before, near } = options;
  const need = (option: string, names: readonly string[]) => {
    const missing = names.find((name) => !columns.some((column) => column.name === name));
    if (missing) throw new UsageError(`${option} needs the column "${missing}", which this collection lacks`);
  };
  if (after !== undefined || before !== undefined) need('after and before', ['taken']);
  if (near) need('near', ['latitude', 'longitude']);
  const taken = (op: '>=' | '<', name: string, time: Date | string): Filter => ({
    op,
    left: { column: 'taken' },
    right: { value: instant(name, time) },
  });
  return allOf(
    typeof where === 'string' ? parseWhere(where, columns) : where,
    after === undefined ? undefined : taken('>=', 'after', after),
    before === undefined ? undefined : taken('<', 'before', before),
    near && boxAround(near),
  );
}

function instant(name: string, time: Date | string): Date {
  const start = time instanceof Date ? time : parsePeriod(time)?.start;
  if (start && !Number.isNaN(start.getTime())) return start;
  throw new UsageError(
    `${name}: expected a time such as 2020, 2020-05-17 or 2020-05-17T18:30 but received "${time}"`,
  );
}
