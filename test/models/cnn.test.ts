/** @file The convolutional networks against torchvision, timm and transformers. */

import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ModelError } from '#src/errors.js';
import type { Architecture, PublisherConfig, TensorShapes } from '#src/models/architecture.js';
import { inception } from '#src/models/inception.js';
import { mobilenet } from '#src/models/mobilenet.js';
import { resnet } from '#src/models/resnet.js';
import { vgg } from '#src/models/vgg.js';
import { build, expectParity, fixture, readConfig, readHeader } from './parity.js';

const cnn = (name: string) => fixture('cnn', name);
const shapes = (name: string) => readHeader(path.join(cnn(name), 'model.safetensors'));

/** The tensors of a fixture with some added, changed or (null) removed. */
function edited(name: string, changes: Record<string, number[] | null>): TensorShapes {
  const tensors = new Map<string, { shape: readonly number[] }>(shapes(name));
  for (const [key, shape] of Object.entries(changes)) {
    if (shape) tensors.set(key, { shape });
    else tensors.delete(key);
  }
  return tensors;
}

describe('parity with the reference implementation', () => {
  const cases: [string, Architecture<unknown>][] = [
    ['resnet-basic', resnet],
    ['resnet-bottleneck', resnet],
    ['resnet-grouped', resnet],
    ['resnet-d', resnet],
    ['resnet-transformers', resnet],
    ['resnet-transformers-v1', resnet],
    ['resnet-transformers-basic', resnet],
    ['vgg', vgg],
    ['vgg-bn', vgg],
    ['vgg-timm', vgg],
    ['inception', inception],
    ['mobilenet', mobilenet],
    ['mobilenet-timm', mobilenet],
  ];
  it.each(cases)('%s', async (name, architecture) => {
    await expectParity(architecture, cnn(name));
  });

  it.each([
    ['io.small', 32, 32],
    ['io.large', 72, 80],
  ])("timm's dense layers of VGG on another map than 7 × 7: %s", async (io, height, width) => {
    const config = { pretrained_cfg: { input_size: [3, height, width] } };
    await expectParity(vgg, cnn('vgg-timm'), { io: `${io}.safetensors`, config });
  });

  it('the conversion of normalisations inside Inception', async () => {
    const config = { ...readConfig(cnn('inception')), transform_input: true };
    await expectParity(inception, cnn('inception'), { io: 'io.transform.safetensors', config });
  });

  it.each([
    ['resnet-basic', resnet, /^fc\./],
    ['resnet-transformers', resnet, /^classifier\./],
    ['mobilenet', mobilenet, /^classifier\./],
    ['vgg', vgg, /^classifier\./],
    ['inception', inception, /^fc\./],
  ] as [string, Architecture<unknown>, RegExp][])(
    '%s without its classifier',
    async (name, architecture, without) => {
      await expectParity(architecture, cnn(name), { without, outputs: ['pooled'] });
      const { graph, config } = build(architecture, cnn(name), { without });
      expect(graph.outputs.has('logits')).toBe(false);
      expect(architecture.defaultOutput(config)).toBe('pooled');
    },
  );
});

describe('recognition', () => {
  const all: Architecture<unknown>[] = [resnet, vgg, inception, mobilenet];
  it.each([
    'resnet-d',
    'resnet-transformers',
    'vgg-bn',
    'vgg-timm',
    'inception',
    'mobilenet',
    'mobilenet-timm',
  ])('exactly one architecture knows %s', (name) => {
    const known = all.filter((a) => a.configure(readConfig(cnn(name)), shapes(name)) !== undefined);
    expect(known.map((a) => a.name)).toEqual([name.split('-')[0]]);
  });

  it('reads the structure off the tensors', () => {
    const structure = resnet.configure(null, shapes('resnet-grouped'))!;
    expect(structure).toMatchObject({
      block: 'bottleneck',
      height: 224,
      width: 224,
      classes: 10,
      stem: [64],
    });
    expect(structure.stages.map((s) => [s.depth, s.mid, s.out, s.groups, s.stride])).toEqual([
      [1, 16, 32, 4, 1],
      [1, 16, 32, 4, 2],
      [1, 16, 32, 4, 2],
      [1, 24, 48, 4, 2],
    ]);
    expect(vgg.configure(null, shapes('vgg-bn'))).toMatchObject({
      plan: [8, 'M', 8, 12, 'M', 16, 'M'],
      batchNorm: true,
      hidden: [24, 20],
    });
  });

  it("reads transformers' names without their prefix, as a headless model is saved", () => {
    const headless = new Map(
      [...shapes('resnet-transformers')]
        .filter(([name]) => name.startsWith('resnet.'))
        .map(([name, tensor]) => [name.slice('resnet.'.length), tensor] as const),
    );
    const structure = resnet.configure({ model_type: 'resnet', image_size: 64 }, headless)!;
    expect(structure).toMatchObject({ layout: 'transformers', prefix: '', classes: null });
    expect([...resnet.image(structure).parameters.keys()].sort()).toEqual([...headless.keys()].sort());
    expect(resnet.configure({ model_type: 'regnet' }, headless)).toBeUndefined();
  });

  it('ignores the auxiliary classifier that Inception was trained with', () => {
    const trained = edited('inception', {
      'AuxLogits.conv0.conv.weight': [4, 24, 1, 1],
      'AuxLogits.fc.bias': [10],
    });
    const names = inception.image(inception.configure(null, trained)!).parameters.keys();
    expect([...names].filter((n) => n.startsWith('AuxLogits'))).toEqual([]);
  });

  it.each([
    [{ image_size: 128 }, { height: 128, width: 128 }],
    [{ image_size: [96, 160] }, { height: 96, width: 160 }],
    [{ input_size: [3, 64, 32] }, { height: 64, width: 32 }],
    [{ pretrained_cfg: { input_size: [3, 288, 320] } }, { height: 288, width: 320 }],
    [null, { height: 224, width: 224 }],
  ])('takes the size of images from %j', (config, size) => {
    const structure = mobilenet.configure(config, shapes('mobilenet'))!;
    expect(mobilenet.inputSize(structure)).toEqual(size);
    expect(mobilenet.image(structure).inputs[0]!.shape).toEqual(['N', 3, size.height, size.width]);
  });

  it('does not claim an EfficientNet, which has the names of a MobileNet', () => {
    const squeezed = edited('mobilenet-timm', { 'blocks.0.0.se.conv_reduce.weight': [2, 8, 1, 1] });
    expect(mobilenet.configure(null, squeezed)).toBeUndefined();
    expect(
      mobilenet.configure({ architecture: 'efficientnet_b0' }, shapes('mobilenet-timm')),
    ).toBeUndefined();
  });

  it.each([
    [
      'a layer more',
      resnet,
      'resnet-basic',
      null,
      { 'layer1.0.se.fc1.weight': [2, 6, 1, 1] },
      /layer1\.0\.se\.fc1/,
    ],
    [
      'a tensor less',
      resnet,
      'resnet-basic',
      null,
      { 'layer2.0.bn1.running_mean': null },
      /layer2\.0\.bn1\.running_mean/,
    ],
    [
      'another kernel',
      resnet,
      'resnet-basic',
      null,
      { 'conv1.weight': [5, 3, 3, 3] },
      /conv1\.weight.*\[5, 3, 7, 7\]/,
    ],
    ['blurred strides', resnet, 'resnet-basic', { architecture: 'resnetblur50' }, {}, /resnetblur50/],
    [
      'another activation',
      resnet,
      'resnet-transformers',
      { model_type: 'resnet', hidden_act: 'silu' },
      {},
      /silu/,
    ],
    [
      'another depth',
      mobilenet,
      'mobilenet',
      null,
      { 'features.17.conv.0.0.weight': null },
      /17 blocks but found 16/,
    ],
    ['a size of no image', vgg, 'vgg', { image_size: 'large' }, {}, /image size.*"large"/],
  ] as [string, Architecture<unknown>, string, PublisherConfig, Record<string, number[] | null>, RegExp][])(
    'refuses %s by name',
    (_, architecture, name, config, changes, message) => {
      const refused = () => architecture.configure(config, edited(name, changes));
      expect(refused).toThrow(ModelError);
      expect(refused).toThrow(message);
    },
  );
});
