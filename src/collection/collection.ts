/**
 * @file A collection: a folder of images, their vectors and what is known about them, kept up to date cheaply and
 * searched in milliseconds. It lies in one folder of its own, by default `.afterimage` within the folder of images.
 */
import { mkdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { type Embedder, type EmbedderOptions, loadEmbedder } from '../embedding/embedder.js';
import { assertSameIdentity, sameIdentity } from '../embedding/identity.js';
import { CollectionError, UsageError } from '../errors.js';
import { ITEM_COLUMNS } from './columns.js';
import { LanceStore } from './lance/lance-store.js';
import { type Manifest, readManifest, type SavedEmbedder, type Space, writeManifest } from './manifest.js';
import type { Store, VectorTable } from './store.js';

/** The name of a collection's folder within its folder of images. */
export const COLLECTION_FOLDER = '.afterimage';

/** Options of {@link openCollection}. */
export interface CollectionOptions {
  /** Make a collection where there is none. @default false */
  create?: boolean | undefined;
  /** The folder of images of a new collection. @default none: vectors are imported */
  root?: string | undefined;
  /** An open embedder: images are indexed with it, and queries that its vectors can answer; it is left open. */
  embedder?: Embedder | undefined;
  /** How embedders are opened: threads, device, and the like. What is part of an identity is not taken from here. */
  embedderOptions?: EmbedderOptions | undefined;
}

/** The tables of a space. */
export interface SpaceTables {
  /** The items that are there. */
  items: VectorTable;
  /** Items whose file is gone, with their vectors, should it come back. */
  removed: VectorTable;
  /** Files that could not be embedded: no vectors. */
  failures: VectorTable;
}

/**
 * Opens a collection, or makes one.
 * @param folder the collection's own folder
 * @throws CollectionError when there is none (unless `create`), it is damaged, or of a later version.
 */
export async function openCollection(folder: string, options: CollectionOptions = {}): Promise<Collection> {
  const place = path.resolve(folder);
  let manifest = await readManifest(place);
  if (manifest === undefined) {
    if (!options.create)
      throw new CollectionError(place, 'there is no collection here', {
        hint: '"afterimage index FOLDER" makes one for a folder of images',
      });
    manifest = { root: await rootFor(place, options.root), spaces: [], current: null };
    await makeFolder(place);
    await writeManifest(place, manifest);
  }
  return new Collection(place, manifest, await LanceStore.open(path.join(place, 'vectors')), options);
}

/** A collection that is open. Close it when done. */
export class Collection {
  private readonly embedders = new Map<string, Promise<Embedder>>();
  private readonly tables = new Map<string, Promise<SpaceTables>>();

  /** Use {@link openCollection}. */
  constructor(
    /** Its own folder, absolute. */
    readonly folder: string,
    private manifest: Manifest,
    readonly store: Store,
    private readonly options: CollectionOptions,
  ) {}

  /** The folder of images, absolute; undefined for imported vectors alone. */
  get root(): string | undefined {
    return this.manifest.root === null ? undefined : path.resolve(this.folder, this.manifest.root);
  }

  /** The embedder that it was opened with. */
  get embedder(): Embedder | undefined {
    return this.options.embedder;
  }

  /** Its spaces, in the order in which they were made. */
  get spaces(): readonly Space[] {
    return this.manifest.spaces;
  }

  /** The space that answers, unless another is asked for; undefined while the collection is empty. */
  get current(): Space | undefined {
    const { spaces, current } = this.manifest;
    return spaces.find(({ key }) => key === current) ?? spaces[0];
  }

  /** Where an item's file lies. */
  fileOf(id: string): string {
    return this.root === undefined ? id : path.join(this.root, id);
  }

  /**
   * The space of a model.
   * @param model its name as it was given or as its identity has it, or the beginning of the space's key.
   *   @default the space that answers
   * @throws UsageError when there is none.
   */
  space(model?: string): Space {
    const { spaces } = this;
    if (spaces.length === 0)
      throw new UsageError(`${this.folder}: this collection is empty`, {
        hint: '"afterimage index FOLDER" fills it',
      });
    if (model === undefined) return this.current!;
    const named = (space: Space) => space.identity.model === model || space.embedder?.model === model;
    const found = spaces.findLast(named) ?? spaces.find(({ key }) => key.startsWith(model));
    if (found) return found;
    throw new UsageError(`this collection has no vectors of ${model}`, {
      hint: `it has those of ${spaces.map(({ identity }) => identity.model).join(', ')}; "afterimage index --model ${model}" adds others`,
    });
  }

  /** The tables of a space, opened once. They are made where the space is new. */
  tablesOf(space: Space): Promise<SpaceTables> {
    let tables = this.tables.get(space.key);
    if (tables === undefined) {
      tables = this.openTables(space);
      tables.catch(() => this.tables.delete(space.key));
      this.tables.set(space.key, tables);
    }
    return tables;
  }

  /**
   * The embedder of a space, opened once.
   * @throws CollectionError when the space was imported without one, IdentityError when the model has changed since,
   *   and as `loadEmbedder`.
   */
  embedderOf(space: Space): Promise<Embedder> {
    const { embedder: given } = this.options;
    if (given && sameIdentity(given.identity, space.identity)) return Promise.resolve(given);
    let embedder = this.embedders.get(space.key);
    if (embedder === undefined) {
      embedder = this.openEmbedder(space);
      embedder.catch(() => this.embedders.delete(space.key));
      this.embedders.set(space.key, embedder);
    }
    return embedder;
  }

  /** The globs that choose among the files of the folder, as they were last given. */
  get globs(): NonNullable<Manifest['globs']> {
    return this.manifest.globs ?? {};
  }

  /** Deletes a space and its vectors. */
  async dropSpace(key: string): Promise<void> {
    await this.change((manifest) => ({
      ...manifest,
      spaces: manifest.spaces.filter((space) => space.key !== key),
      current: manifest.current === key ? null : manifest.current,
    }));
    this.tables.delete(key);
    await (await this.embedders.get(key)?.catch(() => undefined))?.close();
    this.embedders.delete(key);
    for (const kind of ['items', 'removed', 'failures']) await this.store.drop(`${kind}_${key}`);
  }

  /** Changes the manifest, on the disk first. */
  async change(update: (manifest: Manifest) => Manifest): Promise<void> {
    const next = update((await readManifest(this.folder)) ?? this.manifest);
    await writeManifest(this.folder, next);
    this.manifest = next;
  }

  /** Sees what other processes have done since. */
  async refresh(): Promise<void> {
    this.manifest = (await readManifest(this.folder)) ?? this.manifest;
  }

  /** Ends the embedders that it has opened and lets go of the store. */
  async close(): Promise<void> {
    const embedders = await Promise.allSettled(this.embedders.values());
    this.embedders.clear();
    for (const embedder of embedders) if (embedder.status === 'fulfilled') await embedder.value.close();
    await this.store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async openTables({ key, identity }: Space): Promise<SpaceTables> {
    const { dimension, normalized } = identity;
    const there = new Set(await this.store.tables());
    const open = (name: string, size: number) =>
      there.has(name)
        ? this.store.open(name)
        : this.store.create(name, {
            dimension: size,
            normalized,
            columns: size === 0 ? FAILURE_COLUMNS : ITEM_COLUMNS,
          });
    return {
      items: await open(`items_${key}`, dimension),
      removed: await open(`removed_${key}`, dimension),
      failures: await open(`failures_${key}`, 0),
    };
  }

  private async openEmbedder({ embedder, identity }: Space): Promise<Embedder> {
    if (embedder === null)
      throw new CollectionError(
        this.folder,
        `its vectors of ${identity.model} were imported without a model`,
        {
          hint: 'search by an item or a vector; or open the collection with the embedder that made them',
        },
      );
    const opened = await loadEmbedder(embedder.model, {
      ...this.options.embedderOptions,
      ...embedder.options,
    });
    try {
      assertSameIdentity(identity, opened.identity, this.folder);
    } catch (error) {
      await opened.close();
      throw error;
    }
    return opened;
  }
}

/** What is kept of a file that could not be embedded; the id is the file's. */
export const FAILURE_COLUMNS = [
  { name: 'size', type: 'integer' },
  { name: 'modified', type: 'time' },
  { name: 'stage', type: 'text' },
  { name: 'reason', type: 'text' },
  { name: 'indexed', type: 'time' },
] as const;

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

/** A root that holds the collection is kept as the way there, so that both can be moved together. */
async function rootFor(folder: string, root: string | undefined): Promise<string | null> {
  if (root === undefined) return null;
  const found = await stat(root).catch(() => undefined);
  if (!found?.isDirectory())
    throw new UsageError(`no folder "${root}"`, { hint: 'name the folder that holds the images' });
  const real = await realpath(root);
  const parent = await realpath(path.dirname(folder)).catch(() => path.dirname(folder));
  const way = path.relative(path.join(parent, path.basename(folder)), real);
  return /^\.\.([\\/]\.\.)*$/.test(way) ? way : real;
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new CollectionError(folder, `the folder cannot be made: ${(error as Error).message}`, {
      hint: 'where the images lie in a folder that cannot be written, name another place with --collection',
      cause: error,
    });
  }
}
