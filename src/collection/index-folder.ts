/**
 * @file A folder of images kept up to date in a collection: what `afterimage index` does. Only what is new or has
 * changed is embedded; every vector that was computed is on the disk within seconds and is not computed again.
 */
import { access } from 'node:fs/promises';
import path from 'node:path';
import { type Embedder, type EmbedderOptions, loadEmbedder } from '../embedding/embedder.js';
import { canonicalJson, sameIdentity } from '../embedding/identity.js';
import type { Progress } from '../embedding/results.js';
import { CollectionError, type ItemFailure, UsageError } from '../errors.js';
import type { NameOptions } from '../image/expand-names.js';
import { defaultModel, resolveModel } from '../models/catalogue.js';
import type { Collection } from './collection.js';
import { lockCollection } from './collection-lock.js';
import { indexSpace } from './index-space.js';
import { newSpace, type SavedEmbedder, type Space, savedEmbedder } from './manifest.js';
import { applyMetadata, type MetadataReport, readMetadata } from './metadata.js';

/** Options of {@link indexFolder}. */
export interface IndexOptions extends Pick<NameOptions, 'include' | 'exclude'> {
  /**
   * The model whose vectors are made or brought up to date.
   * @default the embedder that the collection was opened with; else all models that it has vectors of; for an empty
   *   collection the bundled mini-clip
   */
  model?: string | undefined;
  /** How a model that the collection does not have yet is opened. */
  embedderOptions?: EmbedderOptions | undefined;
  /** Once the vectors of `model` are complete, delete those of the other models. @default false */
  replace?: boolean | undefined;
  /** A CSV, JSONL or Parquet file with columns of your own: see {@link applyMetadata}. */
  metadata?: string | undefined;
  /** Forget the vectors of deleted files now. @default false */
  purge?: boolean | undefined;
  /** Days for which the vectors of deleted files are kept, should these come back. @default 30 */
  keepRemovedDays?: number | undefined;
  /** Try files that failed before, though they have not changed. @default false */
  retry?: boolean | undefined;
  /** Once aborted, the run ends cleanly: the batch in hand is finished and written. */
  stop?: AbortSignal | undefined;
  /** Told of every file that is dealt with; `total` is known once the whole folder has been looked at. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Told of every file that fails. */
  onFailure?: ((failure: ItemFailure) => void) | undefined;
  /** Told of what else the user should know: a folder that cannot be read, a model that begins. */
  onNote?: ((message: string) => void) | undefined;
}

/** What a run did for one model. */
export interface SpaceSummary {
  /** The space's key and its model. */
  space: string;
  model: string;
  /** Files that went through the network. */
  embedded: number;
  /** Files that got the vector of a file with the same bytes: moved, renamed, copied, or come back. */
  reused: number;
  /** Files with a new time and the same bytes. */
  touched: number;
  unchanged: number;
  /** Files that are gone, and did not merely move. */
  removed: number;
  failed: number;
  /** Files that failed before and were not tried again. */
  failedBefore: number;
  /** Items that there are now. */
  items: number;
  seconds: number;
  interrupted: boolean;
}

/** What a run did. */
export interface IndexSummary {
  /** For each model, in the order in which they were dealt with. */
  spaces: SpaceSummary[];
  metadata?: MetadataReport;
  /** `stop` ended the run before its end. */
  interrupted: boolean;
  seconds: number;
}

/**
 * Brings a collection up to date with its folder of images. Files are known by their path, size and time, and, where
 * these have changed, by the hash of their bytes. The folder is only read.
 *
 * The globs `include` and `exclude` are kept: they hold for later runs that give none. Files that they leave out are
 * put away like deleted ones.
 *
 * @throws UsageError for a collection without a folder; CollectionError when the folder is missing or empty all of a
 *   sudden, another process is writing to it, or the disk refuses; RuntimeError when the network fails; and as
 *   `loadEmbedder`. What was done until then stands. A file that fails is no exception.
 */
export async function indexFolder(collection: Collection, options: IndexOptions = {}): Promise<IndexSummary> {
  const start = performance.now();
  await checkRoot(collection);
  const chosen = options.model !== undefined || collection.embedder !== undefined;
  if (options.replace && !chosen)
    throw new UsageError('replace needs a model: which vectors are to take the place of the others?');
  const metadata = options.metadata === undefined ? undefined : await readMetadata(options.metadata);
  const release = await lockCollection(collection.folder);
  const opened: Embedder[] = [];
  try {
    await collection.refresh();
    await collection.store.repair();
    const globs = await rememberGlobs(collection, options);
    const summary: IndexSummary = { spaces: [], interrupted: false, seconds: 0 };
    for (const { space, embedder } of await spacesFor(collection, options, opened)) {
      const building = space.state === 'building';
      const facts = building ? collection.spaces.find((other) => isFinished(other, space)) : undefined;
      const open = () => (embedder ? Promise.resolve(embedder) : collection.embedderOf(space));
      const one = await indexSpace(collection, space, { ...options, ...globs }, open, facts);
      summary.spaces.push(one);
      summary.interrupted = one.interrupted;
      if (one.interrupted) break;
      if (metadata) {
        summary.metadata = await applyMetadata(collection, space, metadata);
      }
      if (building || chosen) await complete(collection, space, options);
    }
    summary.seconds = (performance.now() - start) / 1000;
    return summary;
  } finally {
    await Promise.all(opened.map((embedder) => embedder.close()));
    await release();
  }
}

async function checkRoot(collection: Collection): Promise<void> {
  const { root, folder } = collection;
  if (root === undefined)
    throw new UsageError(`${folder}: this collection has no folder of images; its vectors were imported`);
  try {
    await access(root);
  } catch (cause) {
    throw new CollectionError(folder, `its folder of images, ${root}, cannot be found`, {
      hint: 'if it lies on a disk that is not connected, connect it: nothing was changed',
      cause,
    });
  }
}

async function rememberGlobs(collection: Collection, { include, exclude }: IndexOptions) {
  const some = (globs: string[] | undefined) => globs !== undefined && globs.length > 0;
  if (!some(include) && !some(exclude)) return collection.globs;
  const globs = {
    ...(some(include) ? { include: include! } : {}),
    ...(some(exclude) ? { exclude: exclude! } : {}),
  };
  if (canonicalJson(globs) !== canonicalJson(collection.globs))
    await collection.change((manifest) => ({ ...manifest, globs }));
  return globs;
}

/** The spaces that a run is about. Embedders that had to be opened to know an identity are added to `opened`. */
async function spacesFor(
  collection: Collection,
  options: IndexOptions,
  opened: Embedder[],
): Promise<{ space: Space; embedder?: Embedder }[]> {
  const { spaces, embedder: given } = collection;
  if (options.model === undefined && given)
    return [await spaceOf(collection, given, await savedFor(given), options)];
  if (options.model === undefined && spaces.length > 0) {
    const own = spaces.filter(({ embedder }) => embedder !== null);
    if (own.length > 0) return own.map((space) => ({ space }));
    throw new UsageError(`${collection.folder}: its vectors were imported, and their model is not known`, {
      hint: 'name the model whose vectors are to be made beside them (--model NAME)',
    });
  }
  const name = options.model ?? defaultModel;
  const resolved = await resolveModel(name);
  const model = resolved.kind === 'local' ? path.resolve(resolved.path) : name;
  const saved = savedEmbedder(model, options.embedderOptions);
  // A local model may have been trained further since: only its files can tell.
  const known = spaces.find(({ embedder }) => canonicalJson(embedder) === canonicalJson(saved));
  if (known && resolved.kind !== 'local') return [{ space: known }];
  const embedder = await loadEmbedder(model, options.embedderOptions);
  opened.push(embedder);
  return [await spaceOf(collection, embedder, saved, options)];
}

/** The space of an open embedder, entered in the manifest where it is new. */
async function spaceOf(
  collection: Collection,
  embedder: Embedder,
  saved: SavedEmbedder,
  { onNote }: IndexOptions,
): Promise<{ space: Space; embedder: Embedder }> {
  const { spaces } = collection;
  const { identity } = embedder;
  const there = spaces.find((space) => sameIdentity(space.identity, identity));
  if (there?.embedder) return { space: there, embedder };
  const space = there ? { ...there, embedder: saved } : newSpace(identity, saved);
  await collection.change((manifest) => ({
    ...manifest,
    spaces: [...manifest.spaces.filter(({ key }) => key !== space.key), space],
  }));
  if (spaces.length > 0)
    onNote?.(`making vectors of ${identity.model} beside the others, which answer until these are complete`);
  return { space, embedder };
}

/** How an embedder that somebody has opened is opened again. */
async function savedFor({ model, options }: Embedder): Promise<SavedEmbedder> {
  const known = await resolveModel(model.name).then(
    ({ kind }) => kind !== 'local',
    () => false,
  );
  return savedEmbedder(known ? model.name : path.resolve(model.path), options);
}

/** Whether another space is complete, so that its facts of files can be taken over. */
function isFinished(other: Space, space: Space): boolean {
  return other.key !== space.key && other.state === 'ready' && other.embedder !== null;
}

/** The space answers from now on. */
async function complete(collection: Collection, space: Space, { replace }: IndexOptions): Promise<void> {
  const { spaces, current } = collection;
  if (collection.current?.key !== space.key || current?.state !== 'ready')
    await collection.change((manifest) => ({
      ...manifest,
      current: space.key,
      spaces: manifest.spaces.map((one) => (one.key === space.key ? { ...one, state: 'ready' } : one)),
    }));
  if (!replace) return;
  for (const { key } of spaces) if (key !== space.key) await collection.dropSpace(key);
}
