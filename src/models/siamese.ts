/**
 * @file The Siamese network (Bromley et al., 1993; Hadsell et al., 2006): any backbone and a head, applied to both
 * images of a pair with the same weights, so that it is one tower like any other when it embeds.
 *
 * The reference is ResNet-18 up to its 1000 logits and a Linear to 128. A head may have a hidden layer with ReLU (the
 * projection head of SimCLR, Chen et al., 2020, arXiv:2002.05709), or be left out: then the backbone's vector is the
 * embedding. In the weight file the backbone's names follow `backbone.`; the head is `head.weight`, `head.bias`, or, as
 * a `Sequential` of Linear, ReLU, Linear, `head.0` and `head.2`.
 */
import { ModelError } from '../errors.js';
import { Graph, inline, ops, type Value } from '../graph/index.js';
import type { Architecture, OutputName, PublisherConfig, TensorShapes } from './architecture.js';
import { type Backbone, backboneFrom } from './backbone.js';
import { checkTensors, dense, type ImageSize, rows } from './layers.js';

/** `model_type` in the `config.json` of such a model. */
export const SIAMESE = 'afterimage-siamese';

/** What stands before the backbone's own names. */
export const BACKBONE_PREFIX = 'backbone.';

/** The layers between a backbone's vector and the embedding. */
export interface Head {
  /** Length of the embedding, or null for no head: the embedding is the backbone's vector. */
  head: number | null;
  /** Length of a hidden layer with ReLU, or null for a linear head. */
  hidden: number | null;
  /** Whether its layers add a bias. @default true */
  bias?: boolean | undefined;
}

export interface SiameseConfig extends Head {
  backbone: Backbone;
  /** The output of the backbone that the head takes: a vector for each image. */
  from: OutputName;
}

/** The head over vectors [N, D]: parameters `head.…`. */
export function headLayers(x: Value, { head, hidden, bias }: Head): Value {
  if (head === null) return x;
  if (hidden === null) return dense(x, 'head', head, bias);
  return dense(ops.relu(dense(x, 'head.0', hidden, bias)), 'head.2', head, bias);
}

/** The head alone, for features that are computed once: input `features` [N, D], output `embedding` [N, head]. */
export function headGraph(features: number, head: Head): Graph {
  const graph = new Graph('head');
  graph.output('embedding', headLayers(graph.input('features', ['N', features]), head));
  return graph;
}

/** A Siamese network over a backbone. @throws ModelError when its parts do not fit. */
export function siameseConfig(options: {
  backbone: Backbone;
  /** @default the backbone's own embedding */
  from?: OutputName | undefined;
  /** @default 128 */
  head?: number | null | undefined;
  /** @default null */
  hidden?: number | null | undefined;
  /** @default true */
  bias?: boolean | undefined;
}): SiameseConfig {
  const { backbone, from = backbone.defaultOutput, head = 128, hidden = null, bias } = options;
  for (const [name, n] of Object.entries({ head, hidden }))
    if (n !== null && !(Number.isInteger(n) && n > 0))
      throw new ModelError(`siamese: expected "${name}" to be a length or null but received ${n}`);
  if (head === null && hidden !== null)
    throw new ModelError('siamese: expected no hidden layer without a head but received one', {
      hint: 'give the length of the embedding, too',
    });
  const config = { backbone, from, head, hidden, bias };
  image(config);
  return config;
}

/** The content of its `config.json`. */
export function siameseJson({ backbone, from, head, hidden }: SiameseConfig): Record<string, unknown> {
  const { height, width } = backbone.inputSize;
  return {
    model_type: SIAMESE,
    architecture: backbone.architecture,
    input: [3, height, width],
    from,
    head,
    hidden,
    backbone: backbone.config,
  };
}

function image(config: SiameseConfig): Graph {
  const { backbone, from } = config;
  const graph = new Graph('siamese');
  const { height, width } = backbone.inputSize;
  const pixels = graph.input('pixel_values', ['N', 3, height, width]);
  const outputs = inline(graph, backbone.image(), pixels, BACKBONE_PREFIX);
  const source = outputs.get(from);
  if (source?.shape.length !== 2) {
    const vectors = [...outputs].filter(([, v]) => v.shape.length === 2).map(([name]) => name);
    throw new ModelError(
      `siamese: expected "from" to be an output of the ${backbone.architecture} backbone with one vector an image but received ${JSON.stringify(from)}`,
      { hint: `it has ${vectors.join(', ')}; weights without a classifier have no logits` },
    );
  }
  graph.output('embedding', headLayers(source, config));
  graph.output(from, source);
  return graph;
}

/**
 * The Siamese network over the given backbones; each is asked in turn whether it knows the weights under `backbone.`
 * (with the object under `backbone` in `config.json`, when there is one).
 */
export function siameseOver(backbones: readonly Architecture<unknown>[]): Architecture<SiameseConfig> {
  function configure(config: PublisherConfig, tensors: TensorShapes): SiameseConfig | undefined {
    if (config?.model_type !== SIAMESE) return undefined;
    const inner = new Map(
      [...tensors]
        .filter(([n]) => n.startsWith(BACKBONE_PREFIX))
        .map(([n, t]) => [n.slice(BACKBONE_PREFIX.length), t] as const),
    );
    const hidden = rows(tensors, 'head.0.weight') ?? null;
    const result: SiameseConfig = {
      backbone: sized(backboneOf(backbones, (config.backbone ?? null) as PublisherConfig, inner), config),
      from: (config.from ?? 'logits') as OutputName,
      head: rows(tensors, hidden === null ? 'head.weight' : 'head.2.weight') ?? null,
      hidden,
      bias: tensors.has(hidden === null ? 'head.bias' : 'head.2.bias'),
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
    resize: (config, size) => ({ ...config, backbone: config.backbone.resize(size) }),
  };
}

/** The backbone for images of the size that the model was trained with, where the configuration says it. */
function sized(backbone: Backbone, config: PublisherConfig): Backbone {
  const input = config?.input;
  if (!Array.isArray(input) || input.length !== 3) return backbone;
  const [, height, width] = input as number[];
  const own: ImageSize = backbone.inputSize;
  return own.height === height && own.width === width
    ? backbone
    : backbone.resize({ height: height!, width: width! });
}

function backboneOf(
  backbones: readonly Architecture<unknown>[],
  config: PublisherConfig,
  tensors: TensorShapes,
): Backbone {
  for (const architecture of backbones) {
    const found = architecture.configure(config, tensors);
    if (found !== undefined) return backboneFrom(architecture, found, config);
  }
  throw new ModelError(`siamese: none of ${backbones.map((a) => a.name).join(', ')} knows the backbone`, {
    hint: `its tensors should follow "${BACKBONE_PREFIX}", as in "${BACKBONE_PREFIX}conv1.weight"`,
  });
}
