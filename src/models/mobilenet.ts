/**
 * @file MobileNetV2 (Sandler et al., 2018, arXiv:1801.04381) in torchvision's layout (`features.1.conv.0.0`) and in
 * timm's (`blocks.0.0.conv_dw`).
 *
 * Widths and expansions are read from the tensors, so any width multiplier fits. timm names the stages, and each
 * stage's stride is the paper's; torchvision counts blocks through, so there the paper's 17 blocks are expected.
 */
import { ModelError } from '../errors.js';
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
  publishedName,
  rows,
  shapeOf,
} from './layers.js';

/** One inverted residual: widen to `mid` channels, 3×3 in each channel, narrow to `out`. */
export interface InvertedResidual {
  /** Its name in the file, without the trailing dot. */
  name: string;
  /** Null: the input is not widened. */
  mid: number | null;
  out: number;
  stride: 1 | 2;
}

export interface MobileNetConfig extends ImageSize {
  layout: 'torchvision' | 'timm';
  stem: number;
  blocks: InvertedResidual[];
  /** Channels of the last 1×1 convolution: 1280. */
  head: number;
  /** Number of classes, or null where the file has no classifier. */
  classes: number | null;
}

/** The paper's stages: number of blocks, stride of the first. */
const STAGES: readonly (readonly [depth: number, stride: 1 | 2])[] = [
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 2],
  [3, 1],
  [3, 2],
  [1, 1],
];

/** Names of convolution and normalisation, in a layout. */
interface Names {
  stem: [conv: string, norm: string];
  head: [conv: string, norm: string];
  /** Widening, depthwise, narrowing; the first is absent where a block does not widen. */
  block(widens: boolean): [conv: string, norm: string][];
  classifier: string;
}

function namesOf(layout: MobileNetConfig['layout'], blocks: number): Names {
  if (layout === 'timm')
    return {
      stem: ['conv_stem', 'bn1'],
      head: ['conv_head', 'bn2'],
      block: (widens) => {
        const convs = widens ? ['conv_pw', 'conv_dw', 'conv_pwl'] : ['conv_dw', 'conv_pw'];
        return convs.map((conv, i) => [conv, `bn${i + 1}`]);
      },
      classifier: 'classifier',
    };
  const last = `features.${blocks + 1}`;
  return {
    stem: ['features.0.0', 'features.0.1'],
    head: [`${last}.0`, `${last}.1`],
    block: (widens) => {
      const depthwise: [string, string] = widens ? ['conv.1.0', 'conv.1.1'] : ['conv.0.0', 'conv.0.1'];
      const narrow: [string, string] = widens ? ['conv.2', 'conv.3'] : ['conv.1', 'conv.2'];
      return widens ? [['conv.0.0', 'conv.0.1'], depthwise, narrow] : [depthwise, narrow];
    },
    classifier: 'classifier.1',
  };
}

function image(config: MobileNetConfig) {
  const { graph, pixels } = imageGraph('mobilenet', config);
  const names = namesOf(config.layout, config.blocks.length);
  const linear = (v: Value, [conv, norm]: [string, string], out: number, options: Conv2dOptions) =>
    batchNorm2d(conv2d(v, conv, out, options), norm);
  const relu6 = (v: Value, name: [string, string], out: number, options: Conv2dOptions) =>
    ops.clip(linear(v, name, out, options), 0, 6);

  let x = relu6(pixels, names.stem, config.stem, { kernel: 3, stride: 2, pad: 1 });
  for (const { name, mid, out, stride } of config.blocks) {
    const parts = names
      .block(mid !== null)
      .map(([c, n]): [string, string] => [`${name}.${c}`, `${name}.${n}`]);
    const narrow = parts.pop()!;
    const depthwise = parts.pop()!;
    const wide = mid === null ? x : relu6(x, parts[0]!, mid, {});
    const groups = Number(wide.shape[1]);
    const y = relu6(wide, depthwise, groups, { kernel: 3, stride, pad: 1, groups });
    const narrowed = linear(y, narrow, out, {});
    x = stride === 1 && x.shape[1] === out ? ops.add(narrowed, x) : narrowed;
  }
  const pooled = ops.globalAvgPool(relu6(x, names.head, config.head, {}));
  graph.output('pooled', pooled);
  if (config.classes !== null) graph.output('logits', dense(pooled, names.classifier, config.classes));
  return graph;
}

function configure(config: PublisherConfig, tensors: TensorShapes): MobileNetConfig | undefined {
  if (config?.model_type === 'mobilenet_v2')
    throw new ModelError("MobileNetV2: transformers' layout is not supported", {
      hint: 'use timm/mobilenetv2_100.ra_in1k',
    });
  const torchvision = tensors.has('features.0.0.weight') && tensors.has('features.1.conv.0.0.weight');
  const timm = tensors.has('conv_stem.weight') && tensors.has('blocks.0.0.conv_dw.weight');
  if (!torchvision && !(timm && isTimmMobileNet(config, tensors))) return undefined;
  const layout = torchvision ? 'torchvision' : 'timm';
  const blocks = torchvision ? torchvisionBlocks(tensors) : timmBlocks(tensors);
  const names = namesOf(layout, blocks.length);
  const out = (name: string) => shapeOf(tensors, `${name}.weight`, 'MobileNetV2')[0]!;
  const result: MobileNetConfig = {
    ...imageSizeOf(config, 224),
    layout,
    stem: out(names.stem[0]),
    blocks,
    head: out(names.head[0]),
    classes: rows(tensors, `${names.classifier}.weight`) ?? null,
  };
  checkTensors('MobileNetV2', image(result), tensors);
  return result;
}

/** timm gives EfficientNets, MnasNets and others the same names: told by the published name, else by the kernels. */
function isTimmMobileNet(config: PublisherConfig, tensors: TensorShapes): boolean {
  const name = publishedName(config);
  if (name) return name.startsWith('mobilenetv2');
  return [...tensors].every(
    ([key, { shape }]) => !key.includes('.se.') && (!key.endsWith('.conv_dw.weight') || shape[2] === 3),
  );
}

function torchvisionBlocks(tensors: TensorShapes): InvertedResidual[] {
  const strides = STAGES.flatMap(([depth, first]) =>
    Array.from({ length: depth }, (_, i): 1 | 2 => (i === 0 ? first : 1)),
  );
  const found = [...tensors.keys()].filter((k) => /^features\.\d+\.conv\.0\.0\.weight$/.test(k)).length;
  if (found !== strides.length)
    throw new ModelError(`MobileNetV2: expected ${strides.length} blocks but found ${found}`, {
      hint: "strides cannot be told from torchvision's names for other depths; timm's names say them",
    });
  return strides.map((stride, i) => {
    const name = `features.${i + 1}`;
    const widens = tensors.has(`${name}.conv.3.weight`);
    const narrow = `${name}.conv.${widens ? 2 : 1}.weight`;
    return block(tensors, name, widens ? `${name}.conv.0.0.weight` : null, narrow, stride);
  });
}

function timmBlocks(tensors: TensorShapes): InvertedResidual[] {
  const blocks: InvertedResidual[] = [];
  STAGES.forEach(([, first], s) => {
    for (let b = 0; tensors.has(`blocks.${s}.${b}.conv_dw.weight`); b++) {
      const name = `blocks.${s}.${b}`;
      const widens = tensors.has(`${name}.conv_pwl.weight`);
      const narrow = `${name}.${widens ? 'conv_pwl' : 'conv_pw'}.weight`;
      blocks.push(
        block(tensors, name, widens ? `${name}.conv_pw.weight` : null, narrow, b === 0 ? first : 1),
      );
    }
  });
  return blocks;
}

function block(
  tensors: TensorShapes,
  name: string,
  widening: string | null,
  narrowing: string,
  stride: 1 | 2,
): InvertedResidual {
  const mid = widening ? shapeOf(tensors, widening, 'MobileNetV2')[0]! : null;
  return { name, mid, out: shapeOf(tensors, narrowing, 'MobileNetV2')[0]!, stride };
}

/** MobileNetV2 of any width. Outputs: pooled (1280), and logits with a classifier. */
export const mobilenet: Architecture<MobileNetConfig> = {
  name: 'mobilenet',
  configure,
  image,
  defaultOutput: () => 'pooled',
  inputSize: ({ height, width }) => ({ height, width }),
  resize: (config, { height, width }) => ({ ...config, height, width }),
};
