/** @file Images through an autoencoder and back: the network's own numbers, errors per image, the sheet of pairs. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelError, UsageError } from '#src/errors.js';
import {
  autoencoder,
  autoencoderConfig,
  autoencoderJson,
  saveModel,
  transformTo,
} from '#src/models/index.js';
import {
  loadAutoencoder,
  type Reconstruction,
  reconstructFiles,
  writeContactSheet,
} from '#src/training/index.js';
import { initialise } from '#src/training/initialise.js';
import { makeImages, makeModel, seeded } from '../cli/images.js';
import { run } from '../cli/run.js';

const SIZE = 16;
const options = { threads: 1, workers: 0, inline: true } as const;
let folder: string;
const at = (...parts: string[]) => path.join(folder, ...parts);

/** A network with random numbers, made for pixels that had `mean` and `std` taken off. */
async function save(name: string, mean = 0, std = 1): Promise<void> {
  const config = autoencoderConfig({
    height: SIZE,
    width: SIZE,
    channels: [6, 8],
    latent: 5,
    variational: true,
  });
  await saveModel(at(name), {
    config: autoencoderJson(config),
    tensors: initialise(autoencoder.image(config).parameters.values(), 4),
    transform: transformTo(config, { mean: [mean, mean, mean], std: [std, std, std] }),
    card: { title: name, summary: 's', network: {}, data: {}, split: {}, training: {}, metrics: {}, seed: 4 },
  });
}

/** Pictures that no resizing changes. */
function pictures(n: number) {
  const random = seeded(11);
  return Array.from({ length: n }, () => ({
    width: SIZE,
    height: SIZE,
    data: Uint8Array.from({ length: SIZE * SIZE * 3 }, () => Math.floor(random() * 256)),
  }));
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'reconstruct-'));
  await save('ae');
  await makeImages(at('photos'), 5, 40, 30);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('an autoencoder', () => {
  it.each([
    ['pixels in 0..1', 0, 1],
    ['pixels that are centred first', 0.5, 0.5],
  ])('compares the image with what came back: %s', async (name, mean, std) => {
    await save(name, mean, std);
    const images = pictures(11);
    await using network = await loadAutoencoder(at(name), options);
    const results: Reconstruction[] = [];
    for await (const result of network.reconstruct(images)) results.push(result as Reconstruction);
    const plane = SIZE * SIZE;
    const input = new Float32Array(images.length * 3 * plane);
    for (const [n, { data }] of images.entries())
      for (let c = 0; c < 3; c++)
        for (let i = 0; i < plane; i++)
          input[(3 * n + c) * plane + i] = (data[3 * i + c]! / 255 - mean) / std;
    const { session } = await network.model.openImage('reconstruction', { inline: true, threads: 1 });
    const dims = [images.length, 3, SIZE, SIZE];
    const values = (await session.run({ pixel_values: { data: input, dims } })).reconstruction!.data;
    await session.release();
    expect(results.map((r) => r.index)).toEqual(images.map((_, i) => i));
    for (const [n, result] of results.entries()) {
      let sum = 0;
      for (let c = 0; c < 3; c++)
        for (let i = 0; i < plane; i++) {
          const y = Number(values[(3 * n + c) * plane + i]);
          sum += (images[n]!.data[3 * i + c]! / 255 - y) ** 2;
          expect(Math.abs(result.reconstruction.data[3 * i + c]! - 255 * y)).toBeLessThan(0.501);
        }
      expect(result.original.data).toEqual(images[n]!.data);
      expect(result.mse).toBeCloseTo(sum / (3 * plane), 6);
      expect(result.psnr).toBeCloseTo(10 * Math.log10((3 * plane) / sum), 3);
    }
  });

  it('decodes what it encoded to the same pictures', async () => {
    const images = pictures(3);
    await using network = await loadAutoencoder(at('ae'), options);
    const latents: number[] = [];
    for await (const result of network.encode(images)) if ('vector' in result) latents.push(...result.vector);
    expect(latents.length).toBe(3 * network.dimension);
    const decoded = await network.decode(Float32Array.from(latents));
    let i = 0;
    for await (const result of network.reconstruct(images))
      expect(decoded[i++]).toEqual((result as Reconstruction).reconstruction);
    await expect(network.decode(new Float32Array(7))).rejects.toThrow(/of 5 numbers but received 7/);
    // More than one run of the decoder.
    const many = await network.decode(new Float32Array(70 * 5));
    expect(many.length).toBe(70);
    expect(many[69]).toEqual(many[0]);
  });

  it('goes on after an image that cannot be read', async () => {
    writeFileSync(at('broken.jpg'), 'no image');
    await using network = await loadAutoencoder(at('ae'), options);
    const results = [];
    const progress: number[][] = [];
    const items = [at('broken.jpg'), at('photos', '000.jpg'), at('gone.jpg')];
    const onProgress = ({
      done,
      failed,
      total,
    }: {
      done: number;
      failed: number;
      total: number | undefined;
    }) => progress.push([done, failed, total!]);
    for await (const result of network.reconstruct(items, { onProgress })) results.push(result);
    expect(results.map((r) => ('failure' in r ? r.failure.stage : 'ok'))).toEqual(['decode', 'ok', 'read']);
    expect(progress.at(-1)).toEqual([3, 2, 3]);
  });

  it('is told from other networks', async () => {
    makeModel(at('resnet'), 'cnn/resnet-basic', 64);
    await expect(loadAutoencoder(at('resnet'), options)).rejects.toThrow(ModelError);
    await expect(loadAutoencoder(at('resnet'), options)).rejects.toThrow(/an autoencoder but found resnet/);
  });
});

describe('reconstructFiles', () => {
  it('writes the error of every image, and shows the worst first', async () => {
    const { images, failed, psnr } = await reconstructFiles([at('photos')], at('ae'), {
      sheet: at('worst.png'),
      scores: at('scores.jsonl'),
      count: 2,
      worst: true,
      autoencoder: options,
    });
    const rows = readFileSync(at('scores.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; mse: number; psnr: number });
    expect({ images, failed }).toEqual({ images: 5, failed: 0 });
    expect(rows.map((r) => path.basename(r.id)).sort()).toEqual([0, 1, 2, 3, 4].map((n) => `00${n}.jpg`));
    expect(rows.map((r) => r.mse)).toEqual(rows.map((r) => r.mse).sort((a, b) => b - a));
    expect(psnr).toBeCloseTo(rows.reduce((sum, r) => sum + r.psnr, 0) / 5, 9);
    const [worst] = rows as [(typeof rows)[number]];
    await using network = await loadAutoencoder(at('ae'), options);
    const { value } = await network.reconstruct([worst.id]).next();
    await expectPair(at('worst.png'), value as Reconstruction, 12, 12);
    const again = reconstructFiles([at('photos')], at('ae'), {
      scores: at('scores.jsonl'),
      autoencoder: options,
    });
    await expect(again).rejects.toThrow(UsageError);
  });

  it('gives the images back, with a table that a spreadsheet opens', async () => {
    const { psnr } = await reconstructFiles([at('photos')], at('ae'), {
      scores: at('scores.csv'),
      images: at('back'),
      autoencoder: options,
    });
    const [head, ...rows] = readFileSync(at('scores.csv'), 'utf8').trim().split('\n');
    expect(head).toBe('id,mse,psnr');
    expect(rows.reduce((sum, row) => sum + Number(row.split(',')[2]), 0) / 5).toBeCloseTo(psnr, 9);
    expect(readdirSync(at('back')).sort()).toEqual([0, 1, 2, 3, 4].map((n) => `00000${n}-00${n}.png`));
    await using network = await loadAutoencoder(at('ae'), options);
    const { value } = await network.reconstruct([at('photos', '003.jpg')]).next();
    const { data } = await sharp(at('back', '000003-003.png')).raw().toBuffer({ resolveWithObject: true });
    expect(new Uint8Array(data)).toEqual((value as Reconstruction).reconstruction.data);
  });

  it('on the command line', async () => {
    const words = ['reconstruct', 'photos', 'gone.jpg', '--model', './ae', '--out', 'sheet.webp', '--json'];
    const { code, stdout, stderr } = await run(words, { cwd: folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('failed: gone.jpg') });
    expect(JSON.parse(stdout)).toMatchObject({ images: 5, failed: 1 });
    expect((await sharp(at('sheet.webp')).metadata()).format).toBe('webp');
    const refused = await run(words, { cwd: folder });
    expect({ code: refused.code, stderr: refused.stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('sheet.webp: there is something of this name already'),
    });
    const nothing = await run(['reconstruct', 'gone.jpg', '-m', './ae', '-o', 'none.png'], { cwd: folder });
    expect(nothing.code).toBe(1);
    expect(existsSync(at('none.png'))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

/** That the pair lies at a place of the sheet: pixels as squares of 6, two white columns between. */
async function expectPair(file: string, pair: Reconstruction, left: number, top: number): Promise<void> {
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const scale = 96 / SIZE;
  for (const [picture, x0] of [
    [pair.original, left],
    [pair.reconstruction, left + 96 + 2],
  ] as const)
    for (let y = 0; y < 96; y += 5)
      for (let x = 0; x < 96; x += 5) {
        const from = 3 * (Math.floor(y / scale) * SIZE + Math.floor(x / scale));
        const to = 3 * ((top + y) * info.width + x0 + x);
        expect([...data.subarray(to, to + 3)]).toEqual([...picture.data.subarray(from, from + 3)]);
      }
}

describe('writeContactSheet', () => {
  const pair = (id: string): Reconstruction => {
    const [original, reconstruction] = pictures(2);
    return { index: 0, id, original: original!, reconstruction: reconstruction!, mse: 0.01, psnr: 20 };
  };

  it('lays pairs out in rows, under a title', async () => {
    const pairs = Array.from({ length: 5 }, (_, i) => pair(`<${i}> & "${'long'.repeat(20)}".jpg`));
    await writeContactSheet(at('rows.png'), pairs, { columns: 2, title: 'Pairs & more' });
    const { width, height } = await sharp(at('rows.png')).metadata();
    expect({ width, height }).toEqual({ width: 12 + 2 * (194 + 12), height: 12 + 34 + 3 * (96 + 18 + 12) });
    await expectPair(at('rows.png'), pairs[4]!, 12, 12 + 34 + 2 * (96 + 18 + 12));
  });

  it('takes whatever a file may be called', async () => {
    await writeContactSheet(at('named.png'), [pair('a\u0007\n\ud800.jpg')]);
    await expectPair(at('named.png'), pair(''), 12, 12);
  });

  it('refuses what it cannot draw', async () => {
    await expect(writeContactSheet(at('x.png'), [])).rejects.toThrow(/at least one image/);
    await expect(writeContactSheet(at('x.gif'), [pair('a')])).rejects.toThrow(/ends in \.png, \.webp/);
  });
});
