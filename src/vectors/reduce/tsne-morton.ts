/** @file Points in the order of a Morton curve (Morton 1966): every cell of a quadtree or octree is a run of them. */

const DIGIT = 11;

/** Sorts points, in memory of its own that is used again. */
export class MortonCurve {
  /** Halvings of the whole along each axis that a key holds. */
  readonly levels: number;
  /** The keys, ascending: `dimensions` bits a level, the first level uppermost. */
  keys: Uint32Array;
  /** The point of each key. */
  order: Uint32Array;
  private otherKeys: Uint32Array;
  private otherOrder: Uint32Array;

  /** @param dimensions 1, 2 or 3 */
  constructor(
    count: number,
    private readonly dimensions: number,
  ) {
    this.levels = Math.floor(30 / dimensions);
    this.keys = new Uint32Array(count);
    this.order = new Uint32Array(count);
    this.otherKeys = new Uint32Array(count);
    this.otherOrder = new Uint32Array(count);
  }

  /** Sorts the points `[n × dimensions]`; returns the width of the cube that holds them. */
  sort(positions: Float64Array): number {
    const { dimensions, levels, keys, order } = this;
    const least = new Array<number>(dimensions).fill(Number.POSITIVE_INFINITY);
    let extent = 0;
    for (let d = 0; d < dimensions; d++) {
      let most = Number.NEGATIVE_INFINITY;
      for (let i = d; i < positions.length; i += dimensions) {
        const value = positions[i]!;
        if (value < least[d]!) least[d] = value;
        if (value > most) most = value;
      }
      extent = Math.max(extent, most - least[d]!);
    }
    const scale = extent > 0 ? (2 ** levels * (1 - 1e-9)) / extent : 0;
    for (let i = 0, at = 0; i < keys.length; i++) {
      let key = 0;
      for (let d = 0; d < dimensions; d++)
        key |= spread(Math.floor((positions[at++]! - least[d]!) * scale), dimensions) << (dimensions - 1 - d);
      keys[i] = key;
      order[i] = i;
    }
    for (let shift = 0; shift < dimensions * levels; shift += DIGIT) this.sortByDigit(shift);
    return extent;
  }

  /** One pass of a radix sort. */
  private sortByDigit(shift: number): void {
    const { keys, order, otherKeys, otherOrder } = this;
    const mask = 2 ** DIGIT - 1;
    const next = new Uint32Array(mask + 2);
    for (const key of keys) next[((key >>> shift) & mask) + 1]!++;
    for (let digit = 0; digit < mask; digit++) next[digit + 1]! += next[digit]!;
    for (let i = 0; i < keys.length; i++) {
      const to = next[(keys[i]! >>> shift) & mask]!++;
      otherKeys[to] = keys[i]!;
      otherOrder[to] = order[i]!;
    }
    [this.keys, this.otherKeys] = [otherKeys, keys];
    [this.order, this.otherOrder] = [otherOrder, order];
  }
}

/** The bits of a number with room for those of the other axes between them. */
function spread(value: number, dimensions: number): number {
  let v = value;
  if (dimensions === 2) {
    v = (v | (v << 8)) & 0x00ff00ff;
    v = (v | (v << 4)) & 0x0f0f0f0f;
    v = (v | (v << 2)) & 0x33333333;
    v = (v | (v << 1)) & 0x55555555;
  } else if (dimensions === 3) {
    v = (v | (v << 16)) & 0x030000ff;
    v = (v | (v << 8)) & 0x0300f00f;
    v = (v | (v << 4)) & 0x030c30c3;
    v = (v | (v << 2)) & 0x09249249;
  }
  return v;
}
