/**
 * @file One block of memory for a network's learned tensors, their gradients and the optimiser's slots.
 *
 * The block belongs to a WebAssembly module whose SIMD kernels (`assembly/optimizer.ts`) update it in place. It never
 * grows, so views into it stay valid, and the numeric runtime can read parameters from it and write gradients into it
 * without a copy between. (It may not be shared between threads: the runtime takes no shared memory.)
 */
import { RuntimeError, UsageError } from '../../errors.js';
import { wasmBase64 } from './wasm/optimizer.js';

/** Kernels over tensors of `blocks` × 16 numbers at byte offsets; see `assembly/optimizer.ts`. */
export interface Kernels {
  adam(
    blocks: number,
    w: number,
    g: number,
    m: number,
    v: number,
    scale: number,
    limit: number,
    decay: number,
    keep: number,
    first: number,
    beta2: number,
    second: number,
    correction: number,
    epsilon: number,
    rate: number,
  ): void;
  sgd(blocks: number, w: number, g: number, scale: number, limit: number, decay: number, rate: number): void;
  momentum(
    blocks: number,
    w: number,
    g: number,
    m: number,
    scale: number,
    limit: number,
    decay: number,
    momentum: number,
    fresh: number,
    direct: number,
    along: number,
    rate: number,
  ): void;
  squares(blocks: number, x: number): number;
  add(blocks: number, to: number, from: number): void;
  scale(blocks: number, x: number, factor: number): void;
}

/** A tensor's place in every region. */
export interface Place {
  readonly name: string;
  /** Numbers in the tensor. */
  readonly length: number;
  /** Blocks of 64 bytes that hold it; what is left of the last one is zero. */
  readonly blocks: number;
  /** Byte offset from the start of a region. */
  readonly offset: number;
}

const PAGE_BYTES = 65536;
/** What 32-bit addresses reach. */
const MAX_PAGES = 65536;
const BLOCK_BYTES = 64;
/** Puts equal places of two regions into different sets of the processor's caches. */
const STAGGER_BYTES = 17 * BLOCK_BYTES;

/** Regions of equal layout, each with a place for every tensor. */
export class Arena {
  readonly kernels: Kernels;
  readonly places: readonly Place[];
  private readonly byName: ReadonlyMap<string, Place>;
  private readonly memory: WebAssembly.Memory;
  private readonly regionBytes: number;

  /**
   * @param tensors names and lengths, the same order for the same layout.
   * @param regions how many numbers are kept for each learned one, itself included.
   * @throws UsageError for a name that is there twice, and when more than 4 GiB would be needed; RuntimeError when the
   *   system does not give the memory.
   */
  constructor(tensors: readonly { name: string; length: number }[], regions: number) {
    let offset = 0;
    this.places = tensors.map(({ name, length }) => {
      if (!Number.isInteger(length) || length < 1)
        throw new UsageError(`tensor "${name}": expected a length of at least 1 but received ${length}`);
      const blocks = Math.ceil((length * 4) / BLOCK_BYTES);
      const place = { name, length, blocks, offset };
      offset += blocks * BLOCK_BYTES;
      return place;
    });
    this.byName = new Map(this.places.map((place) => [place.name, place]));
    if (this.byName.size < this.places.length) {
      const twice = this.places.find((place, i) => this.places.findIndex((p) => p.name === place.name) < i);
      throw new UsageError(`tensor "${twice!.name}" is to be trained twice`);
    }
    this.regionBytes = offset + STAGGER_BYTES;
    const pages = Math.ceil((regions * this.regionBytes) / PAGE_BYTES);
    if (pages > MAX_PAGES) {
      const gib = ((pages * PAGE_BYTES) / 2 ** 30).toFixed(1);
      const count = this.places.reduce((sum, { length }) => sum + length, 0);
      throw new UsageError(
        `training ${(count / 1e6).toFixed(1)} million numbers takes ${gib} GiB for them, their gradients and the optimiser's state; expected at most 4 GiB`,
        {
          hint: 'train fewer layers, or use sgd, which keeps fewer numbers for each weight than adam',
        },
      );
    }
    try {
      this.memory = new WebAssembly.Memory({ initial: Math.max(1, pages) });
    } catch (cause) {
      throw new RuntimeError(
        `no memory for ${((pages * PAGE_BYTES) / 1e6).toFixed(0)} MB of parameters, gradients and optimiser state`,
        {
          cause,
        },
      );
    }
    const module = new WebAssembly.Module(Buffer.from(wasmBase64, 'base64'));
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.kernels = exports as Kernels;
  }

  /** The place called `name`. @throws UsageError when there is none. */
  place(name: string): Place {
    const place = this.byName.get(name);
    if (!place) throw new UsageError(`tensor "${name}" is not among those that are trained`);
    return place;
  }

  /** The byte offset of a place in a region. */
  address(region: number, place: Place): number {
    return region * this.regionBytes + place.offset;
  }

  /** A tensor of a region, to read and write. */
  view(region: number, name: string): Float32Array<ArrayBuffer> {
    const place = this.place(name);
    return new Float32Array(this.memory.buffer, this.address(region, place), place.length);
  }

  /** Sets a whole region to zero. */
  clear(region: number): void {
    new Uint8Array(this.memory.buffer, region * this.regionBytes, this.regionBytes).fill(0);
  }
}
