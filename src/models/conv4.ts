/**
 * @file The small network of few-shot learning (Vinyals et al., 2016, arXiv:1606.04080): blocks of a 3×3 convolution,
 * batch normalisation, ReLU and 2×2 max pooling; four blocks of 64 channels take 28 × 28 to a vector of 64 numbers.
 *
 * Names are those of Snell et al. (2017, arXiv:1703.05175), a `Sequential` of `Sequential`s: `encoder.0.0.weight` is
 * the first convolution, `encoder.0.1` its normalisation. Depth and widths are read from the tensors.
 */
import { ModelError } from '../errors.js';
import { ops } from '../graph/index.js';
import type { Architecture, PublisherConfig, TensorShapes } from './architecture.js';
import {
  batchNorm2d,
  checkTensors,
  conv2d,
  countLayers,
  type ImageSize,
  imageGraph,
  imageSizeOf,
  shapeOf,
} from './layers.js';

export interface Conv4Config extends ImageSize {
  /** Channels after each block; each halves height and width, rounding down. */
  channels: number[];
}

function image(config: Conv4Config) {
  const { channels, height, width } = config;
  if (Math.min(height, width) < 2 ** channels.length)
    throw new ModelError(
      `conv4: expected images of at least ${2 ** channels.length} × ${2 ** channels.length} for ${channels.length} blocks but received ${height} × ${width}`,
    );
  const { graph, pixels } = imageGraph('conv4', config);
  let x = pixels;
  channels.forEach((out, i) => {
    x = conv2d(x, `encoder.${i}.0`, out, { kernel: 3, pad: 1, bias: true });
    x = ops.maxPool(ops.relu(batchNorm2d(x, `encoder.${i}.1`)), { kernel: 2 });
  });
  graph.output('penultimate', ops.flatten(x));
  graph.output('pooled', ops.globalAvgPool(x));
  return graph;
}

function configure(config: PublisherConfig, tensors: TensorShapes): Conv4Config | undefined {
  if (tensors.get('encoder.0.0.weight')?.shape.length !== 4 || !tensors.has('encoder.0.1.running_mean'))
    return undefined;
  const depth = countLayers(tensors, 'encoder.', '.0.weight');
  const channels = Array.from(
    { length: depth },
    (_, i) => shapeOf(tensors, `encoder.${i}.0.weight`, 'conv4')[0]!,
  );
  const result: Conv4Config = { ...imageSizeOf(config, 28), channels };
  checkTensors('conv4', image(result), tensors);
  return result;
}

/**
 * The convolutional network of few-shot learning. Outputs: `penultimate`, the last feature map as one vector, which is
 * what the literature compares (64-d at 28 × 28, 1600-d at 84 × 84), and `pooled`, its average.
 */
export const conv4: Architecture<Conv4Config> = {
  name: 'conv4',
  configure,
  image,
  defaultOutput: () => 'penultimate',
  inputSize: ({ height, width }) => ({ height, width }),
  resize: (config, { height, width }) => ({ ...config, height, width }),
};
