/**
 * @file Networks that are made without published weights, by name: what a Siamese network trained from random numbers
 * stands on.
 */
import { ModelError, nearestName } from '../errors.js';
import { type Backbone, backboneFrom } from './backbone.js';
import { conv4 } from './conv4.js';
import type { ImageSize } from './layers.js';
import { type ResNetConfig, type ResNetStage, resnet } from './resnet.js';

/** A network to be trained from random numbers. */
export interface RandomBackbone extends Backbone {
  /** How its first numbers are drawn; see `initialise`. */
  readonly scheme: 'pytorch' | 'resnet';
}

/** Options of {@link backboneConfig}. */
export interface BackboneOptions {
  /** Side of the square input, or height and width. @default 224; 64 for resnet18-small, 28 for conv4 */
  inputSize?: number | ImageSize | undefined;
  /** Factor on all channel counts, which are rounded up to multiples of 8. @default 1 */
  width?: number | undefined;
  /** Give it a classifier of so many classes, whose scores are the output `logits`. @default none */
  classes?: number | undefined;
}

/** Depths of torchvision's residual networks, and whether they have the stem for small images. */
const RESNETS: Readonly<Record<string, { depths: number[]; block: ResNetConfig['block']; small?: true }>> = {
  resnet10: { depths: [1, 1, 1, 1], block: 'basic' },
  resnet18: { depths: [2, 2, 2, 2], block: 'basic' },
  resnet34: { depths: [3, 4, 6, 3], block: 'basic' },
  resnet50: { depths: [3, 4, 6, 3], block: 'bottleneck' },
  'resnet10-small': { depths: [1, 1, 1, 1], block: 'basic', small: true },
  'resnet18-small': { depths: [2, 2, 2, 2], block: 'basic', small: true },
};

/** The names that {@link backboneConfig} knows. */
export const BACKBONES: readonly string[] = Object.freeze([...Object.keys(RESNETS), 'conv4']);

/**
 * A network by name. `resnet18` is torchvision's; `resnet18-small` has the stem for small images (one 3×3 convolution
 * without stride or pooling), for 32 to 96 px; `conv4` is the network of few-shot learning, for 28 to 84 px.
 * @throws ModelError for a name that is unknown, or a width that is no positive number.
 */
export function backboneConfig(name: string, options: BackboneOptions = {}): RandomBackbone {
  const { width = 1, classes } = options;
  if (!(width > 0 && Number.isFinite(width)))
    throw new ModelError(`${name}: expected a width factor above 0 but received ${width}`);
  const scaled = (channels: number) =>
    width === 1 ? channels : Math.max(8, Math.ceil((channels * width) / 8) * 8);
  const size = (otherwise: number): ImageSize => {
    const given = options.inputSize ?? otherwise;
    return typeof given === 'number' ? { height: given, width: given } : given;
  };
  if (name === 'conv4') {
    if (classes !== undefined) throw new ModelError('conv4: has no classifier');
    const inputSize = size(28);
    const settings = { ...inputSize, channels: Array<number>(4).fill(scaled(64)) };
    return { ...backboneFrom(conv4, settings, published(inputSize)), scheme: 'pytorch' };
  }
  const plan = Object.hasOwn(RESNETS, name) ? RESNETS[name] : undefined;
  if (!plan) {
    const near = nearestName(name, BACKBONES);
    throw new ModelError(`no random network "${name}"${near ? `; did you mean "${near}"?` : ''}`, {
      hint: `known are ${BACKBONES.join(', ')}`,
    });
  }
  const inputSize = size(plan.small ? 64 : 224);
  const settings = resnetConfig(plan, inputSize, scaled, classes ?? null);
  const config = plan.small ? { ...published(inputSize), small_stem: true } : published(inputSize);
  return { ...backboneFrom(resnet, settings, config), scheme: 'resnet' };
}

/** What a `config.json` must say: the rest is read from the tensors. */
function published({ height, width }: ImageSize) {
  return { image_size: [height, width] };
}

function resnetConfig(
  { depths, block, small }: (typeof RESNETS)[string],
  inputSize: ImageSize,
  scaled: (channels: number) => number,
  classes: number | null,
): ResNetConfig {
  const stages = depths.map((depth, i): ResNetStage => {
    const mid = scaled(64 * 2 ** i);
    return { depth, mid, out: block === 'basic' ? mid : 4 * mid, groups: 1, stride: i === 0 ? 1 : 2 };
  });
  return {
    ...inputSize,
    layout: 'torchvision',
    prefix: '',
    block,
    stem: [scaled(64)],
    smallStem: small ?? false,
    stages,
    averageShortcut: false,
    strideFirst: false,
    classes,
  };
}
