// Texts and images of mini-clip: captions find photographs, photographs captions, names label pictures.
import { loadEmbedder } from '../../dist/embedding/index.js';
import { threads } from '../lib.mjs';
import { bootstrap, shown } from './bootstrap.mjs';
import { captions, photographs, tinyPictures } from './data.mjs';
import { writeSheets } from './sheets.mjs';
import { bundled, cosines, flat, rankOf } from './vectors.mjs';

const EACH = 5;
const K = [1, 5, 10];
/** Recall@k that is asked, and that of canonical correlations of the teacher's features with words: quoted, not run. */
const ASKED = { 1: '0.18', 5: '0.45', 10: '0.60' };
const CCA = { 1: '0.175', 5: '0.438', 10: '0.570' };

/** All that is measured of mini-clip; with BENCH_SHEETS=FOLDER also sheets of searches. */
export async function clip() {
  const model = bundled('mini-clip');
  if (!model) return [];
  const embedder = await loadEmbedder(model.folder, { threads });
  const texts = async (list) => flat(await embedder.embedTexts(list), embedder.dimension);
  const images = async (list) => flat(await embedder.embedImages(list), embedder.dimension);
  try {
    const set = photographs();
    const vectors = await images(set.items);
    if (process.env.BENCH_SHEETS)
      await writeSheets(process.env.BENCH_SHEETS, set.items, async (queries) =>
        cosines(await texts(queries), vectors),
      );
    const found = search(cosines(await texts(await captions(set.items)), vectors), set.items.length);
    return [...found, ...(await labelled(texts, images))];
  } finally {
    await embedder.close();
  }
}

/** Rows of text → image and image → text; captions of one photograph are drawn together. */
function search(scores, count) {
  const captionRanks = scores.map((row, i) => rankOf(row, Math.floor(i / EACH)));
  const imageRanks = Array.from({ length: count }, (_, image) => {
    const column = Float32Array.from(scores, (row) => row[image]);
    return Math.min(...Array.from({ length: EACH }, (_, e) => rankOf(column, EACH * image + e)));
  });
  const photographs = Array.from({ length: count }, (_, i) => i);
  const part = (ranks, k) => ranks.filter((rank) => rank < k).length / ranks.length;
  const recall = (ranksOf, k) => shown(bootstrap([photographs.map((image) => part(ranksOf(image), k))]));
  const own = (image) => captionRanks.slice(EACH * image, EACH * (image + 1));
  const chance = (k, own, all) => `chance ${(1 - missed(k, own, all)).toFixed(3)}`;
  return [
    ...K.map((k) => [
      'mini-clip',
      `text → image, ${scores.length} captions, ${count} Flickr8k photographs, recall@${k}`,
      recall(own, k),
      `CCA on ViT-Ti/16 (quoted) ${CCA[k]}; ${chance(k, 1, count)}`,
      '',
      ASKED[k],
    ]),
    ...K.map((k) => [
      'mini-clip',
      `image → text, ${count} photographs, ${scores.length} captions, recall@${k}`,
      recall((image) => [imageRanks[image]], k),
      chance(k, EACH, scores.length),
      '',
      '',
    ]),
  ];
}

/** How likely none of `own` among `all` is in `k` drawn blindly. */
function missed(k, own, all) {
  let part = 1;
  for (let drawn = 0; drawn < k; drawn++) part *= Math.max(0, all - own - drawn) / (all - drawn);
  return part;
}

/** Rows of zero-shot labels. */
async function labelled(texts, images) {
  const { items, labels, names } = await tinyPictures();
  const scores = cosines(await images(items), await texts(names.map((name) => `a photo of a ${name}`)));
  const ranks = scores.map((row, i) => rankOf(row, labels[i]));
  return [1, 5].map((k) => [
    'mini-clip',
    `zero-shot, ${items.length} Tiny-ImageNet pictures, ${names.length} names, top-${k}`,
    shown(bootstrap([ranks.map((rank) => Number(rank < k))])),
    `chance ${(k / names.length).toFixed(3)}`,
    '',
    'state',
  ]);
}
