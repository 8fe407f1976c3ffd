/**
 * @file To 8-bit RGB as Pillow's `convert("RGB")` goes: arithmetic on samples alone. Profiles are ignored and alpha
 * is dropped, never blended.
 */

/** Copies the first three of `channels` samples, or repeats the first where there are one or two. */
export function toRgb(data: Uint8Array, pixels: number, channels: number): Uint8Array {
  if (channels === 3) return data;
  const rgb = new Uint8Array(pixels * 3);
  const green = channels < 3 ? 0 : 1;
  const blue = channels < 3 ? 0 : 2;
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    rgb[to] = data[from]!;
    rgb[to + 1] = data[from + green]!;
    rgb[to + 2] = data[from + blue]!;
  }
  return rgb;
}

/**
 * CMYK, 0 meaning no ink, to RGB: `(255 − k) − c · (255 − k) / 255` with Pillow's rounding division.
 */
export function cmykToRgb(data: Uint8Array, pixels: number): Uint8Array {
  const rgb = new Uint8Array(pixels * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4) {
    const light = 255 - data[from + 3]!;
    for (let c = 0; c < 3; c++) {
      const product = data[from + c]! * light + 128;
      rgb[to++] = light - (((product >> 8) + product) >> 8);
    }
  }
  return rgb;
}

/** 16-bit grey to RGB: clipped at 255, not scaled. That is what Pillow does with its mode `I;16`. */
export function clippedGreyToRgb(data: Uint16Array, pixels: number): Uint8Array {
  const rgb = new Uint8Array(pixels * 3);
  for (let i = 0, to = 0; i < pixels; i++, to += 3) {
    const v = Math.min(255, data[i]!);
    rgb[to] = v;
    rgb[to + 1] = v;
    rgb[to + 2] = v;
  }
  return rgb;
}
