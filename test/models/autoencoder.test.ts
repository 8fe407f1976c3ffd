/** @file The autoencoder against PyTorch. */

import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ModelError } from '#src/errors.js';
import { Graph, openSession } from '#src/graph/index.js';
import {
  autoencoder,
  autoencoderConfig,
  decoderGraph,
  referenceAutoencoder,
  trainingForm,
} from '#src/models/autoencoder.js';
import { build, compare, expectParity, fixture, readConfig, readHeader, readTensor } from './parity.js';

const reference = fixture('cnn', 'autoencoder');
const narrow = fixture('cnn', 'autoencoder-bottleneck');
/** Four stages with batch normalisation, kernels of 4, a bottleneck of 10. */
const deep = fixture('trained', 'autoencoder-deep');
/** Variational, oblong. */
const variational = fixture('trained', 'autoencoder-variational');

describe('autoencoder', () => {
  it('equals PyTorch: the reference, 3 × 64 × 64 → 8192 → 3 × 64 × 64', async () => {
    await expectParity(autoencoder, reference);
    const { graph, config } = build(autoencoder, reference);
    expect(graph.outputs.get('latent')!.shape).toEqual(['N', 8192]);
    expect(graph.outputs.get('reconstruction')!.shape).toEqual(['N', 3, 64, 64]);
    expect(autoencoder.defaultOutput(config)).toBe('latent');
  });

  it('equals PyTorch: three stages, an oblong input and a linear bottleneck', async () => {
    await expectParity(autoencoder, narrow);
  });

  it.each([deep, variational])('equals PyTorch: %s', async (folder) => {
    await expectParity(autoencoder, folder);
    const bare = build(autoencoder, folder, { config: { input: readConfig(folder)!.input } });
    expect(bare.config, 'told by the tensors alone').toEqual(build(autoencoder, folder).config);
  });

  it.each([deep, variational])('equals PyTorch in training mode: %s', async (folder) => {
    const { config, bind } = build(autoencoder, folder);
    const io = readHeader(path.join(folder, 'io.safetensors'));
    const train = (name: string) => readTensor(io.get(`train.${name}`)!);
    const [pixels, noise] = [train('pixels'), train('noise')];
    const graph = new Graph('step');
    const x = graph.input('pixels', pixels.dims);
    const drawn = config.variational ? graph.input('noise', noise.dims) : undefined;
    const form = trainingForm(config, x, drawn);
    graph.output('reconstruction', form.reconstruction);
    graph.output('latent', form.mean);
    if (form.logVariance) graph.output('log_variance', form.logVariance);
    expect(form.statistics.length).toBe(config.batchNorm ? 2 * config.channels.length - 1 : 0);
    const session = await openSession(graph, bind, { inline: true, threads: 1 });
    const results = await session.run({ pixels, ...(drawn ? { noise } : {}) });
    await session.release();
    for (const name of graph.outputs.keys()) {
      const expected = train(name);
      const { relative } = compare(
        results[name]!.data as Float32Array,
        expected.data as Float32Array,
        expected.dims.at(-1)!,
      );
      expect(relative, name).toBeLessThan(2e-5);
    }
    if (config.variational) expect(() => trainingForm(config, x)).toThrow(/expected noise/);
  });

  it('decodes a latent vector to the reconstruction', async () => {
    const { config, graph, bind } = build(autoencoder, variational);
    const decoder = decoderGraph(config);
    const pixels = readTensor(readHeader(path.join(variational, 'io.safetensors')).get('train.pixels')!);
    const [whole, half] = await Promise.all(
      [graph, decoder].map((g) => openSession(g, bind, { inline: true })),
    );
    const { latent, reconstruction } = await whole!.run({ pixel_values: pixels });
    const decoded = await half!.run({ latent: latent! });
    await Promise.all([whole!.release(), half!.release()]);
    expect(decoded.reconstruction).toEqual(reconstruction);
  });

  it('has a bottleneck of any length under any number of halvings', () => {
    const config = autoencoderConfig({ channels: [32, 64, 128, 256], latent: 128, batchNorm: true });
    const { outputs } = autoencoder.image(config);
    expect(outputs.get('latent')!.shape).toEqual(['N', 128]);
    expect(outputs.get('reconstruction')!.shape).toEqual(['N', 3, 64, 64]);
    expect(() => autoencoderConfig({ variational: true })).toThrow(/expected a length for "latent"/);
    expect(() => autoencoderConfig({ height: 36, channels: [8, 8, 8] })).toThrow(/divisible by 8/);
    expect(() => autoencoderConfig({ noise: -1 })).toThrow(/"noise"/);
  });

  it('reads channels and bottleneck off the tensors without a configuration', () => {
    const { config } = build(autoencoder, reference, { config: null });
    expect(config).toEqual(referenceAutoencoder);
  });

  it('encodes without the decoder in the session', async () => {
    await expectParity(autoencoder, narrow, { outputs: ['latent'] });
  });

  it.each([
    [{ input: [3, 65, 64] }, /divisible by 4 \(2 halvings\) but received 65 × 64/],
    [{ input: [1, 64, 64] }, /"input" to be \[3, height, width\]/],
    [{ channels: [16, 48] }, /"encoder\.2\.weight" to be \[48, 16, 3, 3\] but it is \[32, 16, 3, 3\]/],
    [{ latent: 128 }, /"encode\.weight" \[128, 8192\]/],
    [{ kernel: 5 }, /"kernel" to be 3 or 4 but received 5/],
    [{ variational: true, latent: 20 }, /a tensor "mean\.weight"/],
    [{ latent: -1 }, /"latent" to be a length or null but received -1/],
  ])('refuses %j', (change, message) => {
    const refused = () => build(autoencoder, reference, { config: { ...readConfig(reference), ...change } });
    expect(refused).toThrow(ModelError);
    expect(refused).toThrow(message);
  });
});
