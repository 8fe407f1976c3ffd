/**
 * @file Directories of tagged values as TIFF 6.0 lays them out, section 2. EXIF is such a directory in a picture's
 * header. Written for damaged data: whatever points outside of the block, or to itself, is as if it were not there.
 */

/** Bytes of one value of the types 1 to 13, by number. */
const SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4] as const;

/** No camera writes more; a damaged count could ask for 65,535. */
const MAX_ENTRIES = 4096;

interface Entry {
  type: number;
  count: number;
  /** Where the values begin. */
  at: number;
}

/** One directory: values by the number of their tag. */
export class TiffDirectory {
  private readonly entries = new Map<number, Entry>();

  private constructor(
    private readonly view: DataView,
    private readonly little: boolean,
    at: number,
  ) {
    if (at + 2 > view.byteLength) return;
    const count = Math.min(view.getUint16(at, little), MAX_ENTRIES);
    for (let i = 0; i < count; i++) {
      const entry = at + 2 + 12 * i;
      if (entry + 12 > view.byteLength) return;
      const type = view.getUint16(entry + 2, little);
      const values = view.getUint32(entry + 4, little);
      const bytes = (SIZES[type] ?? 0) * values;
      const start = bytes > 4 ? view.getUint32(entry + 8, little) : entry + 8;
      if (bytes === 0 || start + bytes > view.byteLength) continue;
      const tag = view.getUint16(entry, little);
      if (!this.entries.has(tag)) this.entries.set(tag, { type, count: values, at: start });
    }
  }

  /**
   * The first directory of a block, with or without `Exif\0\0` in front.
   * @returns undefined when the block does not begin as TIFF does. BigTIFF is not read.
   */
  static first(block: Uint8Array): TiffDirectory | undefined {
    const skip = Buffer.from(block.subarray(0, 6)).toString('latin1') === 'Exif\0\0' ? 6 : 0;
    if (block.byteLength - skip < 8) return undefined;
    const view = new DataView(block.buffer, block.byteOffset + skip, block.byteLength - skip);
    const mark = view.getUint16(0);
    if (mark !== 0x4949 && mark !== 0x4d4d) return undefined;
    const little = mark === 0x4949;
    if (view.getUint16(2, little) !== 42) return undefined;
    return new TiffDirectory(view, little, view.getUint32(4, little));
  }

  /** The directory that a tag points to. */
  sub(tag: number): TiffDirectory | undefined {
    const at = this.numbers(tag)?.[0];
    return at === undefined ? undefined : new TiffDirectory(this.view, this.little, at);
  }

  /** Text up to its first zero, without white space around it; undefined where nothing is left. */
  text(tag: number): string | undefined {
    const entry = this.entries.get(tag);
    if (entry === undefined || (entry.type !== 2 && entry.type !== 7)) return undefined;
    const bytes = Buffer.from(this.view.buffer, this.view.byteOffset + entry.at, entry.count);
    const end = bytes.indexOf(0);
    const text = bytes.toString('utf8', 0, end < 0 ? bytes.length : end).trim();
    return text === '' ? undefined : text;
  }

  /** Numbers of any type; a rational with the denominator 0 is NaN. */
  numbers(tag: number): number[] | undefined {
    const entry = this.entries.get(tag);
    if (entry === undefined || entry.count > 64) return undefined;
    const size = SIZES[entry.type]!;
    return Array.from({ length: entry.count }, (_, i) => this.number(entry.type, entry.at + i * size));
  }

  private number(type: number, at: number): number {
    const { view, little } = this;
    switch (type) {
      case 1:
      case 7:
        return view.getUint8(at);
      case 3:
        return view.getUint16(at, little);
      case 4:
      case 13:
        return view.getUint32(at, little);
      case 5:
        return view.getUint32(at, little) / (view.getUint32(at + 4, little) || Number.NaN);
      case 6:
        return view.getInt8(at);
      case 8:
        return view.getInt16(at, little);
      case 9:
        return view.getInt32(at, little);
      case 10:
        return view.getInt32(at, little) / (view.getInt32(at + 4, little) || Number.NaN);
      case 11:
        return view.getFloat32(at, little);
      case 12:
        return view.getFloat64(at, little);
      default:
        return Number.NaN;
    }
  }
}
