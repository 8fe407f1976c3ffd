/** @file `afterimage search`: the images of a collection that fit a query. */
import { parseQuery } from '../../collection/query.js';
import { defineCommand } from '../command.js';
import { SEARCH_OPTIONS } from '../search-options.js';
import { runSearch } from '../search-run.js';

export const search = defineCommand({
  name: 'search',
  usage: 'QUERY [+|- QUERY]… [options]',
  summary: 'Finds the images of a collection that fit texts, images, or both.',
  details:
    'A QUERY is a text; a path that begins with ./ ../ / or ~/, or a URL, is an image; id:PATH is an item of the ' +
    'collection. Queries are added with + and taken away with -, as words of their own, and N:QUERY counts N times. ' +
    'Lines on standard output are cosine and absolute path with a tab between them, best first. The collection is ' +
    'brought up to date first; where there is none, one is made of the current folder.',
  arity: [0, Number.POSITIVE_INFINITY],
  options: {
    add: {
      type: 'string',
      short: 'a',
      multiple: true,
      value: 'QUERY',
      group: 'query',
      help: 'the same as + QUERY',
    },
    sub: {
      type: 'string',
      short: 's',
      multiple: true,
      value: 'QUERY',
      group: 'query',
      help: 'the same as - QUERY',
    },
    ...SEARCH_OPTIONS,
  },
  examples: [
    ['afterimage search "a dog on a beach"', 'by a text'],
    [
      'afterimage search "2:dog" + ./beach.jpg - snow --top 20',
      'a text twice, an image, and something against',
    ],
    [
      'afterimage search boat --where "width > height" --near 45.44,12.33,10',
      'of some items only; near-equal hits once',
    ],
    ['afterimage search cat -f | xargs -d "\\n" cp -t cats/', 'use the paths'],
  ],
  run(values, words) {
    const signed = (sign: string, queries: readonly string[]) => queries.flatMap((query) => [sign, query]);
    const query = parseQuery([...words, ...signed('+', values.add), ...signed('-', values.sub)]);
    return runSearch(values, () => query);
  },
});
