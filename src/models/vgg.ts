/**
 * @file VGG (Simonyan & Zisserman, 2015, arXiv:1409.1556), plain and with batch normalisation, in torchvision's
 * layout (`classifier.0`) and in timm's, where the dense layers are convolutions (`pre_logits.fc1`).
 *
 * The plan (where convolutions, normalisations and poolings stand) is read from the indices under `features.`: gaps
 * between the numbers of consecutive convolutions say whether a pooling lies between them.
 */
import { ModelError } from '../errors.js';
import { ops, type Value } from '../graph/index.js';
import type { Architecture, PublisherConfig, TensorShapes } from './architecture.js';
import {
  batchNorm2d,
  checkTensors,
  conv2d,
  dense,
  type ImageSize,
  imageGraph,
  imageSizeOf,
  rows,
  shapeOf,
} from './layers.js';

/** The side of the feature map that the dense layers see. */
const GRID = 7;

export interface VggConfig extends ImageSize {
  layout: 'torchvision' | 'timm';
  /** Channels of each 3×3 convolution; 'M' is a 2×2 max-pooling. */
  plan: (number | 'M')[];
  batchNorm: boolean;
  /** Widths of the two dense layers, or null where the file ends with the features. */
  hidden: [number, number] | null;
  /** Number of classes, or null where the file has no classifier. */
  classes: number | null;
}

function features(pixels: Value, { plan, batchNorm }: VggConfig): Value {
  let x = pixels;
  let index = 0;
  for (const step of plan) {
    if (step === 'M') {
      x = ops.maxPool(x, { kernel: 2 });
      index += 1;
      continue;
    }
    x = conv2d(x, `features.${index}`, step, { kernel: 3, pad: 1, bias: true });
    if (batchNorm) x = batchNorm2d(x, `features.${index + 1}`);
    x = ops.relu(x);
    index += batchNorm ? 3 : 2;
  }
  return x;
}

/** The two dense layers on a 7×7 map: [N, C, h, w] → [N, hidden]. */
function penultimate(x: Value, { layout }: VggConfig, [first, second]: [number, number]): Value {
  if (layout === 'torchvision') {
    const flat = ops.flatten(ops.adaptiveAvgPool(x, GRID));
    return ops.relu(dense(ops.relu(dense(flat, 'classifier.0', first)), 'classifier.3', second));
  }
  const [height, width] = [Number(x.shape[2]), Number(x.shape[3])];
  if (Math.min(height, width) < GRID && Math.max(height, width) > GRID)
    throw new ModelError(`VGG: a feature map of ${height} × ${width} is too narrow for the dense layers`, {
      hint: `use an input of at least ${GRID * 32} × ${GRID * 32} pixels, or a square one`,
    });
  const grid = Math.min(height, width) < GRID ? ops.adaptiveAvgPool(x, GRID) : x;
  const y = ops.relu(conv2d(grid, 'pre_logits.fc1', first, { kernel: GRID, bias: true }));
  return ops.globalAvgPool(ops.relu(conv2d(y, 'pre_logits.fc2', second, { bias: true })));
}

function image(config: VggConfig) {
  const { graph, pixels } = imageGraph('vgg', config);
  const x = features(pixels, config);
  graph.output('pooled', ops.globalAvgPool(x));
  if (config.hidden) {
    const y = penultimate(x, config, config.hidden);
    graph.output('penultimate', y);
    const classifier = config.layout === 'timm' ? 'head.fc' : 'classifier.6';
    if (config.classes !== null) graph.output('logits', dense(y, classifier, config.classes));
  }
  return graph;
}

function configure(config: PublisherConfig, tensors: TensorShapes): VggConfig | undefined {
  const first = tensors.get('features.0.weight');
  if (first?.shape.length !== 4 || !tensors.has('features.0.bias')) return undefined;
  if (first.shape[2] !== 3 || first.shape[3] !== 3) return undefined; // AlexNet, SqueezeNet
  const timm = tensors.has('pre_logits.fc1.weight');
  const [h1, h2, classes] = timm
    ? ['pre_logits.fc1.weight', 'pre_logits.fc2.weight', 'head.fc.weight']
    : ['classifier.0.weight', 'classifier.3.weight', 'classifier.6.weight'];
  const hidden = tensors.has(h1!)
    ? ([h1!, h2!].map((name) => shapeOf(tensors, name, 'VGG')[0]!) as [number, number])
    : null;
  const result: VggConfig = {
    ...imageSizeOf(config, 224),
    layout: timm ? 'timm' : 'torchvision',
    ...planOf(tensors),
    hidden,
    classes: rows(tensors, classes!) ?? null,
  };
  checkTensors('VGG', image(result), tensors);
  return result;
}

/** Reads the plan off the indices. The features end with a pooling in every published VGG. */
function planOf(tensors: TensorShapes): Pick<VggConfig, 'plan' | 'batchNorm'> {
  const convs = [...tensors]
    .map(([name, t]) => ({ index: Number(/^features\.(\d+)\.weight$/.exec(name)?.[1] ?? -1), ...t }))
    .filter((t) => t.index >= 0 && t.shape.length === 4)
    .sort((a, b) => a.index - b.index);
  const batchNorm = tensors.has('features.1.running_mean');
  const step = batchNorm ? 3 : 2;
  const plan: VggConfig['plan'] = [];
  convs.forEach(({ index, shape }, i) => {
    plan.push(shape[0]!);
    const gap = (convs[i + 1]?.index ?? index + step + 1) - index - step;
    if (gap !== 0 && gap !== 1)
      throw new ModelError(`VGG: expected a convolution or a pooling after "features.${index}"`);
    if (gap === 1) plan.push('M');
  });
  return { plan, batchNorm };
}

/**
 * VGG-11/13/16/19, plain and BN. Outputs: `penultimate`, what the second dense layer gives after its ReLU (4096, the
 * vector that timm calls pre-logits); `pooled`, the mean over the last feature map after its pooling (512); `logits`.
 */
export const vgg: Architecture<VggConfig> = {
  name: 'vgg',
  configure,
  image,
  defaultOutput: ({ hidden }) => (hidden ? 'penultimate' : 'pooled'),
  inputSize: ({ height, width }) => ({ height, width }),
  resize: (config, { height, width }) => ({ ...config, height, width }),
};
