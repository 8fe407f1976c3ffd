/**
 * @file A learned projection: vectors of one embedding to fewer dimensions, as a folder.
 *
 * It is a linear layer (or one with a hidden layer) over vectors that exist already, so a big collection is projected
 * without its images. It belongs to the vectors that it was trained on: `config.json` records their identity, and
 * vectors of another are refused.
 */
import path from 'node:path';
import { ModelError, UsageError } from '../errors.js';
import { openSession, type Session } from '../graph/index.js';
import { bindWeights } from '../models/index.js';
import { readJson } from '../models/json.js';
import { type ProjectionFolder, type SaveOptions, saveProjectionFolder } from '../models/save.js';
import { type Head, headGraph } from '../models/siamese.js';
import { openWeights } from '../models/weights/index.js';
import { normalizeRows } from '../vectors/vectors.js';
import { assertSameIdentity, type EmbeddingIdentity, parseIdentity, sha256 } from './identity.js';

/** `model_type` in the `config.json` of a projection. */
export const PROJECTION = 'afterimage-projection';

/** Vectors in one run. */
const CHUNK = 4096;

/** A projection to be saved. */
export interface SavedProjection extends Pick<ProjectionFolder, 'tensors' | 'card'> {
  /** The vectors that it takes. */
  input: EmbeddingIdentity;
  /** Its layers; `tensors` are those of `headGraph(input.dimension, head)`. */
  head: Head & { head: number };
  /** Scale projected vectors to unit length. @default true */
  normalize?: boolean | undefined;
}

/**
 * Writes a projection: `projection.safetensors`, `config.json` and a model card.
 * @throws UsageError when a model is there already and `overwrite` is not set, WeightsError when the disk refuses.
 */
export async function saveProjection(
  folder: string,
  projection: SavedProjection,
  options: SaveOptions = {},
): Promise<void> {
  const { input, head, normalize = true, tensors, card } = projection;
  const config = {
    model_type: PROJECTION,
    input,
    dimension: head.head,
    hidden: head.hidden,
    bias: head.bias ?? true,
    normalize,
  };
  await saveProjectionFolder(folder, { config, tensors, card }, options);
}

/** Opens the folder of a projection. @throws ModelError when it holds none, WeightsError when it is damaged. */
export async function loadProjection(folder: string): Promise<Projection> {
  const file = path.join(folder, 'config.json');
  const config = await readJson(file);
  if (config?.model_type !== PROJECTION)
    throw new ModelError(`${folder}: expected a projection but found ${found(config)}`, {
      hint: '"afterimage train projection" makes one',
    });
  const input = parseIdentity(config.input);
  const { dimension, hidden, bias, normalize } = config;
  if (!input || typeof dimension !== 'number')
    throw new ModelError(`${file}: expected "input" to be an embedding's identity and "dimension" a number`);
  const weights = await openWeights(path.join(folder, 'projection.safetensors'));
  const head = { head: dimension, hidden: (hidden ?? null) as number | null, bias: bias !== false };
  const session = await openSession(headGraph(input.dimension, head), bindWeights(weights), { inline: true });
  const normalized = normalize !== false;
  const identity: EmbeddingIdentity = {
    ...input,
    weights: sha256(`${input.weights}\n${await weights.sha256()}`),
    output: `${input.output}+projection`,
    normalized,
    dimension,
  };
  return new Projection(folder, input, identity, session);
}

function found(config: Record<string, unknown> | null): string {
  return config === null ? 'no config.json' : `model_type ${JSON.stringify(config.model_type)}`;
}

/** A projection that is ready. Close it when done. */
export class Projection {
  /** Use {@link loadProjection}. */
  constructor(
    readonly folder: string,
    /** The vectors that it takes. */
    readonly input: EmbeddingIdentity,
    /** What projected vectors are. */
    readonly identity: EmbeddingIdentity,
    private readonly session: Session,
  ) {}

  /** Numbers in a projected vector. */
  get dimension(): number {
    return this.identity.dimension;
  }

  /**
   * Projects vectors.
   * @param vectors one after the other, `input.dimension` numbers each
   * @param identity what they are, where the caller knows it
   * @returns one after the other, `dimension` numbers each
   * @throws IdentityError for vectors of another identity, UsageError when they are no whole number of vectors.
   */
  async project(vectors: Float32Array, identity?: EmbeddingIdentity): Promise<Float32Array<ArrayBuffer>> {
    const { input, dimension } = this;
    if (identity) assertSameIdentity(input, identity, `the training set of the projection ${this.folder}`);
    const width = input.dimension;
    if (vectors.length % width !== 0)
      throw new UsageError(
        `${this.folder}: expected vectors of ${width} numbers but received ${vectors.length} numbers in all`,
      );
    const rows = vectors.length / width;
    const projected = new Float32Array(rows * dimension);
    for (let from = 0; from < rows; from += CHUNK) {
      const n = Math.min(CHUNK, rows - from);
      const part = vectors.subarray(from * width, (from + n) * width);
      const { embedding } = await this.session.run({ features: { data: part, dims: [n, width] } });
      projected.set(embedding!.data as Float32Array, from * dimension);
    }
    if (this.identity.normalized) normalizeRows(projected, dimension);
    return projected;
  }

  /** Frees its memory. */
  async close(): Promise<void> {
    await this.session.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
