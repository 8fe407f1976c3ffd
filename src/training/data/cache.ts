/**
 * @file Pixels kept between epochs in memory that all threads share: whoever has decoded a picture puts it in, and
 * everyone reads it where it lies, without copying. First come, first kept; when the memory is full, the rest is
 * decoded anew each epoch. What is kept changes the speed of a run and never its numbers.
 */
import { UsageError } from '../../errors.js';
import type { RgbImage } from '../../image/types.js';

/** What threads hand each other. */
export interface PixelCacheMemory {
  /** The next free unit, and for each item its state, first unit, width and height. */
  table: SharedArrayBuffer;
  pixels: SharedArrayBuffer;
}

/** Bytes by which places are counted, so that 32 bits reach for 128 GiB. */
const UNIT = 64;
const FIELDS = 4;
const EMPTY = 0;
const CLAIMED = 1;
const READY = 2;

/** Decoded pictures by item. */
export class PixelCache {
  private readonly table: Int32Array;
  private readonly capacity: number;

  constructor(private readonly memory: PixelCacheMemory) {
    this.table = new Int32Array(memory.table);
    this.capacity = Math.floor(memory.pixels.byteLength / UNIT);
  }

  /**
   * Memory for the pictures of `items` items. The system gives it page by page as it is written to.
   * @throws UsageError if there is not so much.
   */
  static allocate(items: number, bytes: number): PixelCacheMemory {
    try {
      return {
        table: new SharedArrayBuffer(4 * (1 + items * FIELDS)),
        pixels: new SharedArrayBuffer(bytes),
      };
    } catch (cause) {
      throw new UsageError(`cacheBytes: expected an amount of memory that is there but received ${bytes}`, {
        hint: 'give less; 0 keeps nothing',
        cause,
      });
    }
  }

  /** Bytes of `pictures` pictures of one size: enough for {@link allocate}. */
  static bytesFor(pictures: number, { width, height }: { width: number; height: number }): number {
    return pictures * units(width * height * 3) * UNIT;
  }

  /** The picture of an item, to be read only; undefined while it is not there. */
  get(item: number): RgbImage | undefined {
    const { table } = this;
    const at = 1 + item * FIELDS;
    if (Atomics.load(table, at) !== READY) return undefined;
    const width = table[at + 2]!;
    const height = table[at + 3]!;
    return {
      data: new Uint8Array(this.memory.pixels, table[at + 1]! * UNIT, width * height * 3),
      width,
      height,
    };
  }

  /** Keeps a copy of a picture, unless there is one, another thread is at it, or it does not fit. */
  put(item: number, { data, width, height }: RgbImage): void {
    const { table } = this;
    const at = 1 + item * FIELDS;
    if (Atomics.compareExchange(table, at, EMPTY, CLAIMED) !== EMPTY) return;
    const first = this.reserve(units(data.length));
    if (first === undefined) {
      Atomics.store(table, at, EMPTY);
      return;
    }
    new Uint8Array(this.memory.pixels, first * UNIT, data.length).set(data);
    table[at + 1] = first;
    table[at + 2] = width;
    table[at + 3] = height;
    Atomics.store(table, at, READY);
  }

  /** Takes units that nobody else has; undefined where they do not fit. */
  private reserve(needed: number): number | undefined {
    for (let first = Atomics.load(this.table, 0); first + needed <= this.capacity; ) {
      const found = Atomics.compareExchange(this.table, 0, first, first + needed);
      if (found === first) return first;
      first = found;
    }
    return undefined;
  }

  /** Bytes in use. */
  get used(): number {
    return Atomics.load(this.table, 0) * UNIT;
  }
}

function units(bytes: number): number {
  return Math.ceil(bytes / UNIT);
}
