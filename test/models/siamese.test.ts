/** @file The Siamese network against PyTorch. */

import { describe, expect, it } from 'vitest';
import { ModelError } from '#src/errors.js';
import { siamese } from '#src/models/architectures.js';
import { backboneConfig } from '#src/models/backbones.js';
import { resnet } from '#src/models/resnet.js';
import { siameseConfig, siameseJson, siameseOver } from '#src/models/siamese.js';
import { build, expectParity, fixture, readConfig } from './parity.js';

const reference = fixture('cnn', 'siamese');
const small = fixture('trained', 'siamese-small');
const pooled = fixture('cnn', 'siamese-pooled');

describe('siamese', () => {
  it('equals PyTorch: a ResNet of basic blocks, its logits, a linear head', async () => {
    await expectParity(siamese, reference);
  });

  it('equals PyTorch: a head on the pooled features of VGG', async () => {
    await expectParity(siamese, pooled);
    const { config } = build(siamese, pooled);
    expect(siamese.inputSize(config)).toEqual({ height: 64, width: 48 });
  });

  it('equals PyTorch: the stem for small images, a head with a hidden layer', async () => {
    await expectParity(siamese, small);
    const { config } = build(siamese, small);
    expect(siameseJson(config)).toEqual(readConfig(small));
    expect(siamese.image(siamese.resize!(config, { height: 48, width: 40 })).inputs[0]!.shape).toEqual([
      'N',
      3,
      48,
      40,
    ]);
  });

  it('without a head gives the vector of the backbone', () => {
    const backbone = backboneConfig('conv4');
    const { outputs, parameters } = siamese.image(siameseConfig({ backbone, head: null }));
    expect(outputs.get('embedding')!.shape).toEqual(['N', 64]);
    expect([...parameters.keys()].filter((name) => !name.startsWith('backbone.'))).toEqual([]);
    expect(() => siameseConfig({ backbone, head: null, hidden: 8 })).toThrow(/no hidden layer/);
    expect(() => siameseConfig({ backbone, head: 0 })).toThrow(/"head" to be a length/);
    expect(() => siameseConfig({ backbone, from: 'logits' })).toThrow(/of the conv4 backbone/);
  });

  it('leaves the names of the backbone as they are, behind a prefix', () => {
    const { graph, tensors } = build(siamese, reference);
    expect([...graph.parameters.keys()].sort()).toEqual([...tensors.keys()].sort());
  });

  it('takes only weights that say that they are a Siamese network', () => {
    expect(() => build(siamese, reference, { config: null })).toThrow(/does not recognise/);
  });

  it.each([
    [siamese, { from: 'tokens' }, /"from" to be an output of the vgg backbone .* received "tokens"/],
    [siamese, { head: 128 }, /a head of 128 but the weights have 8/],
    [siamese, { from: 'logits' }, /an output of the vgg backbone .* received "logits"/],
    [siameseOver([resnet]), {}, /none of resnet knows the backbone/],
  ])('refuses what does not fit: %#', (architecture, change, message) => {
    const refused = () => build(architecture, pooled, { config: { ...readConfig(pooled), ...change } });
    expect(refused).toThrow(ModelError);
    expect(refused).toThrow(message);
  });
});
