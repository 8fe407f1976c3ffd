/**
 * @file Tensors equal to the bit to those of torchvision, transformers, open_clip and timm on the same pictures.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ImageError, UsageError } from '#src/errors.js';
import {
  applyTransform,
  decodeImage,
  openClipTransform,
  outputSize,
  type TransformSpec,
  timmTransform,
  torchvisionTransform,
  transformFromPreprocessorConfig,
} from '#src/image/index.js';
import { fixtures, readGolden, sha256 } from './golden.js';

interface Case {
  kind: 'torchvision' | 'transformers' | 'open_clip' | 'timm';
  options: Record<string, unknown>;
  picture: string;
  shape: number[];
  sha256: string;
  middle: number[];
  error?: string;
}

const presets: Record<Case['kind'], (options: never) => TransformSpec> = {
  torchvision: torchvisionTransform,
  open_clip: openClipTransform,
  timm: timmTransform,
  transformers: transformFromPreprocessorConfig,
};

const groups = grouped(Object.values(readGolden<Case>('transforms.json')));

function keyOf({ kind, options }: Case): string {
  return `${kind} ${JSON.stringify(options)}`;
}

/** Map.groupBy, which Node 20 lacks. */
function grouped(cases: Case[]): Map<string, Case[]> {
  const map = new Map<string, Case[]>();
  for (const one of cases) map.set(keyOf(one), [...(map.get(keyOf(one)) ?? []), one]);
  return map;
}

describe('equal to the reference to the bit', () => {
  it.each([...groups])('%s', async (_, cases) => {
    for (const { kind, options, picture, shape, sha256: expected, middle, error } of cases) {
      const image = await decodeImage(readFileSync(path.join(fixtures, 'files', picture)));
      const spec = presets[kind](options as never);
      if (error !== undefined) {
        expect(() => applyTransform(image, spec), picture).toThrow(ImageError);
        continue;
      }
      const { height, width } = outputSize(spec);
      expect([3, height, width], picture).toEqual(shape);
      const tensor = applyTransform(image, spec);
      const centre = Math.floor(height / 2) * width + Math.floor(width / 2);
      expect(
        [0, 1, 2].map((c) => tensor[c * height * width + centre]),
        picture,
      ).toEqual(middle);
      expect(sha256(new Uint8Array(tensor.buffer)), picture).toBe(expected);
    }
  });
});

describe('applyTransform', () => {
  const image = { data: new Uint8Array(40 * 30 * 3).fill(100), width: 40, height: 30 };

  it('writes into a row of a batch', () => {
    const spec = torchvisionTransform({ resize: 20, crop: 10 });
    const batch = new Float32Array(2 * 300);
    applyTransform(image, spec, batch.subarray(300));
    expect(batch.subarray(0, 300).every((v) => v === 0)).toBe(true);
    expect(batch.subarray(300)).toEqual(applyTransform(image, spec));
    expect(() => applyTransform(image, spec, new Float32Array(7))).toThrow(UsageError);
  });

  it('needs a size that does not depend on the picture', () => {
    expect(() => outputSize(torchvisionTransform({ resize: 20, crop: null }))).toThrow(
      'depends on the picture',
    );
  });

  it('fails where a side would vanish, as Pillow does', () => {
    const line = { data: new Uint8Array(3000 * 3), width: 3000, height: 1 };
    const spec = openClipTransform({ size: 64, resize_mode: 'longest' });
    expect(() => applyTransform(line, spec)).toThrow(ImageError);
  });

  it('is plain JSON', () => {
    const spec = timmTransform({ input_size: [3, 32, 32], crop_mode: 'border' });
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
  });
});

describe('transformFromPreprocessorConfig', () => {
  it('takes the Fast variant, composite files and files without a name', () => {
    const config = { image_processor_type: 'ViTImageProcessor', size: { height: 8, width: 9 } };
    const expected = transformFromPreprocessorConfig(config);
    const fast = { ...config, image_processor_type: 'ViTImageProcessorFast' };
    expect(transformFromPreprocessorConfig(fast)).toEqual(expected);
    expect(transformFromPreprocessorConfig({ image_processor: config, tokenizer: {} })).toEqual(expected);
    expect(
      transformFromPreprocessorConfig({ size: { height: 8, width: 9 }, image_mean: [0.5, 0.5, 0.5] }),
    ).toEqual(expected);
  });

  it.each<[unknown, string]>([
    [null, 'expected an object but received null'],
    [{ image_processor_type: 'ClipImageProcessor' }, 'ClipImageProcessor is not known'],
    [{ image_processor_type: 'CLIPImageProcessor', size: { longest_edge: 5 } }, 'for size but received'],
    [
      { image_processor_type: 'CLIPImageProcessor', resample: 9 },
      'a code of 0 to 5 for resample but received 9',
    ],
    [{ image_processor_type: 'CLIPImageProcessor', image_mean: [0.5] }, 'three numbers for image_mean'],
    [{ image_processor_type: 'CLIPImageProcessor', do_resize: 'yes' }, 'true or false for do_resize'],
  ])('refuses %j', (config, message) => {
    expect(() => transformFromPreprocessorConfig(config, 'p.json')).toThrow(message);
    expect(() => transformFromPreprocessorConfig(config, 'p.json')).toThrow(UsageError);
  });
});
