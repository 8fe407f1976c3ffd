/**
 * @file The features of a frozen backbone, computed once for a run. They go through the journal of embeddings files, so
 * a run that is interrupted meanwhile takes up where it was.
 */
import path from 'node:path';
import { transformHash } from '../embedding/identity.js';
import { type EmbeddingIdentity, openWriter, readEmbeddings } from '../embedding/index.js';
import { outputSize } from '../image/index.js';
import { openTower, runTower } from './backbone.js';
import type { Features } from './head-task.js';
import type { TaskContext } from './run.js';
import { requireSpace } from './run-folder.js';
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
  const loader = imageLoader(data, base.transform, { ...options, augment: 'none' }, (failure) =>
    context.onEvent({ type: 'failure', failure }),
  );
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
    await requireSpace(context.folder, 2 * 4 * items.length * tower.width); // a journal and what is made of it
    const { writer, done } = await openWriter(file, 'npy', { identity, resume: true });
    const missing = Int32Array.from(items.keys()).filter((i) => !done.has(items[i]!.id));
    const plan = inOrder(missing, BATCH);
    const standIns = new Map<number, Float32Array>(); // of images that cannot be read any more
    let count = done.size;
    let batch = 0;
    try {
      for await (const { images, indices } of loader.evaluate(plan)) {
        context.signal.throwIfAborted();
        const vectors = await runTower(tower, images, size);
        const asked = plan[batch++]!;
        const rows = Array.from(indices, (item, i) => ({
          id: items[item]!.id,
          vector: vectors.subarray(i * tower.width, (i + 1) * tower.width),
        }));
        await writer.append(rows.filter((_, i) => indices[i] === asked[i]));
        asked.forEach((item, i) => {
          if (indices[i] !== item) standIns.set(item, rows[i]!.vector);
        });
        count += indices.length;
        context.onEvent({ type: 'features', done: count, total: items.length });
      }
      await writer.close();
    } catch (error) {
      await writer.suspend(); // what is done is kept for a run that goes on
      throw error;
    }
    return { data: await inItemOrder(file, items, standIns, tower.width), width: tower.width };
  } finally {
    await loader.close();
    await tower.session.release();
  }
}

/** @param standIns vectors that are not in the file, by item */
async function inItemOrder(
  file: string,
  items: readonly { id: string }[],
  standIns: ReadonlyMap<number, Float32Array>,
  width: number,
): Promise<Float32Array> {
  const { ids, vectors } = await readEmbeddings(file);
  const place = new Map(ids.map((id, i) => [id, i]));
  const out = new Float32Array(items.length * width);
  items.forEach(({ id }, i) => {
    const row = place.get(id)!;
    out.set(standIns.get(i) ?? vectors.subarray(row * width, (row + 1) * width), i * width);
  });
  return out;
}
