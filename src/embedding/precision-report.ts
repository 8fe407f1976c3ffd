/**
 * @file What a lower precision costs on someone's own images: how far vectors turn from those of fp32, whether
 * neighbours stay the same, and what is gained in speed.
 */
import { UsageError } from '../errors.js';
import { PRECISIONS, type Precision } from '../graph/index.js';
import { type ExpandOptions, expandInputs, type SourceItem } from '../image/index.js';
import { nearestNeighbours } from '../vectors/neighbours.js';
import { cosineSimilarity } from '../vectors/vectors.js';
import { type EmbedderOptions, loadEmbedder } from './embedder.js';
import { isFailed, type Progress } from './results.js';

/** Options of {@link comparePrecisions}. */
export interface PrecisionOptions {
  /** @default the bundled mini-clip */
  model?: string | undefined;
  /** How the model is opened; its `dtype` is not used. */
  embedder?: EmbedderOptions;
  expand?: ExpandOptions;
  /** Images to use at most, the first that are found. @default 200 */
  limit?: number | undefined;
  /** Told as images are done, for each precision anew. */
  onProgress?: ((dtype: Precision, progress: Progress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** One precision, compared with fp32. */
export interface PrecisionRow {
  dtype: Precision;
  /** Cosine between an image's vector and its fp32 vector: the mean over the images, and the least. */
  meanCosine: number;
  minCosine: number;
  /** The image with the least cosine. */
  worst: string;
  /** The share of images whose nearest other image is the same as in fp32; null for fewer than three images. */
  sameNeighbour: number | null;
  /** Images a second, reading and decoding included, the first batch left out. */
  imagesPerSecond: number;
  /** Seconds from the call to an open model. */
  startSeconds: number;
}

/** The comparison of all precisions. */
export interface PrecisionReport {
  model: string;
  output: string;
  /** Images that went in; `failed` others could not be read or gave no numbers in one of the precisions. */
  images: number;
  failed: number;
  rows: PrecisionRow[];
}

/**
 * Embeds the same images in fp32, fp16 and int8 and compares.
 * @throws UsageError when no image can be read, and as {@link loadEmbedder}.
 */
export async function comparePrecisions(
  inputs: Iterable<string | URL>,
  options: PrecisionOptions = {},
): Promise<PrecisionReport> {
  const items = await firstItems(inputs, options);
  const passes: Pass[] = [];
  for (const dtype of PRECISIONS) passes.push(await embedPass(dtype, items, options));
  const [reference] = passes;
  const ids = [...reference!.vectors.keys()].filter((id) => passes.every((p) => p.vectors.has(id)));
  if (ids.length === 0)
    throw new UsageError('none of the images could be read', { hint: 'name images or folders of images' });
  const neighbours = passes.map((p) => nearest(ids.map((id) => p.vectors.get(id)!)));
  const rows = passes.map((pass, p): PrecisionRow => {
    const cosines = ids.map((id) => cosineSimilarity(pass.vectors.get(id)!, reference!.vectors.get(id)!));
    const least = cosines.indexOf(Math.min(...cosines));
    const same = neighbours[p]!.filter((n, i) => n === neighbours[0]![i]).length;
    return {
      dtype: pass.dtype,
      meanCosine: cosines.reduce((sum, c) => sum + c, 0) / ids.length,
      minCosine: cosines[least]!,
      worst: ids[least]!,
      sameNeighbour: ids.length < 3 ? null : same / ids.length,
      imagesPerSecond: pass.imagesPerSecond,
      startSeconds: pass.startSeconds,
    };
  });
  const { model, output } = reference!;
  return { model, output, images: ids.length, failed: items.length - ids.length, rows };
}

interface Pass {
  dtype: Precision;
  model: string;
  output: string;
  vectors: Map<string, Float32Array>;
  imagesPerSecond: number;
  startSeconds: number;
}

/** Items that can be read more than once: archive members come with their bytes, the rest are paths and URLs. */
async function firstItems(inputs: Iterable<string | URL>, options: PrecisionOptions): Promise<SourceItem[]> {
  const items: SourceItem[] = [];
  const limit = options.limit ?? 200;
  for await (const item of expandInputs(inputs, options.expand)) {
    items.push(item);
    if (items.length === limit) break;
  }
  return items;
}

async function embedPass(dtype: Precision, items: SourceItem[], options: PrecisionOptions): Promise<Pass> {
  const begin = performance.now();
  await using embedder = await loadEmbedder(options.model, { ...options.embedder, dtype });
  const startSeconds = (performance.now() - begin) / 1000;
  const vectors = new Map<string, Float32Array>();
  const warm = Math.min(embedder.batchSize, Math.floor(items.length / 2));
  let since = performance.now();
  let done = 0;
  const results = embedder.streamImages(items, {
    signal: options.signal,
    total: items.length,
    onProgress: (progress) => options.onProgress?.(dtype, progress),
  });
  for await (const result of results) {
    if (++done === warm) since = performance.now();
    if (!isFailed(result)) vectors.set(result.id, result.vector);
  }
  return {
    dtype,
    model: embedder.identity.model,
    output: embedder.identity.output,
    vectors,
    imagesPerSecond: ((done - warm) * 1000) / (performance.now() - since),
    startSeconds,
  };
}

function nearest(vectors: Float32Array[]): (number | undefined)[] {
  return nearestNeighbours(vectors, 1).map(([first]) => first?.index);
}
