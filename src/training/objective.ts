/**
 * @file What a network that learns likeness is told about its images, in one form for labels, pairs, triplets and
 * images alone: which rows make a batch, what the loss reads besides the embeddings, and how good an embedding is.
 */
import { UsageError } from '../errors.js';
import { type Graph, ops, type Tensor, type Value } from '../graph/index.js';
import { pairMetrics, retrieval, retrievalMetrics, tripletMetrics } from '../vectors/index.js';
import type { Sampler } from './data/sampler.js';
import { MPerClassSampler } from './data/sampler-class.js';
import { PairSampler, TripletSampler, ViewsSampler } from './data/sampler-rows.js';
import type { DataSet, DataSplit } from './data/types.js';
import {
  type LossParameter,
  type MetricLossOptions,
  metricLoss,
  pairContrastive,
  tripletRows,
} from './losses/index.js';
import type { Metrics } from './task.js';

/** What is learned from a data set. */
export interface Objective {
  sampler: Sampler;
  /** Images that must stay in one micro-batch. */
  unit: number;
  /** The loss in full, for messages and cards. */
  loss: MetricLossOptions;
  /** Tensors that the loss learns, with their starting numbers. */
  parameters: Map<string, LossParameter>;
  /** Appends the loss over embeddings [micro, D] to their graph, with the inputs it reads. */
  build(graph: Graph, embeddings: Value): Value;
  /** What those inputs receive for rows `from ..` of batch `batch`. */
  feeds(rows: Int32Array, at: { epoch: number; batch: number; from: number }): Record<string, Tensor>;
  /** The images whose vectors {@link measure} wants, in order; the same one twice stands for two views of it. */
  heldOut: Int32Array;
  /** Measures the vectors of the images held out, row-major [heldOut, dimension]. */
  measure(vectors: Float32Array, dimension: number): Promise<Metrics>;
  /** The metric by which the best epoch is told; more of it is better. */
  criterion: string;
}

/** How a data set is learned from. */
export interface ObjectiveOptions {
  batchSize: number;
  samplesPerClass: number;
  dimension: number;
  seed: number;
  /** @default see `SiameseTrainOptions.loss` */
  loss?: MetricLossOptions | undefined;
}

/** Measuring has the thread to itself. */
const INLINE = { inline: true };

/** The objective that fits the kind of data. @throws UsageError for a loss that does not go with it. */
export function objectiveFor(set: DataSet, split: DataSplit, options: ObjectiveOptions): Objective {
  switch (set.kind) {
    case 'labelled':
      return labelled(set, split, options);
    case 'unlabelled':
      return views(set, split, options);
    case 'pairs':
      return pairs(set, split, options);
    case 'triplets':
      return triplets(set, split, options);
  }
}

function labelled(set: DataSet, split: DataSplit, options: ObjectiveOptions): Objective {
  const { batchSize: batch, samplesPerClass: m, seed, dimension, loss = { name: 'supcon' } } = options;
  const labels = set.labels!;
  const sampler = new MPerClassSampler({ indices: split.train, labels, m, batch, seed });
  const heldOut = split.validation;
  return {
    ...overLabels(loss, set.classes.length, { dimension, seed }, (i) => labels[i]!),
    sampler,
    unit: m,
    heldOut,
    measure: (vectors, width) =>
      retrievalMetrics(
        vectors,
        width,
        Int32Array.from(heldOut, (i) => labels[i]!),
        { seed, session: INLINE },
      ),
    criterion: 'map@r',
  };
}

/** Images without labels: two varied views of one are alike (SimCLR, Chen et al., 2020). */
function views(set: DataSet, split: DataSplit, options: ObjectiveOptions): Objective {
  const { batchSize: batch, seed, dimension, loss = { name: 'ntxent' } } = options;
  const heldOut = Int32Array.from(
    { length: 2 * split.validation.length },
    (_, i) => split.validation[i >> 1]!,
  );
  if (loss.name === 'proxy-anchor' || loss.name === 'arcface')
    throw new UsageError(`${loss.name} loss: expected labels but the data has none`, {
      hint: 'use ntxent, or label the images by folders or a file',
    });
  return {
    ...overLabels(loss, set.items.length, { dimension, seed }, (i) => i),
    sampler: new ViewsSampler({ indices: split.train, batch, seed }),
    unit: 2,
    heldOut,
    async measure(vectors, width) {
      // As many classes as images: nothing that clusters could be held against.
      const found = await retrieval({ data: vectors, dimension: width }, heldOut, {
        k: [5],
        distance: 'cosine',
        session: INLINE,
      });
      return { 'precision@1': found.precisionAtOne, 'recall@5': found.recallAtK[5]! };
    },
    criterion: 'precision@1',
  };
}

/** The parts that follow from a loss over labels. */
function overLabels(
  options: MetricLossOptions,
  classes: number,
  { dimension, seed }: { dimension: number; seed: number },
  labelOf: (item: number) => number,
): Pick<Objective, 'loss' | 'parameters' | 'build' | 'feeds'> {
  const loss = metricLoss(options, classes);
  return {
    loss: options,
    parameters: loss.parameters(dimension, seed),
    build: (graph, embeddings) =>
      loss.build(embeddings, graph.input('labels', [embeddings.shape[0]!], 'int64')),
    feeds: (rows) => ({
      labels: { data: BigInt64Array.from(rows, (i) => BigInt(labelOf(i))), dims: [rows.length] },
    }),
  };
}

function pairs(set: DataSet, split: DataSplit, options: ObjectiveOptions): Objective {
  const { batchSize: batch, seed, loss = { name: 'contrastive' } } = options;
  if (loss.name !== 'contrastive') throw mismatch(loss.name, 'pairs', 'contrastive');
  const { name: _, ...settings } = loss;
  const sampler = new PairSampler({ rows: split.train, pairs: set.pairs!, same: set.same!, batch, seed });
  const heldOut = rowsOf(set.pairs!, split.validation, 2);
  return {
    loss,
    sampler,
    unit: 2,
    parameters: new Map(),
    build(graph, embeddings) {
      const [a, b] = apart(embeddings, 2);
      return pairContrastive(a!, b!, graph.input('same', [a!.shape[0]!]), settings);
    },
    feeds(rows, { epoch, batch: k, from }) {
      const same = sampler.same(epoch, k).subarray(from / 2, (from + rows.length) / 2);
      return { same: { data: Float32Array.from(same), dims: [same.length] } };
    },
    heldOut,
    measure: async (vectors, width) =>
      pairMetrics(
        vectors,
        width,
        Uint8Array.from(split.validation, (row) => set.same![row]!),
      ),
    criterion: 'auc',
  };
}

function triplets(set: DataSet, split: DataSplit, options: ObjectiveOptions): Objective {
  const { batchSize: batch, seed, loss = { name: 'triplet' } } = options;
  if (loss.name !== 'triplet') throw mismatch(loss.name, 'triplets', 'triplet');
  const { name: _, triplets: mined, miningMargin: __, ...settings } = loss;
  if (mined !== undefined)
    throw new UsageError('triplet loss: the triplets are listed, none are mined; leave "triplets" out');
  return {
    loss,
    sampler: new TripletSampler({ rows: split.train, triplets: set.triplets!, batch, seed }),
    unit: 3,
    parameters: new Map(),
    build(_graph, embeddings) {
      const [anchor, positive, negative] = apart(embeddings, 3);
      return tripletRows(anchor!, positive!, negative!, settings);
    },
    feeds: () => ({}),
    heldOut: rowsOf(set.triplets!, split.validation, 3),
    measure: async (vectors, width) => tripletMetrics(vectors, width),
    criterion: 'accuracy',
  };
}

function mismatch(loss: string, kind: string, fits: string): UsageError {
  return new UsageError(`${loss} loss: the data lists ${kind}, which go with the ${fits} loss`);
}

/** The items of rows of a table, one row after the other. */
function rowsOf(table: Int32Array, rows: Int32Array, width: number): Int32Array {
  const items = new Int32Array(rows.length * width);
  rows.forEach((row, k) => {
    items.set(table.subarray(row * width, (row + 1) * width), k * width);
  });
  return items;
}

/** Rows `k·n + i` as `n` tensors: [k·n, D] → n × [k, D]. */
function apart(embeddings: Value, n: number): Value[] {
  const [rows, width] = embeddings.shape as [number, number];
  const grouped = ops.reshape(embeddings, [rows / n, n, width]);
  return Array.from({ length: n }, (_, i) => ops.select(grouped, 1, i));
}
