/**
 * @file Axes of a plot: from numbers to pixels, and where ticks lie and what they say.
 */

/** One direction of a plot. */
export interface Axis {
  /** The pixel of a value. */
  at(value: number): number;
  ticks: readonly { value: number; label: string }[];
}

/**
 * An axis with steps of 1, 2 or 5 times a power of ten.
 * @param range the values to be seen; with `round` the axis reaches to the ticks around them.
 * @param pixels where its ends lie.
 * @param count about how many ticks.
 */
export function linearAxis(
  range: readonly [number, number],
  pixels: readonly [number, number],
  count: number,
  round: boolean,
): Axis {
  let [low, high] = range;
  if (high - low < 1e-9 * Math.max(Math.abs(low), Math.abs(high), 1e-30)) {
    const half = Math.abs(low) / 10 || 1;
    low -= half;
    high += half;
  }
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= rough * 0.999)!;
  const first = round ? Math.floor(low / step + 1e-6) : Math.ceil(low / step - 1e-6);
  const last = round ? Math.ceil(high / step - 1e-6) : Math.floor(high / step + 1e-6);
  if (round) [low, high] = [first * step, last * step];
  const format = labels(step, Math.max(Math.abs(low), Math.abs(high)));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => {
    const value = (first + i) * step;
    return { value, label: format(value) };
  });
  const [from, to] = pixels;
  return { ticks, at: (value) => from + ((value - low) / (high - low)) * (to - from) };
}

/** A logarithmic axis for values above 0; decades get ticks, and their 2 and 5 where there are few. */
export function logAxis(range: readonly [number, number], pixels: readonly [number, number]): Axis {
  const low = Math.log10(range[0]);
  const high = Math.max(Math.log10(range[1]), low + 0.1);
  const pad = (high - low) * 0.04;
  const decades = Array.from({ length: 80 }, (_, i) => i - 40);
  const multiples = high - low > 2.5 ? [1] : [1, 2, 5];
  const values = decades.flatMap((decade) => multiples.map((m) => m * 10 ** decade));
  const seen = values.filter((v) => Math.log10(v) >= low - pad && Math.log10(v) <= high + pad);
  const every = Math.ceil(seen.length / 9);
  const ticks = seen
    .filter((_, i) => i % every === 0)
    .map((value) => ({ value, label: labels(value, value)(value) }));
  const [from, to] = pixels;
  return {
    ticks,
    at: (value) => from + ((Math.log10(value) - low + pad) / (high - low + 2 * pad)) * (to - from),
  };
}

/** Writes ticks that lie `step` apart with the digits that tell them apart; 2e-5 or 3e+6 where that is shorter. */
function labels(step: number, largest: number): (value: number) => string {
  if (largest < 1e-3 || largest >= 1e6) {
    return (value) => (value === 0 ? '0' : Number(value.toPrecision(3)).toExponential());
  }
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-6));
  return (value) => (value === 0 ? '0' : value.toFixed(decimals));
}
