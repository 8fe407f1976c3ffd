/** @file The autoencoder against PyTorch. */

import { describe, expect, it } from 'vitest';
import { ModelError } from '#src/errors.js';
import { autoencoder, referenceAutoencoder } from '#src/models/autoencoder.js';
import { build, expectParity, fixture, readConfig } from './parity.js';

const reference = fixture('cnn', 'autoencoder');
const narrow = fixture('cnn', 'autoencoder-bottleneck');

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
    [{ latent: -1 }, /"latent" to be a length or null but received -1/],
  ])('refuses %j', (change, message) => {
    const refused = () => build(autoencoder, reference, { config: { ...readConfig(reference), ...change } });
    expect(refused).toThrow(ModelError);
    expect(refused).toThrow(message);
  });
});
