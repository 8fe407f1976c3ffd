/** @file First weights against the distributions that PyTorch's, torchvision's and timm's constructors draw from. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ModelError } from '#src/errors.js';
import { backboneConfig } from '#src/models/index.js';
import { type InitScheme, initialise } from '#src/training/initialise.js';

interface Measured {
  shape: number[];
  numbers: number;
  std: number;
  /** At 0, 1, 5, 25, 50, 75, 95, 99 and 100 %. */
  quantiles: number[];
}

const file = path.join(import.meta.dirname, '..', 'fixtures', 'models', 'trained', 'initial.json');
const measured = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Measured>;
const LEVELS = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/** Shapes of the weights beside the biases that were measured. */
const WEIGHTS: Record<string, number[]> = {
  'pytorch conv.bias': [1000, 16, 3, 3],
  'pytorch transposed.bias': [32, 1000, 3, 3],
  'pytorch linear.bias': [1000, 300],
  'resnet fc.bias': [1000, 512],
  'vit patch_embed.proj.bias': [64, 3, 8, 8],
  'vit blocks.0.attn.qkv.bias': [192, 64],
};

/** A tensor drawn with seeds 0, 1, … until there are numbers enough, sorted. */
function draw(key: string, shape: number[]): Float64Array {
  const [scheme, name] = key.split(' ') as [InitScheme, string];
  const weight = WEIGHTS[key];
  const parameters = [{ name, shape }];
  if (weight) parameters.push({ name: name.replace(/bias$/, 'weight'), shape: weight });
  const wanted = weight ? 20_000 : 100_000; // a bias costs its weight each time
  const parts: Float32Array[] = [];
  const length = shape.reduce((n, d) => n * d, 1);
  const draws = Math.min(Math.ceil(wanted / length), 300);
  for (let seed = 0; seed < draws; seed++)
    parts.push(initialise(parameters, seed, { scheme }).get(name)!.data);
  const values = new Float64Array(draws * length);
  for (const [i, part] of parts.entries()) values.set(part, i * length);
  return values.sort();
}

describe('initialise', () => {
  it.each(Object.entries(measured))(
    '%s is drawn as the reference draws it',
    (key, { shape, std, quantiles, numbers }) => {
      const values = draw(key, shape);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const own = Math.sqrt(values.reduce((a, x) => a + (x - mean) ** 2, 0) / values.length);
      if (std === 0) {
        expect([values[0], values.at(-1)]).toEqual([quantiles[0], quantiles.at(-1)]);
        return;
      }
      // Both are samples: their deviations and quantiles differ by a few standard errors.
      const error = Math.sqrt(1 / values.length + 1 / numbers);
      expect(Math.abs(mean) / std).toBeLessThan(5 * error);
      expect(Math.abs(own / std - 1)).toBeLessThan(5 * error);
      LEVELS.forEach((level, i) => {
        const at = values[Math.round(level * (values.length - 1))]!;
        const tail = level < 0.02 || level > 0.98 ? 25 : 8; // the density of a normal is low there
        expect(Math.abs(at - quantiles[i + 1]!) / std, `quantile ${level}`).toBeLessThan(tail * error);
      });
      const uniform = quantiles.at(-1)! / std < 1.75;
      if (uniform) {
        const bound = std * Math.sqrt(3);
        expect(values.at(-1)! / bound).toBeGreaterThan(0.99);
        expect(values.at(-1)! / bound).toBeLessThan(1.02);
      }
    },
  );

  it('depends on the seed and the name, and on nothing else that is drawn', () => {
    const one = { name: 'a.weight', shape: [8, 8] };
    const two = { name: 'b.weight', shape: [8, 8] };
    const alone = initialise([one], 3).get('a.weight')!.data;
    const both = initialise([two, one], 3);
    expect(both.get('a.weight')!.data).toEqual(alone);
    expect(both.get('b.weight')!.data).not.toEqual(alone);
    expect(initialise([one], 4).get('a.weight')!.data).not.toEqual(alone);
  });

  it('knows every tensor of the networks that start at random', () => {
    for (const name of ['resnet18', 'resnet50', 'conv4']) {
      const { image, scheme } = backboneConfig(name, { inputSize: 64, width: 0.25 });
      const { parameters } = image();
      const drawn = initialise(parameters.values(), 0, { scheme });
      expect([...drawn.keys()]).toEqual([...parameters.keys()]);
      for (const [key, { data }] of drawn)
        if (key.endsWith('running_var')) expect([...new Set(data)], key).toEqual([1]);
    }
  });

  it('refuses what it has no rule for', () => {
    expect(() => initialise([{ name: 'gamma', shape: [3] }], 0)).toThrow(ModelError);
    expect(() => initialise([{ name: 'x.bias', shape: [3] }], 0)).toThrow(/"x\.weight" beside "x\.bias"/);
  });
});
