/**
 * @file The EXIF item of a HEIF file (HEIC, AVIF): found through the boxes `iinf` and `iloc` of ISO/IEC 14496-12,
 * section 8.11. Only items that lie in the file as such, or in the `idat` box, are read.
 */

/** Reads fields one after another. */
class Reader {
  constructor(
    private readonly view: DataView,
    public at: number,
    readonly end: number,
  ) {}

  /** An unsigned number of 0, 1, 2, 4 or 8 bytes. @throws RangeError past the end */
  uint(size: number): number {
    const at = this.at;
    if (at + size > this.end) throw new RangeError('past the end of the box');
    this.at += size;
    if (size === 0) return 0;
    if (size === 1) return this.view.getUint8(at);
    if (size === 2) return this.view.getUint16(at);
    if (size === 4) return this.view.getUint32(at);
    return this.view.getUint32(at) * 2 ** 32 + this.view.getUint32(at + 4);
  }

  name(): string {
    return String.fromCharCode(this.uint(1), this.uint(1), this.uint(1), this.uint(1));
  }

  /** The boxes from here to the end. */
  *boxes(): Generator<{ type: string; body: Reader }> {
    while (this.at + 8 <= this.end) {
      const start = this.at;
      let size = this.uint(4);
      const type = this.name();
      if (size === 1) size = this.uint(8);
      const end = size === 0 ? this.end : start + size;
      if (end < this.at || end > this.end) return;
      yield { type, body: new Reader(this.view, this.at, end) };
      this.at = end;
    }
  }
}

/** The EXIF block of a HEIF file, where it has one. */
export function heifExif(bytes: Uint8Array): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    for (const { type, body } of new Reader(view, 0, bytes.length).boxes()) {
      if (type === 'meta') return fromMeta(bytes, body);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

function fromMeta(bytes: Uint8Array, meta: Reader): Uint8Array | undefined {
  meta.uint(4); // version and flags
  const parts = new Map<string, Reader>();
  for (const { type, body } of meta.boxes()) parts.set(type, body);
  const info = parts.get('iinf');
  const locations = parts.get('iloc');
  const item = info && exifItem(info);
  const place = item === undefined || !locations ? undefined : location(locations, item);
  if (place === undefined) return undefined;
  const base = place.inData ? (parts.get('idat')?.at ?? bytes.length) : 0;
  const start = base + place.offset;
  const block = bytes.subarray(start, Math.min(start + place.length, bytes.length));
  if (block.length < 12) return undefined;
  // The block begins with how many bytes there are before the TIFF header, which may be "Exif\0\0".
  const skip = new DataView(block.buffer, block.byteOffset).getUint32(0);
  return 4 + skip < block.length ? block.subarray(4 + skip) : undefined;
}

/** The number of the first item of type `Exif`. */
function exifItem(info: Reader): number | undefined {
  const version = info.uint(4) >>> 24;
  info.uint(version === 0 ? 2 : 4); // how many there are
  for (const { type, body } of info.boxes()) {
    if (type !== 'infe') continue;
    const entry = body.uint(4) >>> 24;
    if (entry < 2) continue;
    const id = body.uint(entry === 2 ? 2 : 4);
    body.uint(2); // protection
    if (body.name() === 'Exif') return id;
  }
  return undefined;
}

/** Where the first extent of an item lies. */
function location(
  box: Reader,
  wanted: number,
): { offset: number; length: number; inData: boolean } | undefined {
  const version = box.uint(4) >>> 24;
  const sizes = box.uint(2);
  const [offsetSize, lengthSize, baseSize] = [sizes >> 12, (sizes >> 8) & 15, (sizes >> 4) & 15];
  const indexSize = version === 0 ? 0 : sizes & 15;
  const count = box.uint(version < 2 ? 2 : 4);
  for (let i = 0; i < count; i++) {
    const id = box.uint(version < 2 ? 2 : 4);
    const method = version === 0 ? 0 : box.uint(2) & 15;
    box.uint(2); // data reference
    const base = box.uint(baseSize);
    const extents = box.uint(2);
    for (let e = 0; e < extents; e++) {
      box.uint(indexSize);
      const offset = base + box.uint(offsetSize);
      const length = box.uint(lengthSize);
      if (id === wanted && e === 0)
        return method > 1
          ? undefined
          : { offset, length: length || Number.POSITIVE_INFINITY, inData: method === 1 };
    }
  }
  return undefined;
}
