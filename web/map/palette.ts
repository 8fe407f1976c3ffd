/**
 * @file Colours for kinds and for numbers, on light and dark ground alike.
 *
 * The ten colours of kinds were searched for, not chosen by eye: the least distance in OKLab between any two, and
 * between each and the grey of "other", is as large as it gets over normal sight and the three kinds of dichromacy
 * (Machado et al. 2009, severity 1). It is 0.11; the Okabe–Ito palette's eight have 0.076. The colours of numbers
 * climb evenly in OKLab (Ottosson 2020).
 */

/** For kinds, in the order of their frequency. */
export const CATEGORIES: readonly string[] = [
  '#1371ea',
  '#f57640',
  '#1e6c5a',
  '#e17ffe',
  '#febf12',
  '#c31e0f',
  '#75e6a4',
  '#8925a4',
  '#7f6da0',
  '#d2bff8',
];

/** For every kind that has no colour of its own, and for items without a value. */
export const OTHER = '#9c9fa5';

/** How many colours {@link numberScale} has. */
export const STEPS = 64;

/** The colours of numbers, from the least to the largest: dark blue over teal to yellow. */
export function numberScale(): string[] {
  return Array.from({ length: STEPS }, (_, i) => {
    const t = i / (STEPS - 1);
    const hue = ((275 - 185 * t) * Math.PI) / 180;
    const chroma = 0.115 + 0.03 * t;
    return hex(fromOklab(0.42 + 0.46 * t, chroma * Math.cos(hue), chroma * Math.sin(hue)));
  });
}

/** From OKLab to linear sRGB. */
function fromOklab(L: number, a: number, b: number): [number, number, number] {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

function hex(linear: readonly number[]): string {
  const digits = linear.map((value) => {
    const v = Math.min(1, Math.max(0, value));
    const coded = v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055;
    return Math.round(255 * coded)
      .toString(16)
      .padStart(2, '0');
  });
  return `#${digits.join('')}`;
}
