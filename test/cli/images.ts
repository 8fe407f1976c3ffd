/** @file Small pictures and a small network for runs of the program. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';

/** A repeatable sequence of numbers in 0..1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Writes `n` JPEGs, each of its own colours, into `folder` as `000.jpg`, `001.jpg`, …; returns their names. */
export async function makeImages(folder: string, n: number, width = 64, height = 48): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const random = seeded(n);
  const names: string[] = [];
  for (let i = 0; i < n; i++) {
    const small = Uint8Array.from({ length: 4 * 3 * 3 }, () => Math.floor(random() * 256));
    const name = `${String(i).padStart(3, '0')}.jpg`;
    await sharp(small, { raw: { width: 4, height: 3, channels: 3 } })
      .resize(width, height, { kernel: 'cubic' })
      .jpeg()
      .toFile(path.join(folder, name));
    names.push(name);
  }
  return names;
}

const FIXTURES = path.join(import.meta.dirname, '..', 'fixtures', 'models');

/** Copies a small network with random weights to `folder`, with a preprocessing: a model as a publisher offers it. */
export function makeModel(folder: string, fixture: string, size: number): string {
  cpSync(path.join(FIXTURES, fixture), folder, { recursive: true });
  const preprocessing = {
    image_processor_type: 'ViTImageProcessor',
    do_resize: true,
    size: { height: size, width: size },
    resample: 2,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.5, 0.5, 0.5],
  };
  writeFileSync(path.join(folder, 'preprocessor_config.json'), JSON.stringify(preprocessing));
  return folder;
}

/** Gives a copy of the small CLIP (60 tokens, 12 of them a text) a tokenizer of single letters. */
export function makeClip(folder: string): string {
  makeModel(folder, 'transformers/clip', 32);
  const small = path.join(FIXTURES, '..', 'tokenizer', 'small', 'tokenizer.json');
  const json = JSON.parse(readFileSync(small, 'utf8').replaceAll('2012', '52').replaceAll('2013', '53')) as {
    model: { vocab: Record<string, number>; merges: unknown[] };
    truncation: unknown;
    padding: unknown;
  };
  const letters = [...'abcdefghijklmnopqrstuvwxyz'].flatMap((c) => [c, `${c}</w>`]);
  const specials = ['<|startoftext|>', '<|endoftext|>'];
  json.model.vocab = Object.fromEntries([...letters, ...specials].map((token, id) => [token, id]));
  json.model.merges = [];
  json.truncation = null;
  json.padding = null;
  writeFileSync(path.join(folder, 'tokenizer.json'), JSON.stringify(json));
  const config = { tokenizer_class: 'CLIPTokenizer', model_max_length: 12, pad_token: '<|endoftext|>' };
  writeFileSync(path.join(folder, 'tokenizer_config.json'), JSON.stringify(config));
  return folder;
}
