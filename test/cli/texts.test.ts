/** @file What the command line says in words: units, tables, progress, quoting. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProgressLine } from '#src/cli/progress.js';
import { programName, quote, resumeCommand } from '#src/cli/quote.js';
import { table } from '#src/cli/table.js';
import { wrap } from '#src/cli/terminal.js';
import { bytes, count, duration, plural, rate } from '#src/units.js';

describe('units', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [12_345_678, '12.3 MB'],
    [2.5e12, '2.5 TB'],
  ])('bytes(%d)', (n, text) => expect(bytes(n)).toBe(text));

  it.each([
    [0.04, '0.0 s'],
    [9.96, '10 s'],
    [59.6, '1 min 0 s'],
    [200, '3 min 20 s'],
    [3599.6, '1 h 0 min'],
    [7500, '2 h 5 min'],
  ])('duration(%d)', (s, text) => expect(duration(s)).toBe(text));

  it('counts and rates', () => {
    expect([count(1234567), plural(1, 'image'), plural(2000, 'image')]).toEqual([
      '1,234,567',
      '1 image',
      '2,000 images',
    ]);
    expect([rate(3.14), rate(140.4)]).toEqual(['3.1/s', '140/s']);
  });
});

describe('the progress line', () => {
  it('says rate and time left from the last seconds, not from the start', () => {
    let now = 0;
    const line = new ProgressLine('', () => now);
    now = 10; // a slow start: 10 items in 10 s
    expect(line.text({ done: 10, failed: 0, total: undefined })).toBe('10 done · 1.0/s');
    for (now = 20; now <= 60; now += 10) line.text({ done: (now - 10) * 20, failed: 0, total: 10_000 });
    now = 70; // then 20 a second
    expect(line.text({ done: 1200, failed: 3, total: 10_000 })).toBe(
      '1,200 of 10,000 (12 %) · 20/s · 7 min 20 s left · 3 failed',
    );
  });

  it('has no time left at the end', () => {
    let now = 0;
    const line = new ProgressLine('int8 ', () => now);
    now = 1;
    expect(line.text({ done: 8, failed: 0, total: 8 })).toBe('int8 8 of 8 (100 %) · 8.0/s');
  });
});

describe('quoting', () => {
  const words = ["it's", 'a b', '$HOME', '*.jpg', '"x"', '', 'plain-1.jpg', 'ünï', '\\', '--out=a b'];

  it.skipIf(process.platform === 'win32')('survives a real shell', () => {
    const line = words.map((w) => quote(w)).join(' ');
    const printed = execFileSync('sh', ['-c', `for w in ${line}; do printf '%s\\n' "$w"; done`], {
      encoding: 'utf8',
    });
    expect(printed.split('\n').slice(0, -1)).toEqual(words);
    expect(quote('plain-1.jpg')).toBe('plain-1.jpg');
  });

  it('knows how the program was called', () => {
    expect(programName('/usr/bin/afterimage', {})).toBe('afterimage');
    expect(programName('/p/node_modules/afterimage/dist/cli/bin.js', {})).toBe('afterimage');
    expect(programName('/p/node_modules/.bin/afterimage', { npm_command: 'exec' })).toBe('npx afterimage');
    expect(programName(path.resolve('dist/cli/bin.js'), {})).toBe(
      `node ${path.join('dist', 'cli', 'bin.js')}`,
    );
    expect(programName('/else where/bin.js', {})).toBe("node '/else where/bin.js'");
  });

  it('puts --resume once, before --, and takes --overwrite away', () => {
    expect(resumeCommand('embed', ['my photos', '--out', 'v.npy', '--overwrite'], 'afterimage')).toBe(
      "afterimage embed 'my photos' --out v.npy --resume",
    );
    expect(resumeCommand('embed', ['--resume', '-o', 'v.npy', '--', '--odd.jpg'], 'afterimage')).toBe(
      'afterimage embed -o v.npy --resume -- --odd.jpg',
    );
  });
});

describe('layout', () => {
  it('aligns columns by what is seen', () => {
    expect(
      table(
        ['name', 'size >'],
        [
          ['a', '10'],
          ['\x1b[1mlonger\x1b[22m', '7'],
        ],
      ),
    ).toBe('name    size\na         10\n\x1b[1mlonger\x1b[22m     7');
  });

  it('wraps at spaces, keeping long words whole', () => {
    expect(wrap('one two three', 8, '  ')).toBe('one two\n  three');
    expect(wrap('averyveryverylongword x', 8)).toBe('averyveryverylongword\nx');
  });
});
