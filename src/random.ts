/**
 * @file Random numbers that depend on a seed and on what they are for, and on nothing else.
 *
 * Every draw of a training run (an initial weight, the order of an epoch, one augmentation of one image) comes from a
 * generator of its own, keyed by the seed and by where it is used. So the order in which threads finish cannot change
 * a run, and a checkpoint needs no generator's state. The generator is sfc32 (Doty-Humphrey, PractRand), seeded
 * through the finaliser of MurmurHash3 (Appleby).
 */

/** A stream of pseudo-random numbers. */
export class Random {
  private a = 0x9e3779b9;
  private b = 0x243f6a88;
  private c = 0xb7e15162;
  private counter = 1;
  private spare: number | undefined;

  /**
   * @param keys the seed, and what the stream is for: numbers or words. Different keys give independent streams.
   */
  constructor(...keys: readonly (number | string)[]) {
    for (const key of keys) {
      if (typeof key === 'number') this.absorb(key);
      else for (const character of key) this.absorb(character.codePointAt(0)!);
      this.absorb(keys.length);
    }
    for (let i = 0; i < 12; i++) this.uint32();
  }

  private absorb(key: number): void {
    const low = key >>> 0;
    const high = Math.floor(key / 2 ** 32) >>> 0;
    this.a = mix(this.a ^ low);
    this.b = mix(this.b ^ this.a ^ high);
    this.c = mix(this.c ^ this.b);
  }

  /** A whole number, uniform in 0 .. 2³² − 1. */
  uint32(): number {
    const t = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  /** Uniform in [0, 1), with 53 random bits. */
  next(): number {
    return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  /** Uniform in [low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** A whole number, uniform in 0 .. n − 1. */
  integer(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** Standard normal (Marsaglia's polar method). */
  normal(): number {
    if (this.spare !== undefined) {
      const value = this.spare;
      this.spare = undefined;
      return value;
    }
    for (;;) {
      const u = 2 * this.next() - 1;
      const v = 2 * this.next() - 1;
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(s)) / s);
      this.spare = v * factor;
      return u * factor;
    }
  }

  /** Puts the elements in a uniformly random order, in place (Fisher–Yates). */
  shuffle<T extends { length: number; [i: number]: unknown }>(array: T): T {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const kept = array[i];
      array[i] = array[j];
      array[j] = kept;
    }
    return array;
  }
}

function mix(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
