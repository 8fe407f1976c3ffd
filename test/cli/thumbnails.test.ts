/** @file Pictures in a terminal: each protocol's escape sequences are taken apart again, and compared with the picture. */
import path from 'node:path';
import sharp from 'sharp';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { showThumbnails } from '#src/cli/thumbnails.js';
import { itermPicture, kittyPicture, sixelPicture } from '#src/cli/thumbnails-escapes.js';
import { protocolOf, readAnswer, terminalPictures } from '#src/cli/thumbnails-terminal.js';
import { SAMPLES } from '#src/embedding/index.js';

const sample = (name: string) => path.join(SAMPLES, name);
const photograph = () => sharp(sample('cat-portrait.jpg')).resize(200, 131).png().toBuffer();

/** What kitty puts together from its sequences: the control of the first, and the data of all. */
function readKitty(text: string) {
  const parts = [...text.matchAll(/\x1b_G([^;]*);([^\x1b]*)\x1b\\/g)];
  expect(parts.map(([whole]) => whole).join('')).toBe(text);
  const more = parts.map(([, control]) => /m=(\d)/.exec(control!)?.[1]);
  expect(more).toEqual([...Array(parts.length - 1).fill('1'), '0']);
  for (const [, , data] of parts.slice(0, -1)) expect(data!.length).toBe(4096);
  return { control: parts[0]![1]!, png: Buffer.from(parts.map(([, , data]) => data).join(''), 'base64') };
}

/** A decoder of sixels as the VT330/VT340 manual describes them; RGBA. */
function readSixel(text: string): { data: Uint8Array; width: number; height: number } {
  const [, raster, body] = /^\x1bP0;1;0q"1;1;(\d+;\d+)([^\x1b]*)\x1b\\$/.exec(text)!;
  const [width, height] = raster!.split(';').map(Number) as [number, number];
  const data = new Uint8Array(4 * width * height);
  const colours = new Map<number, number[]>();
  let colour: number[] = [];
  let [x, top] = [0, 0];
  for (const [token, define, use, times, repeated, plain, move] of body!.matchAll(
    /#(\d+;2;\d+;\d+;\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|([$-])/g,
  )) {
    if (define) {
      const [i, , ...hundredths] = define.split(';').map(Number) as [number, number, ...number[]];
      expect(i).toBeLessThan(256);
      colours.set(
        i,
        hundredths.map((h) => Math.round((h * 255) / 100)),
      );
    } else if (use) colour = colours.get(Number(use))!;
    else if (move) {
      x = 0;
      if (move === '-') top += 6;
    } else {
      const bits = (repeated ?? plain)!.charCodeAt(0) - 63;
      for (let n = Number(times ?? 1); n > 0; n--, x++)
        for (let y = 0; y < 6; y++)
          if (bits & (1 << y)) data.set([...colour, 255], 4 * ((top + y) * width + x));
    }
    expect(token).not.toBe('');
    expect(x).toBeLessThanOrEqual(width);
  }
  return { data, width, height };
}

const psnr = (a: Uint8Array, b: Uint8Array) =>
  10 * Math.log10(255 ** 2 / (a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0) / a.length));

describe('escape sequences', () => {
  it('kitty’s give the same PNG back, in pieces', async () => {
    const png = await photograph();
    expect(png.length).toBeGreaterThan(20_000);
    const { control, png: back } = readKitty(kittyPicture(png, 20, 8));
    expect(back.equals(png)).toBe(true);
    expect(control).toBe('a=T,f=100,q=2,c=20,r=8,m=1');
    expect(readKitty(kittyPicture(png.subarray(0, 9), 1, 1)).png.length).toBe(9);
  });

  it('iTerm2’s give the same PNG back', async () => {
    const png = await photograph();
    const [, control, data] = /^\x1b\]1337;File=([^:]*):([^\x07]*)\x07$/.exec(itermPicture(png, 20, 8))!;
    expect(Buffer.from(data!, 'base64').equals(png)).toBe(true);
    expect(control).toBe(`inline=1;size=${png.length};width=20;height=8;preserveAspectRatio=0`);
  });

  it('sixels give the picture back, as near as 255 colours allow', async () => {
    const png = await photograph();
    const { data, width, height } = readSixel(await sixelPicture(png));
    expect([width, height]).toEqual([200, 131]); // 131 is no multiple of 6
    const exact = await sharp(png).ensureAlpha().raw().toBuffer();
    expect(psnr(data, exact)).toBeGreaterThan(32);
    const blurred = async (pixels: Uint8Array) =>
      sharp(pixels, { raw: { width, height, channels: 4 } })
        .blur(2)
        .raw()
        .toBuffer();
    expect(psnr(await blurred(data), await blurred(exact))).toBeGreaterThan(40); // dithering keeps the means
  });

  it('sixels of few colours are exact to the hundredth, and leave out what is transparent', async () => {
    const pixels = Uint8Array.from([255, 0, 0, 255, 0, 0, 0, 0, 0, 102, 204, 255, 255, 255, 255, 255]);
    const raw = { width: 4, height: 1, channels: 4 } as const;
    const { data } = readSixel(await sixelPicture(await sharp(pixels, { raw }).png().toBuffer()));
    expect([...data]).toEqual([...pixels]);
  });
});

describe('what a terminal can', () => {
  it.each([
    [{ AFTERIMAGE_IMAGES: 'sixel', KITTY_WINDOW_ID: '1' }, 'sixel'],
    [{ AFTERIMAGE_IMAGES: 'none', TERM: 'xterm-kitty' }, 'none'],
    [{ KITTY_WINDOW_ID: '1', TERM: 'xterm-256color' }, 'kitty'],
    [{ TERM: 'xterm-kitty' }, 'kitty'],
    [{ TERM: 'xterm-ghostty', TERM_PROGRAM: 'ghostty' }, 'kitty'],
    [{ TERM_PROGRAM: 'iTerm.app' }, 'iterm'],
    [{ TERM_PROGRAM: 'WezTerm' }, 'iterm'],
    [{ TERM: 'tmux-256color', KITTY_WINDOW_ID: '1', TMUX: '/tmp/tmux' }, undefined],
    [{ TERM: 'dumb', TERM_PROGRAM: 'iTerm.app' }, 'none'],
    [{ TERM: 'xterm-256color' }, undefined],
  ])('%j: %s', (env, expected) => expect(protocolOf(env)).toBe(expected));

  it('refuses a protocol that there is not', () =>
    expect(() => protocolOf({ AFTERIMAGE_IMAGES: 'sixels' })).toThrow(
      'AFTERIMAGE_IMAGES: expected kitty, iterm, sixel, none but received "sixels"',
    ));

  it('reads what terminals answer', () => {
    expect(readAnswer('\x1b[6;18;9t\x1b[?62;4;22c')).toEqual({
      sixel: true,
      cell: { width: 9, height: 18 },
    });
    expect(readAnswer('\x1b[?64;1;2;6;22c')).toEqual({ sixel: false });
    expect(readAnswer('\x1b[?4c')).toEqual({ sixel: false }); // a VT132: the first number is the kind
    expect(readAnswer('')).toEqual({ sixel: false });
  });

  it('shows nothing where the output is no terminal', async () =>
    expect(await terminalPictures({ KITTY_WINDOW_ID: '1' })).toBeUndefined());
});

describe('rows of thumbnails', () => {
  afterEach(() => vi.unstubAllEnvs());

  /** What is printed on standard output. */
  async function printed(work: () => Promise<unknown>): Promise<string> {
    let text = '';
    const { write } = process.stdout;
    process.stdout.write = (chunk: string | Uint8Array) => {
      text += String(chunk);
      return true;
    };
    try {
      await work();
    } finally {
      process.stdout.write = write;
    }
    return text;
  }

  it('puts pictures beside each other, and captions below', async () => {
    vi.stubEnv('AFTERIMAGE_IMAGES', 'kitty');
    const hits = [
      { file: sample('cat-portrait.jpg'), caption: '0.31 cat-portrait' },
      { file: sample('gone.jpg'), caption: '0.30 a name that is too long for its place in the row' },
      { file: sample('emoji-bus.png'), caption: '0.29 emoji-bus\nsecond line' },
    ];
    const text = await printed(async () =>
      expect(await showThumbnails(hits, { columns: 2, height: 5 })).toBe(true),
    );
    const [first, second] = text.split('\n\n');
    const [strip, captions] = first!.split('\n');
    const { control, png } = readKitty(strip!);
    const columns = Number(/c=(\d+)/.exec(control)![1]);
    expect(control).toContain('r=5');
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([10 * columns, 100]);
    const alpha = (x: number, y: number) => data[4 * (y * info.width + x) + 3];
    expect(alpha(20, 50)).toBe(255);
    expect(alpha(info.width - 20, 50)).toBe(0); // the place of the file that is gone
    const width = (columns + 2) / 2;
    expect(captions!.slice(0, width)).toBe('0.31 cat-portrait'.padEnd(width));
    expect(captions!.slice(width)).toBe(
      `${'0.30 a name that is too long for its place in the row'.slice(0, width - 3)}…`,
    );
    expect(second!.split('\n')[1]).toBe('0.29 emoji-bus');
  });

  it('prints nothing where there are no pictures', async () => {
    vi.stubEnv('AFTERIMAGE_IMAGES', 'none');
    const text = await printed(async () =>
      expect(await showThumbnails([{ file: sample('emoji-bus.png'), caption: 'a bus' }])).toBe(false),
    );
    expect(text).toBe('');
  });
});
