/**
 * @file Inception-v3 (Szegedy et al., 2016, arXiv:1512.00567) in the layout that torchvision and timm share
 * (`Mixed_5b.branch1x1.conv`).
 *
 * Every convolution is followed by batch normalisation (ε = 0.001) and ReLU. The auxiliary classifier of training is
 * ignored. Weights that torchvision serves expect `transform_input: true`: images normalised for ImageNet are
 * converted inside the network to mean = std = 0.5; timm's copies take images that are normalised so to begin with.
 */
import { ops, type Value } from '../graph/index.js';
import type { Architecture, PublisherConfig, TensorShapes } from './architecture.js';
import {
  batchNorm2d,
  type Conv2dOptions,
  checkTensors,
  conv2d,
  dense,
  type ImageSize,
  imageGraph,
  imageSizeOf,
  rows,
} from './layers.js';

export interface InceptionConfig extends ImageSize {
  /** Output channels of each convolution, by the name of its layer. */
  channels: Readonly<Record<string, number>>;
  transformInput: boolean;
  /** Number of classes, or null where the file has no classifier. */
  classes: number | null;
}

/** Convolution, normalisation, ReLU. */
type Layer = (x: Value, name: string, options?: Conv2dOptions) => Value;

const ROW = { kernel: [1, 7], pad: [0, 3] } as const;
const COLUMN = { kernel: [7, 1], pad: [3, 0] } as const;

const join = (...branches: Value[]): Value => ops.concat(branches, 1);
const averaged = (x: Value): Value => ops.avgPool(x, { kernel: 3, stride: 1, pad: 1 });
const halved = (x: Value): Value => ops.maxPool(x, { kernel: 3, stride: 2 });

function blockA(x: Value, p: string, layer: Layer): Value {
  const five = layer(layer(x, `${p}.branch5x5_1`), `${p}.branch5x5_2`, { kernel: 5, pad: 2 });
  let three = layer(layer(x, `${p}.branch3x3dbl_1`), `${p}.branch3x3dbl_2`, { kernel: 3, pad: 1 });
  three = layer(three, `${p}.branch3x3dbl_3`, { kernel: 3, pad: 1 });
  return join(layer(x, `${p}.branch1x1`), five, three, layer(averaged(x), `${p}.branch_pool`));
}

function blockB(x: Value, p: string, layer: Layer): Value {
  const double = layer(layer(x, `${p}.branch3x3dbl_1`), `${p}.branch3x3dbl_2`, { kernel: 3, pad: 1 });
  return join(
    layer(x, `${p}.branch3x3`, { kernel: 3, stride: 2 }),
    layer(double, `${p}.branch3x3dbl_3`, { kernel: 3, stride: 2 }),
    halved(x),
  );
}

function blockC(x: Value, p: string, layer: Layer): Value {
  let seven = layer(layer(x, `${p}.branch7x7_1`), `${p}.branch7x7_2`, ROW);
  seven = layer(seven, `${p}.branch7x7_3`, COLUMN);
  let double = layer(layer(x, `${p}.branch7x7dbl_1`), `${p}.branch7x7dbl_2`, COLUMN);
  double = layer(layer(double, `${p}.branch7x7dbl_3`, ROW), `${p}.branch7x7dbl_4`, COLUMN);
  double = layer(double, `${p}.branch7x7dbl_5`, ROW);
  return join(layer(x, `${p}.branch1x1`), seven, double, layer(averaged(x), `${p}.branch_pool`));
}

function blockD(x: Value, p: string, layer: Layer): Value {
  const three = layer(layer(x, `${p}.branch3x3_1`), `${p}.branch3x3_2`, { kernel: 3, stride: 2 });
  let seven = layer(layer(x, `${p}.branch7x7x3_1`), `${p}.branch7x7x3_2`, ROW);
  seven = layer(seven, `${p}.branch7x7x3_3`, COLUMN);
  return join(three, layer(seven, `${p}.branch7x7x3_4`, { kernel: 3, stride: 2 }), halved(x));
}

function blockE(x: Value, p: string, layer: Layer): Value {
  /** A 3×3 window as a 1×3 and a 3×1 side by side. */
  const cross = (v: Value, name: string) =>
    join(
      layer(v, `${name}a`, { kernel: [1, 3], pad: [0, 1] }),
      layer(v, `${name}b`, { kernel: [3, 1], pad: [1, 0] }),
    );
  const three = cross(layer(x, `${p}.branch3x3_1`), `${p}.branch3x3_2`);
  const double = layer(layer(x, `${p}.branch3x3dbl_1`), `${p}.branch3x3dbl_2`, { kernel: 3, pad: 1 });
  return join(
    layer(x, `${p}.branch1x1`),
    three,
    cross(double, `${p}.branch3x3dbl_3`),
    layer(averaged(x), `${p}.branch_pool`),
  );
}

const MIXED: readonly [string, typeof blockA][] = [
  ['Mixed_5b', blockA],
  ['Mixed_5c', blockA],
  ['Mixed_5d', blockA],
  ['Mixed_6a', blockB],
  ['Mixed_6b', blockC],
  ['Mixed_6c', blockC],
  ['Mixed_6d', blockC],
  ['Mixed_6e', blockC],
  ['Mixed_7a', blockD],
  ['Mixed_7b', blockE],
  ['Mixed_7c', blockE],
];

/** From ImageNet's normalisation to mean = std = 0.5, per channel. */
function transformInput(x: Value): Value {
  const [mean, std] = [
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ];
  const perChannel = (values: number[]) => x.graph.constant(Float32Array.from(values), [3, 1, 1], 'float32');
  const scaled = ops.mul(x, perChannel(std!.map((s) => s / 0.5)));
  return ops.add(scaled, perChannel(mean!.map((m) => (m - 0.5) / 0.5)));
}

function image(config: InceptionConfig) {
  const { graph, pixels } = imageGraph('inception', config);
  const layer: Layer = (v, name, options) =>
    ops.relu(batchNorm2d(conv2d(v, `${name}.conv`, config.channels[name]!, options), `${name}.bn`, 0.001));
  let x = config.transformInput ? transformInput(pixels) : pixels;
  x = layer(x, 'Conv2d_1a_3x3', { kernel: 3, stride: 2 });
  x = layer(layer(x, 'Conv2d_2a_3x3', { kernel: 3 }), 'Conv2d_2b_3x3', { kernel: 3, pad: 1 });
  x = layer(layer(halved(x), 'Conv2d_3b_1x1'), 'Conv2d_4a_3x3', { kernel: 3 });
  x = halved(x);
  for (const [name, block] of MIXED) x = block(x, name, layer);
  const pooled = ops.globalAvgPool(x);
  graph.output('pooled', pooled);
  if (config.classes !== null) graph.output('logits', dense(pooled, 'fc', config.classes));
  return graph;
}

function configure(config: PublisherConfig, tensors: TensorShapes): InceptionConfig | undefined {
  if (!tensors.has('Conv2d_1a_3x3.conv.weight') || !tensors.has('Mixed_7c.branch3x3dbl_3b.conv.weight'))
    return undefined;
  const channels: Record<string, number> = {};
  for (const [name, { shape }] of tensors)
    if (name.endsWith('.conv.weight')) channels[name.slice(0, -'.conv.weight'.length)] = shape[0]!;
  const result: InceptionConfig = {
    ...imageSizeOf(config, 299),
    channels,
    transformInput: config?.transform_input === true,
    classes: rows(tensors, 'fc.weight') ?? null,
  };
  checkTensors('Inception-v3', image(result), tensors, /^AuxLogits\./);
  return result;
}

/** Inception-v3. Outputs: pooled (2048), and logits with a classifier. */
export const inception: Architecture<InceptionConfig> = {
  name: 'inception',
  configure,
  image,
  defaultOutput: () => 'pooled',
  inputSize: ({ height, width }) => ({ height, width }),
  resize: (config, { height, width }) => ({ ...config, height, width }),
};
