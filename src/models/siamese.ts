/**
 * @file The Siamese network (Bromley et al., 1993; Hadsell et al., 2006): any backbone and a linear head, applied to
 * both images of a pair with the same weights, so that it is one tower like any other when it embeds.
 *
 * The reference is ResNet-18 up to its 1000 logits and a Linear to 128. In the weight file the backbone's names
 * follow `backbone.` and the head is `head.weight`, `head.bias`.
 */
import { ModelError } from '../errors.js';
import { Graph, inline } from '../graph/index.js';
import type { Architecture, OutputName, PublisherConfig, TensorShapes } from './architecture.js';
import { checkTensors, dense, shapeOf } from './layers.js';

/** `model_type` in the `config.json` of such a model. */
export const SIAMESE = 'afterimage-siamese';

const PREFIX = 'backbone.';

export interface SiameseConfig {
  /** A backbone and its configuration, in a form that needs no knowledge of either. */
  backbone: { name: string; image(): Graph; inputSize: { height: number; width: number } };
  /** The output of the backbone that the head takes: a vector for each image. */
  from: OutputName;
  /** Length of the embedding. */
  head: number;
}

function image({ backbone, from, head }: SiameseConfig): Graph {
  const graph = new Graph('siamese');
  const { height, width } = backbone.inputSize;
  const pixels = graph.input('pixel_values', ['N', 3, height, width]);
  const outputs = inline(graph, backbone.image(), pixels, PREFIX);
  const source = outputs.get(from);
  if (source?.shape.length !== 2) {
    const vectors = [...outputs].filter(([, v]) => v.shape.length === 2).map(([name]) => name);
    throw new ModelError(
      `siamese: expected "from" to be an output of the ${backbone.name} backbone with one vector an image but received ${JSON.stringify(from)}`,
      { hint: `it has ${vectors.join(', ')}; weights without a classifier have no logits` },
    );
  }
  graph.output('embedding', dense(source, 'head', head));
  return graph;
}

/**
 * The Siamese network over the given backbones; each is asked in turn whether it knows the weights under `backbone.`
 * (with the object under `backbone` in `config.json`, when there is one).
 */
export function siameseOver(backbones: readonly Architecture<unknown>[]): Architecture<SiameseConfig> {
  function configure(config: PublisherConfig, tensors: TensorShapes): SiameseConfig | undefined {
    if (config?.model_type !== SIAMESE) return undefined;
    const from = (config.from ?? 'logits') as OutputName;
    const inner = new Map(
      [...tensors]
        .filter(([n]) => n.startsWith(PREFIX))
        .map(([n, t]) => [n.slice(PREFIX.length), t] as const),
    );
    const result: SiameseConfig = {
      backbone: backboneOf(backbones, (config.backbone ?? null) as PublisherConfig, inner),
      from,
      head: shapeOf(tensors, 'head.weight', 'siamese')[0]!,
    };
    if (config.head !== undefined && config.head !== result.head)
      throw new ModelError(
        `siamese: expected a head of ${JSON.stringify(config.head)} but the weights have ${result.head}`,
      );
    checkTensors('siamese', image(result), tensors);
    return result;
  }
  return {
    name: 'siamese',
    configure,
    image,
    defaultOutput: () => 'embedding',
    inputSize: ({ backbone }) => backbone.inputSize,
  };
}

function backboneOf(
  backbones: readonly Architecture<unknown>[],
  config: PublisherConfig,
  tensors: TensorShapes,
): SiameseConfig['backbone'] {
  for (const architecture of backbones) {
    const found = architecture.configure(config, tensors);
    if (found !== undefined)
      return {
        name: architecture.name,
        image: () => architecture.image(found),
        inputSize: architecture.inputSize(found),
      };
  }
  throw new ModelError(`siamese: none of ${backbones.map((a) => a.name).join(', ')} knows the backbone`, {
    hint: `its tensors should follow "${PREFIX}", as in "${PREFIX}conv1.weight"`,
  });
}
