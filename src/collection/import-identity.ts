/** @file Where imported vectors come from: what the file says, or what the user says. */
import { DECLARED, type EmbeddingIdentity, parseIdentity } from '../embedding/identity.js';
import { FormatError, IdentityError, ModelError, UsageError } from '../errors.js';
import { type ResolvedModel, resolveModel } from '../models/catalogue.js';
import type { ImportSurvey } from './import-survey.js';
import { type SavedEmbedder, savedEmbedder } from './manifest.js';

/** An identity, and how its model is opened. */
export interface ImportIdentity {
  identity: EmbeddingIdentity;
  /** Null for a model that cannot be opened here: such vectors are searched by items and vectors alone. */
  embedder: SavedEmbedder | null;
  /** Whether somebody's word stands for it. */
  declared: boolean;
}

/**
 * The identity of a file's vectors.
 * @throws IdentityError when nobody says what made them, or what is said does not fit the vectors.
 */
export async function identityOf(
  file: string,
  own: EmbeddingIdentity | null,
  survey: ImportSurvey,
  given: {
    model?: string | undefined;
    identity?: (Partial<EmbeddingIdentity> & { model: string }) | undefined;
  },
): Promise<ImportIdentity> {
  if (survey.rows === 0) throw new FormatError(file, 'there are no vectors in it');
  if (given.model !== undefined && given.identity !== undefined)
    throw new UsageError('expected a model or an identity but received both');
  if (own !== null) {
    const { identity, embedder } = await withEmbedder(own);
    const named = given.model ?? given.identity?.model;
    if (named !== undefined && named !== own.model && (await nameOf(named)) !== own.model)
      throw new IdentityError(`${file}: its vectors are of ${own.model}, as it says itself, not of ${named}`);
    return { identity, embedder, declared: false };
  }
  if (given.identity) return withEmbedder(complete(file, given.identity, survey));
  if (given.model === undefined)
    throw new IdentityError(`${file}: the file does not say which model its vectors come from`, {
      hint: 'name it: --model clip-vit-b32, or any name for a model that Afterimage does not know',
    });
  return fromModel(file, given.model, survey);
}

/** What was declared, completed by what the vectors show. */
function complete(
  file: string,
  given: Partial<EmbeddingIdentity> & { model: string },
  { dimension, normalized }: ImportSurvey,
): EmbeddingIdentity {
  const identity = parseIdentity({
    revision: null,
    weights: DECLARED,
    dtype: 'fp32',
    transform: null,
    output: DECLARED,
    normalized,
    dimension,
    ...given,
  });
  if (identity === undefined)
    throw new UsageError('identity: a field has a value of the wrong type', {
      hint: 'expected {"model": "…"} and any of revision, weights, dtype, transform, output, normalized, dimension',
    });
  if (identity.dimension !== dimension)
    throw new IdentityError(
      `${file}: expected vectors of ${identity.dimension} numbers but found ${dimension}`,
    );
  if (identity.normalized && !normalized)
    throw new IdentityError(`${file}: expected vectors of unit length, but not all of them are`);
  return identity;
}

/** The identity of a model's vectors, as far as its name tells it: nothing is downloaded or opened. */
async function fromModel(file: string, name: string, survey: ImportSurvey): Promise<ImportIdentity> {
  const resolved = await lookUp(name);
  const entry = resolved && 'entry' in resolved ? resolved.entry : undefined;
  if (!entry)
    return withEmbedder(complete(file, { model: resolved?.kind === 'hub' ? resolved.repo : name }, survey));
  const outputs = Object.entries(entry.outputs).filter(([output]) => output !== 'tokens');
  const fitting = outputs.filter(([, dimension]) => dimension === survey.dimension).map(([output]) => output);
  const output = fitting.includes(entry.defaultOutput) ? entry.defaultOutput : fitting[0];
  if (output === undefined)
    throw new IdentityError(
      `${file}: its vectors have ${survey.dimension} numbers, but those of ${entry.name} ${outputs.map(([o, d]) => `${d} (${o})`).join(' or ')}`,
    );
  return withEmbedder(complete(file, { model: entry.name, output }, survey));
}

async function withEmbedder(identity: EmbeddingIdentity): Promise<ImportIdentity> {
  const { model, output, dtype, revision, normalized, weights } = identity;
  const resolved = await lookUp(model);
  const known = resolved !== undefined && resolved.kind !== 'local';
  const embedder = known
    ? savedEmbedder(model, {
        ...(output === DECLARED ? {} : { output: output as NonNullable<SavedEmbedder['options']['output']> }),
        dtype,
        ...(revision === null || resolved.kind === 'bundled' ? {} : { revision }),
        ...(normalized ? {} : { normalize: false }),
      })
    : null;
  return { identity, embedder, declared: weights === DECLARED };
}

async function nameOf(name: string): Promise<string> {
  const resolved = await lookUp(name);
  if (resolved && 'entry' in resolved) return resolved.entry.name;
  return resolved?.kind === 'hub' ? resolved.repo : name;
}

/** What a name stands for; undefined for one that nobody knows. */
async function lookUp(name: string): Promise<ResolvedModel | undefined> {
  try {
    return await resolveModel(name);
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}
