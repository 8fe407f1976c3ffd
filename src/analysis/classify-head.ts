/** @file A classifier with all that belongs to it, in memory and as a file. */
import type { EmbeddingIdentity } from '../embedding/identity.js';
import { FormatError } from '../errors.js';
import type { SessionOptions } from '../graph/index.js';
import { toFloat16 } from '../models/weights/index.js';
import { type Classifier, loadClassifier } from '../vectors/classify/classifier.js';
import { ExactSearch } from '../vectors/exact-search.js';
import type { ClassificationReport } from '../vectors/metrics/classification.js';
import type { Candidate, ClassScore } from './classify-candidates.js';
import type { Tried } from './classify-cv.js';
import type { Novelty, TrainingImages } from './classify-training-images.js';
import { assertFits, loadFitted, restoreNaN, saveFitted } from './saved.js';
import type { VectorSet } from './vector-set.js';

/** How a head came about, and what was measured on the way. */
export interface HeadSummary {
  /** What it learned from. */
  source: string;
  /** The column of the classes, and that of the groups. */
  label: string;
  group: string | null;
  /** Images that it was fitted to, and classes. */
  items: number;
  names: string[];
  folds: number;
  repeats: number;
  classWeights: 'balanced' | Readonly<Record<string, number>> | null;
  /** What was tried, what decided, and what was taken. */
  tried: Tried[];
  score: ClassScore;
  chosen: Candidate;
  /** Measured on the folds that the models had not seen. */
  crossValidated: ClassificationReport;
  /** Measured on the rows that were kept for a test; null without them. */
  tested: ClassificationReport | null;
  /** When an image is unlike what was seen; null when no training image is kept. */
  novelty: Novelty | null;
  /** What was left out, in words. */
  warnings: string[];
  /** ISO 8601. */
  made: string;
}

/** What a head is made of. */
interface HeadParts {
  identity: EmbeddingIdentity | null;
  dimension: number;
  classifier: Classifier;
  summary: HeadSummary;
  /** None where they are not kept. */
  images: TrainingImages | undefined;
}

/** A classifier of the vectors of one model, fitted by `fitHead` or read by `loadHead`. Close it when done. */
export class Head {
  private search: Promise<ExactSearch> | undefined;

  constructor(
    private readonly parts: HeadParts,
    /** The file that it was read from, for messages. */
    readonly file = 'the head',
  ) {}

  get identity(): EmbeddingIdentity | null {
    return this.parts.identity;
  }
  /** Numbers per vector. */
  get dimension(): number {
    return this.parts.dimension;
  }
  get classifier(): Classifier {
    return this.parts.classifier;
  }
  get summary(): HeadSummary {
    return this.parts.summary;
  }
  /** The classes' names, by number. */
  get names(): readonly string[] {
    return this.summary.names;
  }
  /** The training images that are kept, at most as many as `fitHead` was told. */
  get images(): TrainingImages | undefined {
    return this.parts.images;
  }

  /** @throws IdentityError, FormatError when the vectors are of another model or length than it was fitted to */
  assertFits(set: VectorSet): void {
    assertFits(this.file, this, set);
  }

  /** A search over the training images, opened when it is first asked for; undefined where none is kept. */
  searchImages(session?: SessionOptions): Promise<ExactSearch> | undefined {
    const { images } = this;
    if (images === undefined) return undefined;
    this.search ??= ExactSearch.open(images.vectors.data, images.vectors.dimension, { session });
    return this.search;
  }

  /**
   * Writes the file, whole or not at all. Training images take 2 bytes a number and their ids.
   * @throws WeightsError when the disk refuses.
   */
  async save(file: string): Promise<void> {
    const { identity, dimension, classifier, summary, images } = this.parts;
    const { config, tensors } = classifier.save();
    await saveFitted(file, {
      kind: 'classifier',
      identity,
      dimension,
      config: { summary, classifier: config, ids: images?.ids ?? null },
      tensors: {
        ...Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [CLASSIFIER + name, tensor])),
        ...(images && {
          'images.labels': { shape: [images.ids.length], data: images.labels },
          'images.vectors': {
            dtype: 'F16',
            shape: [images.ids.length, dimension],
            data: toFloat16(images.vectors.data),
          },
        }),
      },
    });
  }

  /** Frees the memory. */
  async close(): Promise<void> {
    await this.classifier.close();
    await (await this.search?.catch(() => undefined))?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const CLASSIFIER = 'classifier.';

/** How a head's file looks, apart from the tensors. */
interface HeadConfig {
  summary: HeadSummary;
  classifier: Record<string, unknown>;
  ids: string[] | null;
}

/**
 * Reads a head, which predicts as it did when it was saved.
 * @throws WeightsError when the file is missing or damaged, FormatError when it is something else.
 */
export async function loadHead(
  file: string,
  options: { session?: SessionOptions | undefined } = {},
): Promise<Head> {
  const { identity, dimension, config, tensors } = await loadFitted(file, 'classifier');
  const { summary, classifier, ids } = config as unknown as HeadConfig;
  if (!summary || !classifier) throw new FormatError(file, 'it holds no classifier of images');
  for (const report of [summary.crossValidated, summary.tested]) if (report) restoreNaN(report);
  const own = Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(CLASSIFIER))
      .map(([name, data]) => [name.slice(CLASSIFIER.length), data]),
  );
  const images = ids && {
    ids,
    labels: Int32Array.from(tensors['images.labels']!),
    vectors: { data: tensors['images.vectors']!, dimension },
  };
  return new Head(
    {
      identity,
      dimension,
      classifier: await loadClassifier(classifier, own, options),
      summary,
      images: images ?? undefined,
    },
    file,
  );
}
