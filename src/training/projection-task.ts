/**
 * @file What training a projection is: a head on embeddings that exist, with labels from a table or from the folders in
 * their ids.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { type Embeddings, readEmbeddings, saveProjection } from '../embedding/index.js';
import { IdentityError, UsageError } from '../errors.js';
import { batchesOf } from './batches.js';
import { cardTitle, described, namedTensors, trainingFacts } from './card.js';
import { assembleDataSet, fingerprintDataSet } from './data/dataset-assemble.js';
import { findColumns } from './data/dataset-columns.js';
import { readTable } from './data/dataset-table.js';
import { splitDataSet } from './data/split.js';
import type { DataItem, DataSet } from './data/types.js';
import { headTask } from './head-task.js';
import { heldOutOfClasses } from './held-out.js';
import { objectiveFor } from './objective.js';
import type { ProjectionTrainOptions } from './options.js';
import type { Task } from './task.js';
import { microBatch } from './training-data.js';

/** About how many vectors a step has where the options do not say. */
const BATCH = 128;
/** Numbers that are hashed at a time, which takes up to 2 GB. */
const HASHED = 2 ** 24;

/** Builds the task. @throws FormatError, UsageError, IdentityError for what cannot be trained on. */
export async function projectionTask(options: ProjectionTrainOptions): Promise<Task> {
  const { seed = 0, accumulate = 1, dimension = 128 } = options;
  const embeddings = await readEmbeddings(options.data);
  const { identity, vectors, dimension: width } = embeddings;
  if (!identity)
    throw new IdentityError(`${options.data}: expected a file that says which model its vectors come from`, {
      hint: 'make it with "afterimage embed", so that the projection can refuse other vectors later',
    });
  const set = await labelledSet(embeddings, options);
  const how = heldOutOfClasses(set, options);
  const split = splitDataSet(set, { seed, ...how });
  const { batchSize, samplesPerClass } = batchesOf(set, split, options, BATCH);
  const objective = objectiveFor(set, split, {
    batchSize,
    samplesPerClass,
    dimension,
    seed,
    loss: options.loss,
  });
  const micro = microBatch(batchSize, accumulate, objective.unit);
  const head = { head: dimension, hidden: options.hidden ?? null };
  const place = new Map(embeddings.ids.map((id, i) => [id, i]));
  const data = new Float32Array(set.items.length * width);
  set.items.forEach(({ id }, i) => {
    const row = place.get(id)!;
    data.set(vectors.subarray(row * width, (row + 1) * width), i * width);
  });
  const task = headTask({ data, width }, head, objective, { seed, micro, threads: options.threads });
  return {
    ...task,
    data: { items: set.items.length, sha256: fingerprint(set, data) },
    save: (tensors, summary) =>
      saveProjection(
        options.out,
        {
          input: identity,
          head,
          tensors: namedTensors(task.graph, tensors),
          card: {
            ...trainingFacts(options, { set, split, by: how.by }, summary, {
              loss: described(objective.loss),
              batchSize,
            }),
            title: cardTitle(options.out),
            summary:
              'A projection of embeddings to fewer dimensions, trained with Afterimage. Compare its vectors by cosine.',
            network: {
              architecture: options.hidden ? 'two linear layers with ReLU between' : 'linear',
              input: `${width} numbers: ${identity.model}, ${identity.output}`,
              output: `${dimension} numbers`,
            },
            limits: 'It takes vectors of the model and output it was trained on, and of no other.',
          },
        },
        { overwrite: true },
      ),
  };
}

/** A hash of ids, labels and numbers, by which a resumed run tells that its data is still the same. */
function fingerprint(set: DataSet, vectors: Float32Array): string {
  const hash = createHash('sha256').update(fingerprintDataSet(set));
  for (let at = 0; at < vectors.length; at += HASHED) hash.update(vectors.subarray(at, at + HASHED));
  return hash.digest('hex');
}

/** The vectors that have a label, as a data set. */
async function labelledSet({ ids }: Embeddings, options: ProjectionTrainOptions): Promise<DataSet> {
  const { labels: file, idColumn, labelColumn } = options;
  const named = (items: DataItem[], warnings: string[]) =>
    assembleDataSet('labelled', items, { given: null, unreadable: [], warnings });
  if (file === undefined) {
    const items = ids.map((id) => ({ id, input: id, label: path.posix.dirname(id).split('/').at(-1)! }));
    return named(items, []);
  }
  const table = await readTable(file);
  const columns = findColumns(table, { kind: 'labelled', pathColumn: idColumn, labelColumn });
  const labels = new Map(table.rows.map((row) => [row.cell(columns.paths[0]!), row.cell(columns.label!)]));
  const items = ids.flatMap((id) => {
    const label = labels.get(id);
    return label ? [{ id, input: id, label }] : [];
  });
  if (items.length === 0)
    throw new UsageError(`${file}: it has a label for none of the ${ids.length} vectors`, {
      hint: `its column "${columns.paths[0]}" should hold ids such as ${ids[0]}`,
    });
  const missing = ids.length - items.length;
  return named(items, missing === 0 ? [] : [`${missing} vectors have no label and were left out`]);
}
