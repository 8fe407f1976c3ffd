/** @file Colours as eyes see them: OKLab (Ottosson 2020), and dichromacy (Machado et al. 2009, severity 1). */

export type Triple = readonly [number, number, number];

const SIGHTS = {
  normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritan: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
} as const;

const times = (m: readonly number[], [a, b, c]: Triple): Triple => [
  m[0]! * a + m[1]! * b + m[2]! * c,
  m[3]! * a + m[4]! * b + m[5]! * c,
  m[6]! * a + m[7]! * b + m[8]! * c,
];

/** `#rrggbb` as linear light that somebody sees. */
export function seen(hex: string, sight: keyof typeof SIGHTS): Triple {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  const [r, g, b] = times(SIGHTS[sight], [channel(1), channel(3), channel(5)]);
  const clip = (value: number) => Math.min(1, Math.max(0, value));
  return [clip(r), clip(g), clip(b)];
}

export function oklab(linear: Triple): Triple {
  const lms = times(
    [
      0.4122214708, 0.5363325363, 0.0514459929, 0.2119034982, 0.6806995451, 0.1073969566, 0.0883024619,
      0.2817188376, 0.6299787005,
    ],
    linear,
  );
  return times(
    [
      0.2104542553, 0.793617785, -0.0040720468, 1.9779984951, -2.428592205, 0.4505937099, 0.0259040371,
      0.7827717662, -0.808675766,
    ],
    [Math.cbrt(lms[0]), Math.cbrt(lms[1]), Math.cbrt(lms[2])],
  );
}
