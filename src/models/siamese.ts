/**
 * @file The Siamese network (Bromley et al., 1993; Hadsell et al., 2006): any backbone and a linear head, applied to
 * both images of a pair with the same weights, so that it is one tower like any other when it embeds.
 *
 * The reference is ResNet-18 up to its 1000 logits and a Linear to 128. In the weight file the backbone's names
 * follow `backbone.` and the head is `head.weight`, `head.bias`.
 */
import { ModelError } from '../errors.js';
import { Graph, type Parameter, type Value } from '../graph/index.js';
import type { Architecture, PublisherConfig, TensorShapes } from './architecture.js';
import { checkTensors, dense, shapeOf } from './cnn-layers.js';
import { inception } from './inception.js';
import { mobilenet } from './mobilenet.js';
import { resnet } from './resnet.js';
import { vgg } from './vgg.js';

/** `model_type` in the `config.json` of such a model. */
export const SIAMESE = 'afterimage-siamese';

const PREFIX = 'backbone.';

/** What a backbone hands to the head. */
const SOURCES = ['logits', 'pooled'] as const;

export interface SiameseConfig {
  /** A backbone and its configuration, in a form that needs no knowledge of either. */
  backbone: { name: string; image(): Graph; inputSize: { height: number; width: number } };
  from: (typeof SOURCES)[number];
  /** Length of the embedding. */
  head: number;
}

/**
 * Copies a graph into `target` with `x` for its first input and `prefix` before the names of its parameters.
 * Returns its outputs there.
 */
export function inline(target: Graph, source: Graph, x: Value, prefix: string): Map<string, Value> {
  const map = new Map<Value, Value>([[source.inputs[0]!, x]]);
  for (const p of source.parameters.values())
    map.set(p, target.parameter(prefix + p.name, p.shape, p.dtype) satisfies Parameter);
  for (const { value, data } of source.constants)
    map.set(value, target.constant(data, value.shape as readonly number[], value.dtype));
  for (const node of source.nodes) {
    const inputs = node.inputs.map((v) => (v ? map.get(v)! : null));
    const outputs = target.multi(node.op, inputs, node.outputs, node);
    node.outputs.forEach((v, i) => {
      map.set(v, outputs[i]!);
    });
  }
  return new Map([...source.outputs].map(([name, v]) => [name, map.get(v)!]));
}

function image({ backbone, from, head }: SiameseConfig): Graph {
  const graph = new Graph('siamese');
  const { height, width } = backbone.inputSize;
  const pixels = graph.input('pixel_values', ['N', 3, height, width]);
  const source = inline(graph, backbone.image(), pixels, PREFIX).get(from);
  if (!source)
    throw new ModelError(
      `siamese: expected the ${backbone.name} backbone to have "${from}" but it has none`,
      {
        hint: 'weights without a classifier have no logits; set "from" to "pooled"',
      },
    );
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
    const from = (config.from ?? 'logits') as SiameseConfig['from'];
    if (!SOURCES.includes(from))
      throw new ModelError(
        `siamese: expected "from" to be one of ${SOURCES.join(', ')} but received ${JSON.stringify(from)}`,
      );
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

/** The Siamese network over a convolutional backbone. Output: `embedding`. */
export const siamese: Architecture<SiameseConfig> = siameseOver([resnet, mobilenet, vgg, inception]);
