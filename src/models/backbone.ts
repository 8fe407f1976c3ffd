/**
 * @file A network that something is trained on top of, or trained further itself: an architecture with its
 * configuration, in a form that needs no knowledge of either.
 */
import { ModelError } from '../errors.js';
import type { Graph } from '../graph/index.js';
import type { Architecture, OutputName, PublisherConfig } from './architecture.js';
import type { ImageSize } from './layers.js';

export interface Backbone {
  /** The builder's name: `resnet`, `vit`, … */
  readonly architecture: string;
  /** The publisher's configuration, which recognises the network together with its tensors. */
  readonly config: PublisherConfig;
  readonly inputSize: ImageSize;
  /** The output that is the network's embedding. */
  readonly defaultOutput: OutputName;
  /** The network as a graph. */
  image(): Graph;
  /** The same network for images of another size. @throws ModelError when it takes one size only. */
  resize(size: ImageSize): Backbone;
}

/** A recognised architecture as a backbone. */
export function backboneFrom<C>(
  architecture: Architecture<C>,
  settings: C,
  config: PublisherConfig,
): Backbone {
  const inputSize = architecture.inputSize(settings);
  return {
    architecture: architecture.name,
    config,
    inputSize,
    defaultOutput: architecture.defaultOutput(settings),
    image: () => architecture.image(settings),
    resize(size) {
      if (size.height === inputSize.height && size.width === inputSize.width) return this;
      if (!architecture.resize)
        throw new ModelError(
          `${architecture.name}: expected images of ${inputSize.height} × ${inputSize.width} but received ${size.height} × ${size.width}`,
          { hint: 'this network takes one size only' },
        );
      return backboneFrom(architecture, architecture.resize(settings, size), config);
    },
  };
}
