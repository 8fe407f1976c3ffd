/**
 * @file A collection: a folder of images, their vectors and what is known about them, kept up to date cheaply and
 * searched in milliseconds. It lies in one folder of its own, by default `.afterimage` within the folder of images.
 */
import { mkdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { type Embedder, type EmbedderOptions, loadEmbedder } from '../embedding/embedder.js';
import { assertSameIdentity, sameIdentity } from '../embedding/identity.js';
import { CollectionError, UsageError } from '../errors.js';
import { LanceStore } from './lance/lance-store.js';
import { type Manifest, readManifest, type Space, writeManifest } from './manifest.js';
import { openTables, type SpaceTables, tune } from './space-tables.js';
import type { Store } from './store.js';

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
  /** What reads or writes the manifest does so one after the other. */
  private turn: Promise<unknown> = Promise.resolve();

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
    return (
      spaces.find(({ key }) => key === current) ?? spaces.find(({ state }) => state === 'ready') ?? spaces[0]
    );
  }

  /** Where an item's file lies; the id itself for an address, and in a collection without a folder of images. */
  fileOf(id: string): string {
    return this.root === undefined || isAddress(id) ? id : path.resolve(this.root, id);
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
      tables = openTables(this.store, space);
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
    await (await this.embedders.get(key)?.catch(() => undefined))?.close();
    this.embedders.delete(key);
    for (const kind of ['items', 'removed', 'failures']) await this.store.drop(`${kind}_${key}`);
  }

  /** Changes the manifest, on the disk first. */
  change(update: (manifest: Manifest) => Manifest): Promise<void> {
    return this.inTurn(async () => {
      const next = update((await readManifest(this.folder)) ?? this.manifest);
      await writeManifest(this.folder, next);
      this.adopt(next);
    });
  }

  /** Sees which spaces other processes have made, completed and dropped since. What they write to a space is seen anyway. */
  refresh(): Promise<void> {
    return this.inTurn(async () => this.adopt((await readManifest(this.folder)) ?? this.manifest));
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

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  /** Lets go of the tables of spaces that are gone, or were made anew; the others are searched as was measured last. */
  private adopt(next: Manifest): void {
    for (const { key, created, quality } of this.manifest.spaces) {
      const now = next.spaces.find((space) => space.key === key);
      if (now?.created !== created) this.tables.delete(key);
      else if (now.quality?.effort !== quality?.effort)
        this.tables.get(key)?.then(
          ({ items }) => tune(items, now),
          () => undefined,
        );
    }
    this.manifest = next;
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

/** Whether an id is the address of an item that lies elsewhere; paths below a folder have no empty parts. */
function isAddress(id: string): boolean {
  return /^[a-z][a-z\d+.-]+:\/\//i.test(id);
}

/** A root that holds the collection is kept as the way there, so that both can be moved together. */
async function rootFor(folder: string, root: string | undefined): Promise<string | null> {
  if (root === undefined) return null;
  const found = await stat(root).catch(() => undefined);
  if (!found?.isDirectory())
    throw new UsageError(found ? `"${root}" is not a folder` : `no folder "${root}"`, {
      hint: 'name the folder that holds the images',
    });
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
