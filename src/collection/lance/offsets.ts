/** @file Positions drawn at random, each at most once, the same for the same seed. */

/** `count` distinct whole numbers below `total`, ascending; all of them where there are fewer. Floyd's algorithm. */
export function distinctOffsets(count: number, total: number, seed: number): number[] {
  const random = mulberry32(seed);
  const drawn = new Set<number>();
  for (let top = Math.max(0, total - count); top < total; top++) {
    const candidate = Math.floor(random() * (top + 1));
    drawn.add(drawn.has(candidate) ? top : candidate);
  }
  return [...drawn].sort((a, b) => a - b);
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
