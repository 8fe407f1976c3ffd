/**
 * @file Residual networks (He et al., 2016, arXiv:1512.03385), in torchvision's and timm's layout (`layer1.0.conv1`)
 * and in transformers' (`encoder.stages.0.layers.0`).
 *
 * Depths, widths, groups (ResNeXt) and timm's deep stem and averaging shortcuts (ResNet-D, He et al., 2018,
 * arXiv:1812.01187) are read from the tensors. Bottlenecks stride in their 3×3 convolution, as all published weights
 * of torchvision and timm do ("v1.5"), unless transformers' `downsample_in_bottleneck` puts it in the first 1×1.
 */
import { ModelError } from '../errors.js';
import { ops, type Value } from '../graph/index.js';
import type { Architecture, PublisherConfig, TensorShapes } from './architecture.js';
import {
  batchNorm2d,
  checkTensors,
  conv2d,
  countLayers,
  dense,
  type ImageSize,
  imageGraph,
  imageSizeOf,
  publishedName,
  rows,
  shapeOf,
} from './layers.js';

/** One stage: `depth` blocks that end in `out` channels. */
export interface ResNetStage {
  depth: number;
  /** Channels inside a block. */
  mid: number;
  out: number;
  /** Groups of the 3×3 convolution of a bottleneck. */
  groups: number;
  /** The stride of the first block. */
  stride: 1 | 2;
}

export interface ResNetConfig extends ImageSize {
  layout: 'torchvision' | 'transformers';
  /** Before every name of the trunk: `resnet.` in transformers' classifiers. */
  prefix: string;
  block: 'basic' | 'bottleneck';
  /** Output channels of the stem's convolutions: one of 7×7, or three of 3×3 (timm's deep stem). */
  stem: number[];
  /** The stem for small images (He et al., section 4.2; SimCLR on CIFAR): one 3×3 that keeps the size, no pooling. */
  smallStem: boolean;
  stages: ResNetStage[];
  /** The shortcut averages 2×2 before its 1×1 convolution (ResNet-D) instead of striding in it. */
  averageShortcut: boolean;
  /** The first 1×1 convolution of a bottleneck strides. */
  strideFirst: boolean;
  /** Number of classes, or null where the file has no classifier. */
  classes: number | null;
}

/** Where a layout keeps its layers. Blocks are numbered from 0, convolutions in a block from 1. */
interface Names {
  stemConv(i: number): string;
  stemNorm(i: number): string;
  block(stage: number, block: number): string;
  conv(i: number): string;
  norm(i: number): string;
  shortcutConv: string;
  shortcutNorm: string;
  classifier: string;
}

function namesOf(config: Pick<ResNetConfig, 'layout' | 'prefix' | 'stem' | 'averageShortcut'>): Names {
  const p = config.prefix;
  if (config.layout === 'transformers')
    return {
      stemConv: () => `${p}embedder.embedder.convolution`,
      stemNorm: () => `${p}embedder.embedder.normalization`,
      block: (s, b) => `${p}encoder.stages.${s}.layers.${b}.`,
      conv: (i) => `layer.${i - 1}.convolution`,
      norm: (i) => `layer.${i - 1}.normalization`,
      shortcutConv: 'shortcut.convolution',
      shortcutNorm: 'shortcut.normalization',
      classifier: 'classifier.1',
    };
  const deep = config.stem.length > 1;
  const at = config.averageShortcut ? 1 : 0;
  return {
    stemConv: (i) => (deep ? `${p}conv1.${3 * i}` : `${p}conv1`),
    stemNorm: (i) => (i === config.stem.length - 1 ? `${p}bn1` : `${p}conv1.${3 * i + 1}`),
    block: (s, b) => `${p}layer${s + 1}.${b}.`,
    conv: (i) => `conv${i}`,
    norm: (i) => `bn${i}`,
    shortcutConv: `downsample.${at}`,
    shortcutNorm: `downsample.${at + 1}`,
    classifier: `${p}fc`,
  };
}

/** The trunk: [N, 3, H, W] → [N, C, ⌈H/32⌉, ⌈W/32⌉] of a network with four stages (⌈H/8⌉ with the small stem). */
function trunk(pixels: Value, config: ResNetConfig, names: Names): Value {
  let x = pixels;
  config.stem.forEach((out, i) => {
    const kernel = config.smallStem || config.stem.length > 1 ? 3 : 7;
    const stride = i === 0 && !config.smallStem ? 2 : 1;
    x = conv2d(x, names.stemConv(i), out, { kernel, stride, pad: kernel >> 1 });
    x = ops.relu(batchNorm2d(x, names.stemNorm(i)));
  });
  if (!config.smallStem) x = ops.maxPool(x, { kernel: 3, stride: 2, pad: 1 });
  config.stages.forEach((stage, s) => {
    for (let b = 0; b < stage.depth; b++)
      x = residual(x, names.block(s, b), config, stage, b === 0 ? stage.stride : 1, names);
  });
  return x;
}

function residual(
  x: Value,
  prefix: string,
  config: ResNetConfig,
  stage: ResNetStage,
  stride: number,
  names: Names,
): Value {
  const layer = (v: Value, i: number, out: number, options: ops.ConvOptions & { kernel: number }) =>
    batchNorm2d(
      conv2d(v, prefix + names.conv(i), out, { pad: options.kernel >> 1, ...options }),
      prefix + names.norm(i),
    );
  const [first, second] = config.strideFirst ? [stride, 1] : [1, stride];
  let y: Value;
  if (config.block === 'basic') {
    y = ops.relu(layer(x, 1, stage.mid, { kernel: 3, stride }));
    y = layer(y, 2, stage.out, { kernel: 3 });
  } else {
    y = ops.relu(layer(x, 1, stage.mid, { kernel: 1, stride: first }));
    y = ops.relu(layer(y, 2, stage.mid, { kernel: 3, stride: second, groups: stage.groups }));
    y = layer(y, 3, stage.out, { kernel: 1 });
  }
  return ops.relu(ops.add(y, shortcut(x, prefix, config, stage, stride, names)));
}

function shortcut(
  x: Value,
  prefix: string,
  config: ResNetConfig,
  stage: ResNetStage,
  stride: number,
  names: Names,
): Value {
  if (stride === 1 && x.shape[1] === stage.out) return x;
  const averaged = config.averageShortcut && stride > 1;
  const input = averaged ? ops.avgPool(x, { kernel: 2, stride, ceil: true, countPad: false }) : x;
  const y = conv2d(input, prefix + names.shortcutConv, stage.out, { stride: averaged ? 1 : stride });
  return batchNorm2d(y, prefix + names.shortcutNorm);
}

function image(config: ResNetConfig) {
  const names = namesOf(config);
  const { graph, pixels } = imageGraph('resnet', config);
  const pooled = ops.globalAvgPool(trunk(pixels, config, names));
  graph.output('pooled', pooled);
  if (config.classes !== null) graph.output('logits', dense(pooled, names.classifier, config.classes));
  return graph;
}

function configure(config: PublisherConfig, tensors: TensorShapes): ResNetConfig | undefined {
  const found = layoutOf(config, tensors);
  if (!found) return undefined;
  const { layout, prefix } = found;
  refuseLookalikes(config);
  const shape = (name: string) => shapeOf(tensors, name, 'ResNet');
  const deep = layout === 'torchvision' && tensors.has(`${prefix}conv1.0.weight`);
  const stem = deep ? [0, 3, 6].map((i) => shape(`${prefix}conv1.${i}.weight`)[0]!) : [0];
  const averageShortcut = [...tensors].some(
    ([name, t]) => name.endsWith('.downsample.1.weight') && t.shape.length === 4,
  );
  const names = namesOf({ layout, prefix, stem, averageShortcut });
  if (!deep) stem[0] = shape(`${names.stemConv(0)}.weight`)[0]!;
  const smallStem = config?.small_stem === true; // tensors do not tell strides

  const weight = (s: number, b: number, i: number) => `${names.block(s, b)}${names.conv(i)}.weight`;
  const bottleneck = tensors.has(weight(0, 0, 3));
  const stages: ResNetStage[] = [];
  for (let s = 0; tensors.has(weight(s, 0, 1)); s++) {
    const [mid] = shape(weight(s, 0, 1));
    const [, perGroup] = shape(weight(s, 0, 2));
    const whole = s > 0 || config?.downsample_in_first_stage === true;
    stages.push({
      depth: countLayers(tensors, names.block(s, 0).replace(/0\.$/, ''), `.${names.conv(1)}.weight`),
      mid: mid!,
      out: shape(weight(s, 0, bottleneck ? 3 : 2))[0]!,
      groups: bottleneck ? mid! / perGroup! : 1,
      stride: whole ? 2 : 1,
    });
  }
  const result: ResNetConfig = {
    ...imageSizeOf(config, 224),
    layout,
    prefix,
    block: bottleneck ? 'bottleneck' : 'basic',
    stem,
    smallStem,
    stages,
    averageShortcut,
    strideFirst: config?.downsample_in_bottleneck === true,
    classes: rows(tensors, `${names.classifier}.weight`) ?? null,
  };
  checkTensors('ResNet', image(result), tensors);
  return result;
}

function layoutOf(
  config: PublisherConfig,
  tensors: TensorShapes,
): Pick<ResNetConfig, 'layout' | 'prefix'> | undefined {
  if (tensors.has('layer1.0.conv1.weight') && (tensors.has('conv1.weight') || tensors.has('conv1.0.weight')))
    return { layout: 'torchvision', prefix: '' };
  if (config?.model_type !== undefined && config.model_type !== 'resnet') return undefined;
  for (const prefix of ['resnet.', ''])
    if (tensors.has(`${prefix}encoder.stages.0.layers.0.layer.0.convolution.weight`))
      return { layout: 'transformers', prefix };
  return undefined;
}

/** Variants that have the tensors of a plain ResNet and compute something else with them. */
function refuseLookalikes(config: PublisherConfig): void {
  const name = publishedName(config);
  if (/resne(t|xt)(blur|aa)/.test(name))
    throw new ModelError(`ResNet: "${name}" blurs before it strides, which is not supported`, {
      hint: 'the plain network of the same depth is: timm/resnet50.a1_in1k, say',
    });
  const activation = config?.hidden_act ?? 'relu';
  if (activation !== 'relu')
    throw new ModelError(`ResNet: expected hidden_act to be "relu" but it is ${JSON.stringify(activation)}`);
}

/** ResNet-18/34/50/101/152, wide ResNet, ResNeXt and ResNet-D. Outputs: pooled, and logits with a classifier. */
export const resnet: Architecture<ResNetConfig> = {
  name: 'resnet',
  configure,
  image,
  defaultOutput: () => 'pooled',
  inputSize: ({ height, width }) => ({ height, width }),
  resize: (config, { height, width }) => ({ ...config, height, width }),
};
