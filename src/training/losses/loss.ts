/**
 * @file What a loss over labelled embeddings is.
 *
 * A loss is a builder of graph nodes: it appends itself to the graph of the embeddings, miner included, so that the
 * network, the choice of pairs and every gradient are one graph. Names, defaults and values are those of
 * pytorch-metric-learning, its reducers included; each file names the paper.
 */
import { GraphError } from '../../errors.js';
import { show, type Value } from '../../graph/index.js';

/** The starting numbers of a tensor that a loss learns. */
export interface LossParameter {
  shape: number[];
  data: Float32Array;
}

/** A loss over a batch of labelled embeddings. */
export interface MetricLoss {
  readonly name: string;
  /**
   * Appends the loss to the graph of `embeddings [B, D]` float32 and `labels [B]` int64: a scalar. Equal labels make a
   * positive pair, whatever they number; a loss with learned tensors takes labels from 0 to its number of classes − 1.
   * @throws GraphError when a shape or type does not fit.
   */
  build(embeddings: Value, labels: Value): Value;
  /**
   * The tensors that the loss learns beside the network, by the name (`loss.…`) under which {@link build} declares
   * them, with starting numbers for embeddings of `dimension` numbers. The same seed gives the same numbers.
   */
  parameters(dimension: number, seed: number): Map<string, LossParameter>;
}

/** The batch size and the dimension. @throws GraphError when the two do not fit or are not fixed. */
export function batchOf(
  embeddings: Value,
  labels: Value,
  loss: string,
): { batch: number; dimension: number } {
  const [batch, dimension] = embeddings.shape;
  if (
    embeddings.shape.length !== 2 ||
    typeof batch !== 'number' ||
    typeof dimension !== 'number' ||
    embeddings.dtype !== 'float32'
  )
    throw new GraphError(
      `${loss}: expected float32 embeddings of a fixed shape [B, D] but received ${embeddings.dtype} ${show(embeddings.shape)}`,
    );
  if (labels.shape.length !== 1 || labels.shape[0] !== batch || labels.dtype !== 'int64')
    throw new GraphError(
      `${loss}: expected int64 labels [${batch}] but received ${labels.dtype} ${show(labels.shape)}`,
    );
  return { batch, dimension };
}
