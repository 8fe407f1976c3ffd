/**
 * @file What every analysis starts from: vectors with ids, columns and one identity, in memory, whether they lie in a
 * collection, in a file of embeddings, or are made of a folder of images on the way.
 */
import type { Cell, Column } from '../collection/columns.js';
import type { Embedder } from '../embedding/embedder.js';
import type { EmbeddingIdentity } from '../embedding/identity.js';
import { nearestName, UsageError } from '../errors.js';
import { allFinite, isUnit, toUnit, type Vectors } from '../vectors/vectors.js';

/** A column with its cells, one for each item in the order of the ids. */
export interface FilledColumn extends Column {
  cells: readonly Cell[];
}

/** Where a set comes from. */
export interface VectorOrigin {
  /** In words for messages: a file, a collection's folder. */
  source: string;
  kind: 'collection' | 'file' | 'images';
  /** Where the vectors come from; null where the file does not say. */
  identity: EmbeddingIdentity | null;
  /** The columns that can be read. */
  columns: readonly Column[];
  /** The cells of these columns, in the order of `ids`. */
  read(names: readonly string[], ids: readonly string[]): Promise<Record<string, Cell[]>>;
  /** Where an item's file lies, or its address. */
  fileOf(id: string): string;
  /** The embedder of these vectors. @throws UsageError where it is not known */
  embedder(): Promise<Embedder>;
  /** Keeps columns beside the vectors. @throws UsageError where they cannot be kept */
  save(ids: readonly string[], columns: readonly FilledColumn[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Vectors to be analysed, in the order of their ids. Close it when done.
 *
 * Every set has the column `folder`, the name of the folder that an item lies in, which is its class where images are
 * sorted into folders.
 */
export class VectorSet implements Vectors {
  /** Columns that came from a table beside it, or were read before. */
  private readonly cells = new Map<string, FilledColumn>();
  private normalized: Vectors | undefined;

  /** Use `openVectorSet`, or this for vectors of your own. @throws UsageError when there are none, or one has no number. */
  constructor(
    private readonly origin: VectorOrigin,
    /** One for each vector, unique, in code-unit order. */
    readonly ids: readonly string[],
    /** `ids.length × dimension`, row by row, as they were stored. */
    readonly data: Float32Array,
    readonly dimension: number,
  ) {
    if (ids.length === 0)
      throw new UsageError(`${origin.source}: there are no vectors in it`, {
        hint: EMPTY[origin.kind],
      });
    if (!allFinite(data)) {
      const row = Math.floor(data.findIndex((x) => !Number.isFinite(x)) / dimension);
      throw new UsageError(`${origin.source}: the vector of ${ids[row]} holds NaN or infinity`, {
        hint: 'embed it anew; a network that gives such vectors has diverged',
      });
    }
  }

  get source(): string {
    return this.origin.source;
  }
  get kind(): VectorOrigin['kind'] {
    return this.origin.kind;
  }
  get identity(): EmbeddingIdentity | null {
    return this.origin.identity;
  }
  /** How many vectors there are. */
  get count(): number {
    return this.ids.length;
  }

  /** The columns that {@link column} gives, besides `folder`. */
  get columns(): readonly Column[] {
    const own = this.origin.columns.filter(({ name }) => !this.cells.has(name));
    return [...own, ...[...this.cells.values()].map(({ name, type }) => ({ name, type }))];
  }

  /** The vectors at unit length, to be compared by cosine: these very ones where they have it, else one copy of them. */
  unit(): Vectors {
    this.normalized ??= this.identity?.normalized || isUnit(this) ? this : toUnit(this);
    return this.normalized;
  }

  /** One vector. */
  vector(row: number): Float32Array {
    return this.data.subarray(row * this.dimension, (row + 1) * this.dimension);
  }

  /** Where the item's file lies, or its address. */
  file(row: number): string {
    return this.origin.fileOf(this.ids[row]!);
  }

  /** The embedder of these vectors; closed with the set. @throws UsageError where it is not known */
  embedder(): Promise<Embedder> {
    return this.origin.embedder();
  }

  /**
   * A column, cell by cell in the order of the ids.
   * @throws UsageError when there is none of this name, with the nearest one.
   */
  async column(name: string): Promise<FilledColumn> {
    const known = this.cells.get(name);
    if (known) return known;
    const column = this.origin.columns.find((c) => c.name === name);
    if (column === undefined) {
      if (name === 'id') return { name, type: 'text', cells: this.ids };
      if (name === 'folder') return { name, type: 'text', cells: this.ids.map(folderOf) };
      const names = ['folder', ...this.columns.map((c) => c.name)];
      const near = nearestName(name, names);
      throw new UsageError(`${this.source}: there is no column "${name}"`, {
        hint: near ? `did you mean "${near}"?` : `there are ${names.join(', ')}; --table FILE brings others`,
      });
    }
    const cells = (await this.origin.read([name], this.ids))[name]!;
    const filled = { ...column, cells };
    this.cells.set(name, filled);
    return filled;
  }

  /** Adds columns to this set, in memory alone. They hide others of the same name. */
  add(columns: readonly FilledColumn[]): void {
    for (const column of columns) {
      if (column.cells.length !== this.count)
        throw new UsageError(
          `${column.name}: expected ${this.count} cells but received ${column.cells.length}`,
        );
      this.cells.set(column.name, column);
    }
  }

  /**
   * Keeps columns in the collection, for `--where` and the next analysis.
   * @throws UsageError when the set is no collection, a name is the collection's own, or a column of another type is there.
   */
  async save(columns: readonly FilledColumn[]): Promise<void> {
    this.add(columns);
    await this.origin.save(this.ids, columns);
  }

  async close(): Promise<void> {
    await this.origin.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const EMPTY: Record<VectorOrigin['kind'], string> = {
  collection: '"afterimage index FOLDER" fills a collection; is --where too narrow?',
  file: 'is it the right file?',
  images: 'no image in it could be read',
};

/** The name of the folder that an item lies in; null for one that lies in none. */
function folderOf(id: string): string | null {
  const parts = id.split(/[\\/]/);
  return parts.length > 1 ? parts.at(-2)! : null;
}

/**
 * Brings rows into the order of their ids, in place, with one row of extra memory.
 * @returns the ids in order
 * @throws UsageError when an id occurs twice
 */
export function sortRows(
  source: string,
  ids: readonly string[],
  data: Float32Array,
  dimension: number,
): string[] {
  const order = Array.from(ids, (_, i) => i).sort((a, b) => (ids[a]! < ids[b]! ? -1 : 1));
  const sorted = order.map((i) => ids[i]!);
  const twice = sorted.findIndex((id, i) => i > 0 && id === sorted[i - 1]);
  if (twice > 0)
    throw new UsageError(`${source}: two vectors are called "${sorted[twice]}"`, {
      hint: 'every item needs an id of its own',
    });
  const kept = new Float32Array(dimension);
  const done = new Uint8Array(order.length);
  for (let start = 0; start < order.length; start++) {
    if (done[start] || order[start] === start) continue;
    kept.set(data.subarray(start * dimension, (start + 1) * dimension));
    let to = start;
    for (; order[to] !== start; to = order[to]!) {
      data.copyWithin(to * dimension, order[to]! * dimension, (order[to]! + 1) * dimension);
      done[to] = 1;
    }
    data.set(kept, to * dimension);
    done[to] = 1;
  }
  return sorted;
}
