/**
 * @file Where a vector comes from. Two vectors may be compared only when everything that shaped them agrees: the
 * network and its weights, the number type, the preprocessing, the output that was taken and what was done to it.
 * Files and collections carry this record and refuse to mix.
 */
import { createHash } from 'node:crypto';
import { IdentityError } from '../errors.js';

/** Everything that shapes a vector. Plain JSON; equal records mean comparable vectors. */
export interface EmbeddingIdentity {
  /** The model's name: a catalogue name, `org/name`, or the name of a local folder or file. */
  model: string;
  /** The publisher's revision (a commit), or null for local weights. */
  revision: string | null;
  /** SHA-256 of the weight files, lower-case hex; {@link DECLARED} where nobody knows it. */
  weights: string;
  /** The number type the network runs in. */
  dtype: 'fp32' | 'fp16' | 'int8';
  /** SHA-256 of the preprocessing's canonical JSON ({@link transformHash}); null where no image is preprocessed. */
  transform: string | null;
  /** Which output: `logits`, `pooled`, `cls`, `mean`, `tokens`, `projection`, `latent`, … */
  output: string;
  /** Whether vectors are scaled to unit Euclidean length. */
  normalized: boolean;
  /** Numbers per vector. */
  dimension: number;
}

const FIELDS = [
  'model',
  'revision',
  'weights',
  'dtype',
  'transform',
  'output',
  'normalized',
  'dimension',
] as const;

/**
 * Stands for the weights (and, where that is unknown too, for the output) of vectors that came without a record of
 * what made them, for which somebody has named the model. They are taken at that word: compared are the model's name,
 * the output, the normalisation and the dimension.
 */
export const DECLARED = 'declared';

/** The fields in which two identities differ, among those that both know. */
function differences(a: EmbeddingIdentity, b: EmbeddingIdentity): (typeof FIELDS)[number][] {
  const declared = a.weights === DECLARED || b.weights === DECLARED;
  return FIELDS.filter((field) => {
    if (declared && ['weights', 'revision', 'dtype', 'transform'].includes(field)) return false;
    if (field === 'output' && (a.output === DECLARED || b.output === DECLARED)) return false;
    return a[field] !== b[field];
  });
}

/**
 * JSON with the keys of every object in code-unit order and no white space, so that equal values give equal text.
 * Fields that are undefined are left out, as in `JSON.stringify`.
 * @throws {TypeError} for what JSON cannot say without loss: NaN, infinities, bigints, functions, undefined in arrays.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`);
    return `{${fields.join(',')}}`;
  }
  throw new TypeError(`expected a JSON value but received ${typeof value} ${String(value)}`);
}

/** SHA-256 as lower-case hex; text is taken as UTF-8. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The hash by which an identity names a preprocessing: SHA-256 of its canonical JSON. */
export function transformHash(spec: object): string {
  return sha256(canonicalJson(spec));
}

/** Sixteen hex digits that stand for an identity in file names and caches. */
export function identityKey(identity: EmbeddingIdentity): string {
  return sha256(canonicalJson(pick(identity))).slice(0, 16);
}

/** Whether vectors of the two identities can be compared. */
export function sameIdentity(a: EmbeddingIdentity, b: EmbeddingIdentity): boolean {
  return differences(a, b).length === 0;
}

/**
 * Refuses to go on with vectors of another identity.
 * @param found the identity of what is there already
 * @param wanted the identity of what is to join it
 * @param what how the error names the place that holds `found`, e.g. a path
 * @throws {IdentityError} listing exactly the fields that differ
 */
export function assertSameIdentity(found: EmbeddingIdentity, wanted: EmbeddingIdentity, what: string): void {
  const different = differences(found, wanted);
  if (different.length === 0) return;
  const list = different.map((field) => `${field} ${show(found[field])} there, ${show(wanted[field])} here`);
  throw new IdentityError(`${what} holds vectors of another origin: ${list.join('; ')}`, {
    hint: 'embed with the same model and options, or write to another place',
  });
}

/**
 * Reads an identity back from JSON; undefined when the value is not one.
 * Unknown fields are dropped, so that files of later versions stay readable.
 */
export function parseIdentity(value: unknown): EmbeddingIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const it = value as Partial<Record<(typeof FIELDS)[number], unknown>>;
  const good =
    typeof it.model === 'string' &&
    (it.revision === null || typeof it.revision === 'string') &&
    typeof it.weights === 'string' &&
    (it.dtype === 'fp32' || it.dtype === 'fp16' || it.dtype === 'int8') &&
    (it.transform === null || typeof it.transform === 'string') &&
    typeof it.output === 'string' &&
    typeof it.normalized === 'boolean' &&
    typeof it.dimension === 'number' &&
    Number.isInteger(it.dimension) &&
    it.dimension > 0;
  return good ? pick(it as EmbeddingIdentity) : undefined;
}

/** The fields that count, in their order. */
function pick(identity: EmbeddingIdentity): EmbeddingIdentity {
  const { model, revision, weights, dtype, transform, output, normalized, dimension } = identity;
  return { model, revision, weights, dtype, transform, output, normalized, dimension };
}

function show(value: string | number | boolean | null): string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? `${value.slice(0, 12)}…` : String(value);
}
