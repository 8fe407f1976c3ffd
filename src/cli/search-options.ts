/** @file The options of a search, the same for `search` and `similar`. */
import type { SearchOptions } from '../collection/search-options.js';
import { UsageError } from '../errors.js';
import { COLLECTION_OPTION } from './collection-options.js';
import type { OptionSpecs, OptionValues } from './command.js';

export const SEARCH_OPTIONS = {
  top: { type: 'integer', short: 't', help: 'how many hits (10 by default)' },
  page: { type: 'integer', help: 'which so many hits: 2 for those after the first' },
  'filepath-only': { type: 'boolean', short: 'f', help: 'print paths alone, for xargs' },
  json: { type: 'boolean', help: 'print a JSON object for each hit' },
  preview: { type: 'boolean', short: 'p', help: 'show the hits in a terminal that can show pictures' },
  open: { type: 'boolean', help: 'write the hits as a web page with thumbnails, and open it' },
  quiet: { type: 'boolean', short: 'q', help: 'no notes on standard error' },
  where: {
    type: 'string',
    value: 'SQL',
    group: 'which items',
    help: 'a condition on the columns: "width >= 1024 and format = \'jpeg\'"; "afterimage info" lists them',
  },
  'min-score': {
    type: 'number',
    min: -1,
    value: 'X',
    group: 'which items',
    help: 'only hits of at least this cosine',
  },
  'min-probability': {
    type: 'number',
    value: 'P',
    group: 'which items',
    help: 'only hits that are with at least this probability, 0 to 1, more than chance',
  },
  after: {
    type: 'string',
    value: 'DATE',
    group: 'which items',
    help: 'taken from this year, month, day or time on',
  },
  before: {
    type: 'string',
    value: 'DATE',
    group: 'which items',
    help: 'taken before this year, month, day or time',
  },
  near: {
    type: 'string',
    value: 'LAT,LON,KM',
    group: 'which items',
    help: 'taken within so many kilometres of a point; --near=… where it begins with a minus',
  },
  dedup: { type: 'boolean', group: 'which items', help: 'of near-equal hits, the best alone' },
  'dedup-score': {
    type: 'number',
    min: -1,
    value: 'X',
    group: 'which items',
    help: 'the cosine from which hits are near-equal (0.9 by default); with it --dedup is understood',
  },
  diverse: {
    type: 'boolean',
    group: 'which items',
    help: 'hits that differ from each other (maximal marginal relevance)',
  },
  lambda: {
    type: 'number',
    value: 'L',
    group: 'which items',
    help: 'how --diverse weighs likeness to the query, 0 to 1 (0.5 by default); with it --diverse is understood',
  },
  exact: {
    type: 'boolean',
    group: 'which items',
    help: 'compare with every item, even where there is an index',
  },
  ...COLLECTION_OPTION,
  model: {
    type: 'string',
    short: 'm',
    value: 'NAME',
    group: 'collection',
    help: 'whose vectors, where the collection has those of several models',
  },
  'no-indexing': {
    type: 'boolean',
    short: 'n',
    group: 'collection',
    help: 'search what is there, without looking for new, changed and deleted files first',
  },
  'allow-private-addresses': {
    type: 'boolean',
    group: 'collection',
    help: 'fetch a query image from a URL that leads into this machine or a private network, too',
  },
} as const satisfies OptionSpecs;

/** What the command line says, without the query itself. */
export type SearchValues = OptionValues<typeof SEARCH_OPTIONS>;

/** The library's options. @throws UsageError for a `--near` that is no point and distance. */
export function searchOptions(values: SearchValues): SearchOptions {
  const { top = 10, page = 1, dedup, diverse, lambda } = values;
  return {
    model: values.model,
    limit: top,
    offset: (page - 1) * top,
    where: values.where,
    minScore: values['min-score'],
    minProbability: values['min-probability'],
    after: values.after,
    before: values.before,
    near: values.near === undefined ? undefined : near(values.near),
    dedup: values['dedup-score'] ?? dedup,
    diverse: lambda ?? diverse,
    exact: values.exact,
    read: { allowPrivateAddresses: values['allow-private-addresses'] },
  };
}

function near(text: string) {
  const parts = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (parts.length !== 3 || parts.some(Number.isNaN))
    throw new UsageError(`--near: expected LATITUDE,LONGITUDE,KILOMETRES but received "${text}"`, {
      hint: 'degrees, north and east positive: --near 48.21,16.37,5',
    });
  const [latitude, longitude, kilometres] = parts as [number, number, number];
  return { latitude, longitude, kilometres };
}
