/** @file The grammar of queries: what each writing means, and errors that point at the word. */
import { homedir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseQuery, type Query, queryText } from '#src/collection/query.js';
import { UsageError } from '#src/errors.js';

describe('what a query means', () => {
  const cases: [written: string | string[], query: Query][] = [
    [['a dog'], [{ text: 'a dog' }]],
    [['red', 'car'], [{ text: 'red car' }]],
    [
      ['2:dog', '+', './beach.jpg', '-', 'snow'],
      [{ text: 'dog', weight: 2 }, { image: './beach.jpg' }, { text: 'snow', weight: -1 }],
    ],
    [
      '2:dog + ./beach.jpg - snow',
      [{ text: 'dog', weight: 2 }, { image: './beach.jpg' }, { text: 'snow', weight: -1 }],
    ],
    [
      ['2:dog + a beach - snow'],
      [{ text: 'dog', weight: 2 }, { text: 'a beach' }, { text: 'snow', weight: -1 }],
    ],
    [
      ['dog', '- snow'],
      [{ text: 'dog' }, { text: 'snow', weight: -1 }],
    ],
    [['-', '0.5:snow'], [{ text: 'snow', weight: -0.5 }]],
    [['.5:./x.jpg'], [{ image: './x.jpg', weight: 0.5 }]],
    [
      ['./Rome - 2019/a b.jpg', '-', 'rain'],
      [{ image: './Rome - 2019/a b.jpg' }, { text: 'rain', weight: -1 }],
    ],
    [['- ./Rome - 2019/a.jpg'], [{ image: './Rome - 2019/a.jpg', weight: -1 }]],
    [['dog + ./a.jpg - snow'], [{ text: 'dog' }, { image: './a.jpg' }, { text: 'snow', weight: -1 }]],
    [
      ['../a.png', '+', '/b.jpg', '+', 'C:\\c.jpg', '+', 'file:///d.jpg', '+', 'HTTPS://x.org/e.jpg'],
      ['../a.png', '/b.jpg', 'C:\\c.jpg', 'file:///d.jpg', 'HTTPS://x.org/e.jpg'].map((image) => ({ image })),
    ],
    [['~/a.jpg'], [{ image: path.join(homedir(), 'a.jpg') }]],
    [['3:id:2019/x y.jpg'], [{ id: '2019/x y.jpg', weight: 3 }]],
    [['data:image/png;base64,AAAA'], [{ image: 'data:image/png;base64,AAAA' }]],
    ['"3:10 to Yuma"', [{ text: '3:10 to Yuma' }]],
    [
      '2:"black - white" - "./not a path"',
      [
        { text: 'black - white', weight: 2 },
        { text: './not a path', weight: -1 },
      ],
    ],
    [['black-white', 'c++'], [{ text: 'black-white c++' }]],
    [['24" monitor: on'], [{ text: '24" monitor: on' }]],
    [['beach.jpg'], [{ text: 'beach.jpg' }]],
  ];
  it.each(cases)('%j', (written, query) => {
    expect(parseQuery(written)).toEqual(query);
  });

  it('is written back so that it means the same', () => {
    const query = parseQuery('0.5:dog - 2:"a - b" + id:x.jpg + ./y.jpg');
    expect(queryText(query)).toBe('0.5:"dog" - 2:"a - b" + id:x.jpg + ./y.jpg');
    expect(parseQuery(queryText(query))).toEqual(query);
  });
});

describe('an error points at the word', () => {
  const cases: [written: string | string[], at: string, message: RegExp][] = [
    [['dog', '+'], '+', /expected a term after "\+" but there is none/],
    [['dog', '+', '-', 'snow'], '-', /after "\+" but received "-"/],
    [['0:dog'], '0', /weight above 0 but received 0/],
    [['dog', '+', '2,5:cat'], '2,5', /expected a weight such as 2 or 0.5/],
    ['dog - 1.2.3:cat', '1.2.3', /expected a weight/],
    [['2:'], '2:', /expected a term after "2:"/],
    ['2: dog', '2:', /expected a term after "2:"/],
    [['dog', '', 'cat'], ' ', /a word is empty/],
    ['dog + ""', '""', /the text is empty/],
    ['dog + "cat', '"', /quote is not closed/],
    [['./my', 'beach.jpg'], 'beach.jpg', /expected "\+" or "-" before "beach.jpg"/],
    [['dog', './a.jpg'], './a.jpg', /expected "\+" or "-" before/],
    [['dog', '2:cat'], '2:cat', /expected "\+" or "-" before/],
    [['id:'], 'id:', /path of an item/],
    [[], '', /nothing is asked/],
    ['  ', '', /nothing is asked/],
  ];
  it.each(cases)('%j', (written, at, message) => {
    let error: unknown;
    try {
      parseQuery(written);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UsageError);
    const [first, shown, carets] = (error as Error).message.split('\n') as [string, string, string];
    expect(first).toMatch(message);
    if (at !== '') expect(shown.slice(carets.indexOf('^'), carets.lastIndexOf('^') + 1)).toBe(at);
  });
});
