/** @file Networks that start at random: PyTorch's shapes and names, any size, any width. */
import { describe, expect, it } from 'vitest';
import { backboneConfig } from '#src/models/backbones.js';
import { conv4 } from '#src/models/conv4.js';
import { resnet } from '#src/models/resnet.js';
import { build, expectParity, fixture } from './parity.js';

const folder = fixture('trained', 'conv4');
const weights = (name: string) => {
  const { parameters } = backboneConfig(name).image();
  const learned = [...parameters.values()].filter((p) => !p.name.includes('running_'));
  return learned.reduce((n, p) => n + p.shape.reduce((a, b) => a * b, 1), 0);
};

describe('conv4', () => {
  it('equals PyTorch', async () => {
    await expectParity(conv4, folder);
    expect(build(conv4, folder).config).toEqual({ height: 28, width: 28, channels: [8, 8, 8, 8] });
  });

  it('equals PyTorch where pooling rounds down and the last map is no single pixel', async () => {
    await expectParity(conv4, folder, { config: { image_size: [43, 36] }, io: 'io.larger.safetensors' });
    expect(() => build(conv4, folder, { config: { image_size: 12 } })).toThrow(/at least 16 × 16/);
  });
});

describe('backboneConfig', () => {
  // Counted in PyTorch: torchvision's models without their classifiers, and Snell et al.'s encoder for 3 channels.
  it.each([
    ['resnet18', 11_176_512],
    ['resnet34', 21_284_672],
    ['resnet50', 23_508_032],
    ['conv4', 113_088],
  ])('%s has as many weights as the reference', (name, count) => {
    expect(weights(name)).toBe(count);
  });

  it('is recognised from its own configuration and tensors', () => {
    for (const [name, architecture] of [
      ['resnet18-small', resnet],
      ['resnet18', resnet],
      ['conv4', conv4],
    ] as const) {
      const made = backboneConfig(name, { inputSize: { height: 48, width: 40 }, width: 0.25 });
      const { parameters } = made.image();
      const config = architecture.configure(made.config, parameters);
      const graph = architecture.image(config as never);
      expect(
        [...graph.parameters.values()].map((p) => [p.name, p.shape]),
        name,
      ).toEqual([...parameters.values()].map((p) => [p.name, p.shape]));
      expect(graph.nodes.map((n) => n.op)).toEqual(made.image().nodes.map((n) => n.op));
      expect(architecture.inputSize(config as never)).toEqual({ height: 48, width: 40 });
    }
  });

  it('narrows every layer by the same factor, and keeps the map of small images', () => {
    const { parameters, nodes } = backboneConfig('resnet18-small', { inputSize: 32, width: 0.5 }).image();
    expect(parameters.get('conv1.weight')!.shape).toEqual([32, 3, 3, 3]);
    expect(parameters.get('layer4.1.conv2.weight')!.shape).toEqual([256, 256, 3, 3]);
    const last = nodes.findLast((n) => n.op === 'Conv')!;
    expect(last.outputs[0]!.shape).toEqual(['N', 256, 4, 4]);
  });

  it.each([
    ['resnet81', {}, /no random network "resnet81"; did you mean "resnet18"\?/],
    ['resnet18', { width: 0 }, /a width factor above 0 but received 0/],
    ['conv4', { classes: 3 }, /has no classifier/],
  ])('refuses %s with %j', (name, options, message) => {
    expect(() => backboneConfig(name, options).image()).toThrow(message);
  });
});
