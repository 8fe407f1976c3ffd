/** @file Pictures as terminals want them: escape sequences that draw at the cursor. */
import sharp from 'sharp';

/** Bytes of base64 in one of kitty's sequences, at most. */
const CHUNK = 4096;

/**
 * A PNG by kitty's protocol (https://sw.kovidgoyal.net/kitty/graphics-protocol/), scaled to so many columns and rows.
 * The terminal does not answer.
 */
export function kittyPicture(png: Uint8Array, columns: number, rows: number): string {
  const base64 = Buffer.from(png).toString('base64');
  const chunks = base64.match(new RegExp(`.{1,${CHUNK}}`, 'g')) ?? [];
  return chunks
    .map((chunk, i) => {
      const more = `m=${i < chunks.length - 1 ? 1 : 0}`;
      const control = i === 0 ? `a=T,f=100,q=2,c=${columns},r=${rows},${more}` : more;
      return `\x1b_G${control};${chunk}\x1b\\`;
    })
    .join('');
}

/** A PNG by iTerm2's protocol (https://iterm2.com/documentation-images.html), scaled to so many columns and rows. */
export function itermPicture(png: Uint8Array, columns: number, rows: number): string {
  const base64 = Buffer.from(png).toString('base64');
  const control = `inline=1;size=${png.length};width=${columns};height=${rows};preserveAspectRatio=0`;
  return `\x1b]1337;File=${control}:${base64}\x07`;
}

/**
 * A PNG as sixels (DEC, VT330/VT340 Programmer Reference Manual, chapter 14), at its own size in pixels: up to 255
 * colours chosen for it, dithered; colours are in hundredths. What is more than half transparent is left as it is on
 * the screen.
 */
export async function sixelPicture(png: Uint8Array): Promise<string> {
  const reduced = await sharp(png).png({ palette: true, colours: 255, dither: 1, effort: 7 }).toBuffer();
  const { data, info } = await sharp(reduced).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const { indices, palette } = indexed(data);
  const parts = [`\x1bP0;1;0q"1;1;${width};${height}`];
  for (const [i, colour] of palette.entries()) {
    const hundredths = [16, 8, 0].map((shift) => Math.round((((colour >> shift) & 255) * 100) / 255));
    parts.push(`#${i};2;${hundredths.join(';')}`);
  }
  for (let top = 0; top < height; top += 6) {
    const band = indices.subarray(top * width, Math.min(top + 6, height) * width);
    const colours = [...new Set(band)].filter((colour) => colour >= 0);
    parts.push(colours.map((colour) => `#${colour}${sixelLine(band, width, colour)}`).join('$'), '-');
  }
  return `${parts.join('')}\x1b\\`;
}

/** The place of each pixel in the palette, −1 where it is transparent; the palette as 0xRRGGBB. */
function indexed(rgba: Uint8Array): { indices: Int16Array; palette: number[] } {
  const places = new Map<number, number>();
  const indices = new Int16Array(rgba.length / 4).fill(-1);
  for (let i = 0; i < indices.length; i++) {
    if (rgba[4 * i + 3]! < 128) continue;
    const colour = (rgba[4 * i]! << 16) | (rgba[4 * i + 1]! << 8) | rgba[4 * i + 2]!;
    let place = places.get(colour);
    if (place === undefined) {
      place = places.size;
      places.set(colour, place);
    }
    indices[i] = place;
  }
  return { indices, palette: [...places.keys()] };
}

/** Where a band of at most six lines has a colour: a character for each column, runs of more than three in short. */
function sixelLine(band: Int16Array, width: number, colour: number): string {
  let line = '';
  let last = '';
  let length = 0;
  const flush = (): void => {
    line += length > 3 ? `!${length}${last}` : last.repeat(length);
  };
  for (let x = 0; x < width; x++) {
    let bits = 0;
    for (let y = 0; y * width < band.length; y++) if (band[y * width + x] === colour) bits |= 1 << y;
    const sixel = String.fromCharCode(63 + bits);
    if (sixel !== last) {
      flush();
      last = sixel;
      length = 0;
    }
    length++;
  }
  if (last !== '?') flush();
  return line;
}
