/**
 * @file The shapes that images take on their way in: what a caller may give, what reading needs to know, what
 * decoding returns. Pixels are always interleaved 8-bit RGB, row-major, without padding: the same bytes that
 * `numpy.asarray(PIL.Image.open(f).convert("RGB"))` holds.
 */

/** Interleaved 8-bit RGB: `data[(y * width + x) * 3 + channel]`, each in 0..255. */
export interface RgbImage {
  /** `width * height * 3` bytes. */
  data: Uint8Array;
  width: number;
  height: number;
}

/** A window of a picture, in pixels. */
export interface Region {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Raw pixels given by the caller, interleaved: grey (1 channel), RGB (3) or RGBA (4; alpha is dropped). */
export interface RawImage extends RgbImage {
  /** @default 3 */
  channels?: 1 | 3 | 4;
}

/**
 * Anything that an image can be read from: a path, an `http(s):`, `file:` or `data:` URL (as a string or a URL),
 * the bytes of an encoded file, a stream of them, or raw pixels.
 */
export type ImageInput =
  | string
  | URL
  | Uint8Array
  | ArrayBuffer
  | Blob
  | NodeJS.ReadableStream
  | ReadableStream<Uint8Array>
  | RawImage;

/** How the bytes of an image are fetched. */
export interface ReadOptions {
  /**
   * The largest number of bytes that one encoded image may have.
   * @default 268435456 (256 MiB)
   */
  maxBytes?: number;
  /**
   * Milliseconds after which a URL or stream that has not been read to its end is given up.
   * @default 30000
   */
  timeoutMs?: number;
  /**
   * Allow URLs that lead to loopback, private, link-local or otherwise non-public addresses.
   * @default false
   */
  allowPrivateAddresses?: boolean;
  /** Stops the reading; the promise then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** How bytes become pixels. */
export interface DecodeOptions {
  /**
   * Turn and mirror the picture upright as its EXIF orientation says, like `PIL.ImageOps.exif_transpose`.
   * @default true
   */
  orient?: boolean;
  /**
   * The largest number of pixels (width × height) that is decoded; checked against the header, before any pixel.
   * @default 178956970 (twice Pillow's warning limit, where Pillow raises DecompressionBombError)
   */
  maxPixels?: number;
  /**
   * `exact` decodes every pixel as Pillow does. `fast` lets JPEG and WebP be shrunk while they are decoded, to no
   * less than twice `targetSize`; see `decodeImage` for the measured error.
   * @default 'exact'
   */
  mode?: 'exact' | 'fast';
  /**
   * For `fast`: the length of the picture's shorter side after the resize that follows. Without it `fast` is `exact`.
   */
  targetSize?: number;
  /**
   * The name used in errors.
   * @default '<buffer>'
   */
  source?: string;
}

/** The formats that are told apart by content. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif' | 'heic' | 'svg' | 'bmp' | 'raw';

/** A decoded picture and what its file said about it. */
export interface DecodedImage extends RgbImage {
  format: ImageFormat;
  /** EXIF orientation as found, 1..8 (1 when there is none); already applied unless `orient` was false. */
  orientation: number;
  /** Width in the file, before orientation and before any shrinking on load. */
  originalWidth: number;
  /** Height in the file, before orientation and before any shrinking on load. */
  originalHeight: number;
}
