/**
 * @file Augmentation against torchvision on PIL images: pixels with given parameters, parameters with given draws
 * (`fixtures/training/augment/make_augment.py`), and what the pipeline makes of options.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UsageError } from '#src/errors.js';
import { applyTransform, type RgbImage, torchvisionTransform } from '#src/image/index.js';
import { Random } from '#src/random.js';
import { AUGMENT_PRESETS, type AugmentOptions, type AugmentPreset } from '#src/training/data/augment.js';
import * as affineMaps from '#src/training/data/augment-affine.js';
import { gaussianBlur } from '#src/training/data/augment-blur.js';
import * as colour from '#src/training/data/augment-colour.js';
import { erase } from '#src/training/data/augment-erase.js';
import * as geometry from '#src/training/data/augment-geometry.js';
import * as parameters from '#src/training/data/augment-parameters.js';
import { Augmentation, toSpec } from '#src/training/data/augment-pipeline.js';
import { resolveAugment } from '#src/training/data/augment-resolve.js';

interface Golden {
  pictures: Record<string, [width: number, height: number, seed: number]>;
  cases: {
    picture: string;
    function: string;
    arguments: unknown[];
    size: [width: number, height: number];
    sha256: string;
  }[];
  blurs: { kernel: number; sigma: number; data: string }[];
  parameters: {
    kind: string;
    options: Record<string, [number, number]>;
    size: [width: number, height: number];
    draws: number[];
    expected: Record<string, unknown>;
  }[];
  all_colours: Record<string, string>;
  pipeline: string;
}

const golden: Golden = JSON.parse(
  readFileSync(new URL('../../fixtures/training/augment/augment.json', import.meta.url), 'utf8'),
);

/** Noise in the left half, smooth colours in the right; the same as the fixture's. */
function picture(width: number, height: number, seed: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  let state = seed;
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        data[at++] = x < Math.floor(width / 2) ? state >>> 24 : (x * (c + 2) * 5 + y * (3 - c) * 7) % 256;
      }
    }
  }
  return { data, width, height };
}

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
const wide = picture(...golden.pictures.wide!);

describe('pixels equal torchvision’s', () => {
  const functions = { ...colour, ...geometry, ...affineMaps } as unknown as Record<
    string,
    (image: RgbImage, ...rest: unknown[]) => RgbImage
  >;
  it.each(golden.cases)('$function $arguments of the $picture picture', (golden_) => {
    const image = picture(...golden.pictures[golden_.picture]!);
    const before = sha256(image.data);
    const out = functions[golden_.function]!(image, ...golden_.arguments);
    expect([out.width, out.height]).toEqual(golden_.size);
    expect(sha256(out.data)).toBe(golden_.sha256);
    expect(sha256(image.data)).toBe(before);
  });

  it.each(Object.entries(golden.all_colours))(
    'adjustHue by %s of all 16,777,216 colours',
    (factor, digest) => {
      const data = new Uint8Array(256 ** 3 * 3);
      for (let i = 0; i < 256 ** 3; i++) {
        data[3 * i] = i;
        data[3 * i + 1] = i >> 8;
        data[3 * i + 2] = i >> 16;
      }
      const out = colour.adjustHue({ data, width: 4096, height: 4096 }, Number(factor));
      expect(sha256(out.data)).toBe(digest);
    },
  );

  it.each(golden.blurs)('gaussianBlur $kernel, $sigma within one level, and seldom that', (golden_) => {
    const expected = Buffer.from(golden_.data, 'base64');
    const { data } = gaussianBlur(wide, golden_.kernel, golden_.sigma);
    let different = 0;
    for (let i = 0; i < data.length; i++) {
      expect(Math.abs(data[i]! - expected[i]!)).toBeLessThanOrEqual(1);
      if (data[i] !== expected[i]) different++;
    }
    expect(different).toBeLessThan(data.length / 1000);
  });

  it('a whole chain gives the same normalised, erased tensor to the bit', () => {
    const spec = torchvisionTransform({ resize: [18, 20], crop: null });
    const region = { left: 6, top: 4, width: 21, height: 25 };
    let image = geometry.horizontalFlip(geometry.resizedCrop(wide, region, 20, 18, 'bicubic'));
    image = colour.adjustContrast(colour.adjustHue(image, 0.07), 1.4);
    image = colour.adjustSaturation(colour.adjustBrightness(image, 0.7), 0.2);
    const tensor = toSpec([image], spec);
    const window = { left: 5, top: 3, width: 7, height: 6 };
    erase(tensor, { width: 20, height: 18 }, window, Float32Array.of(0.5, -1, 2));
    const bytes = Buffer.from(golden.pipeline, 'base64');
    expect(Buffer.compare(Buffer.from(tensor.buffer), bytes)).toBe(0);
  });
});

/** A generator that gives the numbers of a fixture. */
class Replay extends Random {
  private at = 0;
  constructor(private readonly draws: readonly number[]) {
    super(0);
  }
  override next(): number {
    const draw = this.draws[this.at++];
    if (draw === undefined) throw new Error('more draws than torchvision made');
    return draw;
  }
  get used(): number {
    return this.at;
  }
}

describe('parameters equal torchvision’s for the same draws', () => {
  it.each(golden.parameters)('$kind of $options at $size', ({ kind, options, size, draws, expected }) => {
    const random = new Replay(draws);
    const [width, height] = size;
    switch (kind) {
      case 'randomResizedCrop': {
        const { scale, ratio } = options;
        const region = parameters.randomResizedCropParameters(
          { width, height },
          { scale: scale!, ratio: ratio! },
          random,
        );
        expect(region).toEqual(expected);
        break;
      }
      case 'randomErasing': {
        const { scale, ratio, value } = options;
        const made = parameters.randomErasingParameters(
          { width, height },
          { scale: scale!, ratio: ratio!, value: value! },
          random,
        );
        expect(made !== null).toBe(expected.found);
        const { i, j, h, w } = expected;
        if (made !== null) expect(made.region).toEqual({ top: i, left: j, width: w, height: h });
        break;
      }
      case 'colorJitter': {
        const made = parameters.colorJitterParameters(options, random);
        const names = ['brightness', 'contrast', 'saturation', 'hue'] as const;
        const order = (expected.fn_idx as number[]).map((i) => names[i]!);
        expect(made.map(([name]) => name)).toEqual(order.filter((name) => name !== 'saturation'));
        for (const [name, factor] of made) {
          expect(factor).toBeCloseTo(expected[`${name}_factor`] as number, 6);
        }
        break;
      }
      default: {
        const made = parameters.randomAffineParameters(
          { width, height },
          options as unknown as Parameters<typeof parameters.randomAffineParameters>[1],
          random,
        );
        expect(made.translate).toEqual(expected.translate);
        expect(made.angle).toBeCloseTo(expected.angle as number, 4);
        expect(made.scale).toBeCloseTo(expected.scale as number, 6);
        expect(made.shear[0]).toBeCloseTo((expected.shear as number[])[0]!, 4);
      }
    }
    expect(random.used).toBe(draws.length);
  });
});

describe('Augmentation', () => {
  const spec = torchvisionTransform({ resize: 24, crop: [20, 22], filter: 'bicubic' });
  const length = 3 * 20 * 22;
  const run = (augment: AugmentPreset | AugmentOptions, seed = 1): Float32Array => {
    const augmentation = new Augmentation(augment, spec);
    const out = new Float32Array(length);
    augmentation.apply(augmentation.prefix(wide), new Random(seed), out);
    return out;
  };

  it('without steps is the model’s transform', () => {
    expect(run('none')).toEqual(applyTransform(wide, spec));
    expect(toSpec([wide, wide], spec).subarray(length)).toEqual(applyTransform(wide, spec));
  });

  it('plain ignores the steps, whatever pixels it takes', () => {
    for (const augment of ['simclr', 'characters'] as const) {
      const augmentation = new Augmentation(augment, spec);
      expect(augmentation.takes).toBe(augment === 'simclr' ? 'decoded' : 'resized');
      const out = new Float32Array(length);
      augmentation.plain(augmentation.prefix(wide), out);
      expect(out).toEqual(applyTransform(wide, spec));
    }
  });

  it('a certain mirroring is the mirrored transform, twice a flip the picture', () => {
    const resized = { data: new Uint8Array(20 * 22 * 3), width: 22, height: 20 };
    resized.data.set(new Augmentation('none', spec).prefix(wide).data);
    const mirrored = toSpec([geometry.horizontalFlip(resized)], { ...spec, resize: null });
    expect(run({ horizontalFlip: 1 })).toEqual(mirrored);
    expect(geometry.verticalFlip(geometry.verticalFlip(wide)).data).toEqual(wide.data);
  });

  it.each(Object.keys(AUGMENT_PRESETS) as AugmentPreset[])(
    'preset %s: draws decide, and nothing else',
    (name) => {
      expect(run(name, 5)).toEqual(run(name, 5));
      const others = [6, 7, 8].map((seed) => run(name, seed));
      const same = others.every((other) => other.every((v, i) => v === run(name, 5)[i]));
      expect(same).toBe(name === 'none');
    },
  );

  it('probabilities are kept', () => {
    const plain = run('none');
    let flipped = 0;
    for (let seed = 0; seed < 1000; seed++) {
      if (run({ horizontalFlip: 0.3 }, seed).some((v, i) => v !== plain[i])) flipped++;
    }
    expect(flipped).toBeGreaterThan(255); // 0.3 ± 3 standard deviations
    expect(flipped).toBeLessThan(345);
  });

  it('erasing overwrites normalised values, with noise of deviation 1 where asked', () => {
    const erased = run({ erasing: { p: 1, value: 7 } });
    const part = erased.filter((v) => v === 7).length / erased.length;
    expect(part).toBeGreaterThan(0.015);
    expect(part).toBeLessThan(0.36);
    const noisy = run({ erasing: { p: 1, value: 'random', scale: [0.6, 0.8], ratio: [1, 1] } });
    const plain = run('none');
    const noise = noisy.filter((v, i) => v !== plain[i]);
    const mean = noise.reduce((sum, v) => sum + v, 0) / noise.length;
    const deviation = Math.sqrt(noise.reduce((sum, v) => sum + (v - mean) ** 2, 0) / noise.length);
    expect(Math.abs(mean)).toBeLessThan(0.15);
    expect(Math.abs(deviation - 1)).toBeLessThan(0.1);
  });
});

describe('options', () => {
  const size = { width: 32, height: 40 };

  it('are completed with torchvision’s defaults', () => {
    const simclr = resolveAugment('simclr', { width: 224, height: 224 });
    expect(simclr.randomResizedCrop).toEqual({ scale: [0.08, 1], ratio: [3 / 4, 4 / 3] });
    expect(simclr.gaussianBlur).toEqual({ kernel: 23, sigma: [0.1, 2], p: 0.5 });
    expect(simclr.colorJitter?.brightness).toEqual([1 - 0.8, 1.8]);
    expect(simclr.colorJitter?.hue).toEqual([-0.2, 0.2]);
    expect(resolveAugment('light', size).randomCrop).toEqual({
      padding: 4,
      mode: 'constant',
      fill: [0, 0, 0],
    });
    expect(resolveAugment({ rotation: 10 }, size).rotation?.degrees).toEqual([-10, 10]);
    const jitter = resolveAugment({ colorJitter: { brightness: 2, contrast: 0 } }, size).colorJitter;
    expect(jitter).toEqual({ p: 1, brightness: [0, 3] });
  });

  it.each<[string, unknown, string, string | undefined]>([
    ['an unknown preset', 'simclrs', 'Expected one of none, light', 'did you mean simclr?'],
    ['an unknown step', { horizontalflip: 0.5 }, 'received horizontalflip', 'did you mean horizontalFlip?'],
    [
      'an unknown field',
      { erasing: { scal: [0, 1] } },
      'in augment.erasing but received scal',
      'did you mean scale?',
    ],
    [
      'a probability above 1',
      { grayscale: 20 },
      'from 0 to 1 for augment.grayscale but received 20',
      undefined,
    ],
    [
      'a hue beyond half the circle',
      { colorJitter: { hue: 0.6 } },
      'from 0 to 0.5 for augment.colorJitter.hue',
      undefined,
    ],
    [
      'a range upside down',
      { randomResizedCrop: { scale: [1, 0.5] } },
      '[min, max] for augment.randomResizedCrop.scale',
      undefined,
    ],
    ['an area of nothing', { randomResizedCrop: { scale: [0, 1] } }, 'above 0', undefined],
    [
      'an even kernel',
      { gaussianBlur: { kernel: 4 } },
      'an odd number for augment.gaussianBlur.kernel',
      undefined,
    ],
    ['a kernel larger than the picture', { gaussianBlur: { kernel: 65 } }, 'from 1 to 63', undefined],
    ['no degrees', { rotation: {} }, 'augment.rotation.degrees but received undefined', undefined],
    [
      'a colour out of range',
      { rotation: { degrees: 5, fill: 256 } },
      'augment.rotation.fill but received 256',
      undefined,
    ],
    ['part of a pixel', { randomCrop: { padding: 2.5 } }, 'whole pixels', undefined],
    ['a list', [], 'Expected an object', undefined],
  ])('refuse %s', (_, given, message, hint) => {
    const resolve = () => resolveAugment(given as AugmentOptions, size);
    expect(resolve).toThrow(UsageError);
    expect(resolve).toThrow(message);
    try {
      resolve();
    } catch (error) {
      expect((error as UsageError).hint).toBe(hint);
    }
  });
});
