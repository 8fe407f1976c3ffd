/**
 * @file From token ids to tokens: the text towers of CLIP and SigLIP.
 *
 * The length of a text may be free, so that a batch costs what its longest text needs and not the full context; with
 * a causal mask, what comes after the end of a text does not change it.
 */
import { type Dim, Graph, ops, type Value } from '../graph/index.js';
import { Blocks, type Encoder, flatTokens, type Unflatten } from './transformer-layers.js';

export interface TextTower {
  readonly encoder: Encoder;
  /** Names of the embedding tables. */
  readonly tokens: string;
  readonly positions: string;
  readonly vocabulary: number;
  /** The longest text, in tokens. */
  readonly context: number;
  readonly causal: boolean;
}

/** A text on its way into the last block. */
export interface TextTrunk {
  readonly graph: Graph;
  /** [N, T] int64. */
  readonly ids: Value;
  readonly blocks: Blocks;
  /** What the last block reads: [N·T, D]. */
  readonly body: Value;
  readonly unflatten: Unflatten;
}

/** Builds everything up to the last block, for texts of `length` tokens: a number, or a symbol when it is free. */
export function textTrunk(name: string, tower: TextTower, length: Dim): TextTrunk {
  const { encoder, vocabulary, context } = tower;
  const graph = new Graph(name);
  const ids = graph.input('input_ids', ['N', length], 'int64');
  const words = ops.gather(graph.parameter(tower.tokens, [vocabulary, encoder.width]), ids);
  const table = graph.parameter(tower.positions, [context, encoder.width]);
  const positions = length === context ? table : firstRows(table, ids);
  const unflatten = freeUnflatten(ids);
  const blocks = new Blocks(graph, encoder, unflatten, { causal: tower.causal });
  return { graph, ids, blocks, body: blocks.body(flatTokens(ops.add(words, positions))), unflatten };
}

/** As many rows of a table as the texts of this batch have tokens. */
function firstRows(table: Value, ids: Value): Value {
  const { graph } = table;
  const length = graph.node('Shape', [ids], [1], { dtype: 'int64', attributes: { start: 1, end: 2 } });
  return graph.node(
    'Slice',
    [table, graph.ints([0]), length, graph.ints([0])],
    [ids.shape[1]!, table.shape[1]!],
  );
}

/** [N·T, D] → [N, T, D] where N and T are known from the ids only when the graph runs. */
function freeUnflatten(ids: Value): Unflatten {
  const { graph } = ids;
  const sizes = graph.node('Shape', [ids], [2], { dtype: 'int64' });
  const targets = new Map<Dim, Value>();
  return (x) => {
    const d = x.shape[1] as number;
    let target = targets.get(d);
    if (!target) {
      target = graph.node('Concat', [sizes, graph.ints([d])], [3], { attributes: { axis: 0 } });
      targets.set(d, target);
    }
    return graph.node('Reshape', [x, target], [...ids.shape, d]);
  };
}

/** Where a text ends: the place of its largest id (OpenAI's tokenizer gives the end the last one). [N] int64 */
export function positionOfLargest(ids: Value): Value {
  return argMax(ops.cast(ids, 'int32'));
}

/** The first place of `id` in each text, 0 when it has none: [N] int64. */
export function firstPositionOf(ids: Value, id: number): Value {
  const wanted = ids.graph.constant(BigInt64Array.of(BigInt(id)), [], 'int64');
  return argMax(ops.cast(ids.graph.node('Equal', [ids, wanted], ids.shape, { dtype: 'bool' }), 'int32'));
}

function argMax(x: Value): Value {
  return x.graph.node('ArgMax', [x], [x.shape[0]!], {
    dtype: 'int64',
    attributes: { axis: 1, keepdims: 0, select_last_index: 0 },
  });
}
