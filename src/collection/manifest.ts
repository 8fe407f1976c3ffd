/**
 * @file `collection.json`: what a collection is, beside the vectors themselves. A space is one embedder's vectors of
 * all items; a collection may have several, of which one answers unless another is asked for.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type EmbeddingIdentity, identityKey, parseIdentity } from '../embedding/identity.js';
import type { EmbedderOptions } from '../embedding/index.js';
import { CollectionError } from '../errors.js';
import { writeAtomically } from '../models/cache.js';

/** The version of this layout. A collection of a later one is refused; an earlier one would be brought up to date. */
const VERSION = 1;
const FILE = 'collection.json';

/** How an embedder is opened again: what is part of its identity, and nothing about this machine. */
export interface SavedEmbedder {
  /** A catalogue name, `org/name`, or the absolute path of a local model. */
  model: string;
  options: Pick<EmbedderOptions, 'output' | 'dtype' | 'revision' | 'normalize'> & {
    decode?: Pick<NonNullable<EmbedderOptions['decode']>, 'orient' | 'mode'>;
  };
}

/** How well the approximate index of a space finds what exact search finds. */
export interface IndexQuality {
  /** Of the 10 nearest by exact search, the share that the index finds; mean over `queries` items of the space. */
  recallAt10: number;
  queries: number;
  /** Rows at the time. */
  rows: number;
  /** The effort of the search at which it was measured, and which is used. */
  effort: number;
}

/** The vectors of one embedder. */
export interface Space {
  /** Names the space's tables: the key of its identity. */
  key: string;
  identity: EmbeddingIdentity;
  /** Null for imported vectors whose model cannot be opened here. */
  embedder: SavedEmbedder | null;
  /** `building` until every item has been tried once; such a space does not answer unless it is the only one. */
  state: 'building' | 'ready';
  /** ISO 8601. */
  created: string;
  quality?: IndexQuality;
}

/** What `collection.json` holds. */
export interface Manifest {
  /** The folder of images, absolute or relative to the collection's own; null for imported vectors alone. */
  root: string | null;
  spaces: Space[];
  /** Key of the space that answers. */
  current: string | null;
  /** Which files of the folder belong to it, where not all images do: the globs of `NameOptions`. */
  globs?: { include?: string[]; exclude?: string[] };
}

/** What of an embedder's options belongs to its identity, as far as it is not the default. */
export function savedEmbedder(model: string, options: EmbedderOptions = {}): SavedEmbedder {
  const { output, dtype, revision, normalize, decode } = options;
  return {
    model,
    options: {
      ...(output === undefined ? {} : { output }),
      ...(dtype === undefined || dtype === 'fp32' ? {} : { dtype }),
      ...(revision === undefined ? {} : { revision }),
      ...(normalize === false ? { normalize } : {}),
      ...(decode?.orient === false || decode?.mode === 'fast' ? { decode: pick(decode) } : {}),
    },
  };
}

function pick({ orient, mode }: NonNullable<EmbedderOptions['decode']>) {
  return { ...(orient === false ? { orient } : {}), ...(mode === 'fast' ? { mode } : {}) };
}

/** A space for an embedder's vectors, not yet in any manifest. */
export function newSpace(identity: EmbeddingIdentity, embedder: SavedEmbedder | null): Space {
  return {
    key: identityKey(identity),
    identity,
    embedder,
    state: 'building',
    created: new Date().toISOString(),
  };
}

/**
 * Reads a collection's manifest; undefined when there is none.
 * @throws CollectionError when it is damaged or of a later version.
 */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  let text: string;
  try {
    text = await readFile(path.join(folder, FILE), 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new CollectionError(folder, `${FILE} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const damaged = (what: string) =>
    new CollectionError(folder, `${FILE} is damaged: ${what}`, {
      hint: 'restore it from a copy; or delete the folder and index again',
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged('it is not JSON');
  }
  const it = value as Partial<Manifest> & { afterimageCollection?: unknown };
  if (typeof it !== 'object' || it === null || typeof it.afterimageCollection !== 'number')
    throw damaged('it does not say that it describes a collection');
  if (it.afterimageCollection > VERSION)
    throw new CollectionError(
      folder,
      `it was made by a later version of Afterimage (layout ${it.afterimageCollection}, this one reads ${VERSION})`,
      { hint: 'update Afterimage' },
    );
  if (!Array.isArray(it.spaces)) throw damaged('"spaces" is not a list');
  const spaces = it.spaces.map((space): Space => {
    const identity = parseIdentity(space?.identity);
    if (identity === undefined || identityKey(identity) !== space.key)
      throw damaged('a space has no valid identity');
    return { ...space, identity };
  });
  if (it.current != null && !spaces.some(({ key }) => key === it.current))
    throw damaged('"current" names no space');
  const { globs } = it;
  return { root: it.root ?? null, spaces, current: it.current ?? null, ...(globs ? { globs } : {}) };
}

/** Writes the manifest; a reader sees the old or the new. @throws CollectionError when the disk refuses. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  try {
    const content = { afterimageCollection: VERSION, ...manifest };
    await writeAtomically(path.join(folder, FILE), `${JSON.stringify(content, null, 2)}\n`);
  } catch (error) {
    throw new CollectionError(folder, `${FILE} cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
