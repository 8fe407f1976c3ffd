// Recall on genuine CLIP vectors: imported, searched through the store, and beside it NumPy and scikit-learn on the same files.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCollection } from '../../dist/collection/collection.js';
import { importVectors } from '../../dist/collection/import.js';

const KS = [1, 5, 10];

/** @param data the folder that holds clip_vectors; @param python an interpreter with NumPy and scikit-learn */
export async function recall({ data, python, log = () => {} }) {
  const folder = path.join(data, 'clip_vectors');
  if (!existsSync(path.join(folder, 'metadata.csv'))) return { skipped: `no ${folder}` };
  const ours = await recallOfStore(folder, log);
  const peers = JSON.parse(
    execFileSync(python, [path.join(import.meta.dirname, '..', 'peers', 'search-recall.py'), folder], {
      encoding: 'utf8',
    }),
  );
  const rows = [];
  for (const [way, title] of [
    ['text_to_image', 'text → image (250 captions, 50 photographs)'],
    ['image_to_text', 'image → text (50 photographs, 250 captions)'],
  ])
    for (const k of KS) {
      const counts = [ours[way][k], peers.numpy[way][k], peers.sklearn[way][k]];
      const equal = counts.every(([hits, all]) => hits === counts[0][0] && all === counts[0][1]);
      rows.push([
        title,
        `recall@${k}`,
        ...counts.map(([hits, all]) => `${hits}/${all} = ${hits / all}`),
        equal ? 'yes' : 'NO',
      ]);
    }
  return {
    head: ['CLIP ViT-B/32', 'measure', 'Afterimage', 'NumPy', 'scikit-learn', 'equal'],
    rows,
    note: 'An image counts as found when it is among the first k; a photograph, when any of its five captions is.',
  };
}

/** Hits and queries for each direction and k, through `nearest` of two collections. */
export async function recallOfStore(folder, log = () => {}) {
  const scratch = mkdtempSync(path.join(tmpdir(), 'afterimage-recall-'));
  const file = (name) => path.join(folder, name);
  const options = { metadata: file('metadata.csv'), model: 'clip-vit-b32' };
  const images = await openCollection(path.join(scratch, 'images'), { create: true });
  const texts = await openCollection(path.join(scratch, 'texts'), { create: true });
  try {
    const gotImages = await importVectors(images, file('image_embeddings.npy'), options);
    const gotTexts = await importVectors(texts, file('text_embeddings.npy'), { ...options, texts: true });
    log(`${gotImages.items} images (${gotImages.repeated} rows repeated), ${gotTexts.items} texts`);
    const { items: imageTable } = await images.tablesOf(images.current);
    const { items: textTable } = await texts.tablesOf(texts.current);
    return {
      text_to_image: await recalls(textTable, imageTable, (text, image) => text.source === image.id),
      image_to_text: await recalls(imageTable, textTable, (image, text) => text.values.source === image.id),
    };
  } finally {
    await images.close();
    await texts.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** For each k, how many of one table's items find one that belongs to them among the k nearest of another. */
async function recalls(queries, bank, belongs) {
  const columns = (await queries.columns()).map(({ name }) => name);
  const theirs = (await bank.columns()).map(({ name }) => name).filter((name) => name === 'source');
  const found = Object.fromEntries(KS.map((k) => [k, [0, 0]]));
  for await (const { ids, vectors, values } of queries.scan({ columns, vectors: true })) {
    const d = vectors.length / ids.length;
    for (const [i, id] of ids.entries()) {
      const hits = await bank.nearest(vectors.slice(i * d, (i + 1) * d), {
        k: Math.max(...KS),
        columns: theirs,
        exact: true,
      });
      const rank = hits.findIndex((hit) => belongs({ id, source: values.source?.[i] }, hit));
      for (const k of KS) {
        found[k][1]++;
        if (rank >= 0 && rank < k) found[k][0]++;
      }
    }
  }
  return found;
}
