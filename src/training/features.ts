/**
 * @file The features of a frozen backbone, computed once for a run. They go through the journal of embeddings files, so
 * a run that is interrupted meanwhile takes up where it was.
 */
import path from 'node:path';
import { transformHash } from '../embedding/identity.js';
import { type EmbeddingIdentity, openWriter, readEmbeddings } from '../embedding/index.js';
import { TrainingError } from '../errors.js';
import { outputSize } from '../image/index.js';
import { openTower, runTower } from './backbone.js';
import type { Features } from './head-task.js';
import type { TaskContext } from './run.js';
import type { SiameseRun } from './siamese-task.js';
import { imageLoader, inOrder } from './training-data.js';

/** Images in one run of the backbone. */
const BATCH = 16;

/** Features of every image of the data, [items, width]. @throws the reason of the signal, RuntimeError. */
export async function backboneFeatures(run: SiameseRun, context: TaskContext): Promise<Features> {
  const { base, data, options } = run;
  const { items } = data.set;
  const size = outputSize(base.transform);
  const tower = await openTower(base, options.threads);
  const loader = imageLoader(data, base.transform, { ...options, augment: 'none' }, ({ id, reason }) => {
    throw new TrainingError(`${id}: ${reason}`, { hint: 'the image was readable when the run began' });
  });
  try {
    const identity: EmbeddingIdentity = {
      model: base.name,
      revision: base.model?.revision ?? null,
      weights: base.model ? await base.model.weightsHash() : `seed ${options.seed ?? 0}`,
      dtype: 'fp32',
      transform: transformHash(base.transform),
      output: base.from,
      normalized: false,
      dimension: tower.width,
    };
    const file = path.join(context.folder, 'features.npy');
    const { writer, done } = await openWriter(file, 'npy', { identity, resume: true });
    const missing = Int32Array.from(items.keys()).filter((i) => !done.has(items[i]!.id));
    let count = done.size;
    for await (const { images, indices } of loader.evaluate(inOrder(missing, BATCH))) {
      if (context.signal.aborted) {
        await writer.suspend();
        context.signal.throwIfAborted();
      }
      const vectors = await runTower(tower, images, size);
      await writer.append(
        Array.from(indices, (item, i) => ({
          id: items[item]!.id,
          vector: vectors.subarray(i * tower.width, (i + 1) * tower.width),
        })),
      );
      count += indices.length;
      context.onEvent({ type: 'features', done: count, total: items.length });
    }
    await writer.close();
    return { data: await inItemOrder(file, items, tower.width), width: tower.width };
  } finally {
    await loader.close();
    await tower.session.release();
  }
}

async function inItemOrder(
  file: string,
  items: readonly { id: string }[],
  width: number,
): Promise<Float32Array> {
  const { ids, vectors } = await readEmbeddings(file);
  const place = new Map(ids.map((id, i) => [id, i]));
  const out = new Float32Array(items.length * width);
  items.forEach(({ id }, i) => {
    const row = place.get(id)!;
    out.set(vectors.subarray(row * width, (row + 1) * width), i * width);
  });
  return out;
}
