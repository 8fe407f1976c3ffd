/**
 * @file JPEG, PNG, WebP, TIFF, AVIF and SVG through libvips (sharp): the same libjpeg, libpng, libwebp and libtiff
 * arithmetic as Pillow's, provided that profiles are ignored, alpha is dropped and CMYK is not managed.
 */

import type { Sharp, SharpOptions } from 'sharp';
import { clippedGreyToRgb, cmykToRgb, toRgb } from './colour.js';
import type { Header } from './header.js';
import type { RgbImage } from './types.js';

type SharpModule = typeof import('sharp').default;
let loading: Promise<SharpModule> | undefined;

/** sharp, loaded at first use, without its cache and with one thread for each picture: pictures run in parallel. */
function loadSharp(): Promise<SharpModule> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false);
    sharp.concurrency(1);
    return sharp;
  });
  return loading;
}

/** What sharp's header tells of formats that `header.ts` does not read; sizes are before orientation. */
export interface SharpHeader extends Header {
  /** libvips' name of the colour space: `srgb`, `b-w`, `cmyk`, `grey16`, … */
  space: string;
  xmp: Uint8Array | undefined;
}

/** Reads the header alone. @throws Error of libvips. */
export async function sharpHeader(bytes: Uint8Array): Promise<SharpHeader> {
  const sharp = await loadSharp();
  const meta = await sharp(bytes, { limitInputPixels: false }).metadata();
  return {
    width: meta.width,
    height: meta.height,
    orientation: meta.orientation,
    channels: meta.channels,
    depth: meta.depth === 'ushort' ? 16 : 8,
    hasAlpha: meta.hasAlpha,
    space: meta.space,
    xmp: meta.xmp,
  };
}

/** How the samples in the file become RGB. */
export type Samples = 'rgb' | 'cmyk' | 'grey16' | 'flattened';

/** What to decode. */
export interface SharpRequest {
  samples: Samples;
  maxPixels: number;
  /** Shrink on load to about this size; JPEG and WebP without alpha only. */
  shrinkTo?: { width: number; height: number } | undefined;
}

/**
 * Decodes the first page or frame, not turned.
 * @throws Error of libvips: damaged or truncated data, more than `maxPixels` pixels.
 */
export async function decodeWithSharp(bytes: Uint8Array, request: SharpRequest): Promise<RgbImage> {
  const sharp = await loadSharp();
  const options: SharpOptions = {
    // Pillow too goes on where libjpeg only warns, and stops where data is missing.
    failOn: 'truncated',
    ignoreIcc: true,
    limitInputPixels: Number.isSafeInteger(request.maxPixels) ? request.maxPixels : false,
    sequentialRead: true,
  };
  const picture: Sharp = sharp(bytes, options);
  switch (request.samples) {
    case 'rgb':
      picture.removeAlpha();
      if (request.shrinkTo) {
        picture.resize({ ...request.shrinkTo, fit: 'fill', kernel: 'cubic', fastShrinkOnLoad: true });
      }
      break;
    case 'flattened':
      picture.flatten({ background: '#ffffff' });
      break;
    case 'cmyk':
      picture.pipelineColourspace('cmyk').toColourspace('cmyk');
      break;
    case 'grey16':
      picture.toColourspace('grey16');
      break;
    default:
      request.samples satisfies never;
  }
  const { data, info } = await picture
    .raw({ depth: request.samples === 'grey16' ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const pixels = width * height;
  const size = { width, height };
  if (request.samples === 'grey16') {
    const grey = new Uint16Array(data.buffer, data.byteOffset, pixels);
    return { data: clippedGreyToRgb(grey, pixels), ...size };
  }
  if (request.samples === 'cmyk') return { data: cmykToRgb(data, pixels), ...size };
  return { data: toRgb(data, pixels, channels), ...size };
}
