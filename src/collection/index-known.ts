/** @file What a table knows of files, held compactly: a million take about a hundred megabytes. */
import type { ScannedFile } from './scan.js';
import type { VectorTable } from './store.js';

/**
 * Milliseconds before it was looked at within which a file's time proves nothing: clocks of file systems tick that
 * slowly, and the file may have been changed once more within the same tick.
 */
const TICK = 2000;

/** How a file stands to what is known of it. `racy`: it looks unchanged, but only its content can tell. */
export type FileState = 'new' | 'unchanged' | 'racy' | 'changed';

/** Size and time of the files in a table, by id. */
export class KnownFiles {
  private readonly places = new Map<string, number>();
  private readonly bytes: Float64Array;
  private readonly modified: Float64Array;
  private readonly indexed: Float64Array;
  private readonly seen: Uint8Array;

  private constructor(count: number) {
    this.bytes = new Float64Array(count);
    this.modified = new Float64Array(count);
    this.indexed = new Float64Array(count);
    this.seen = new Uint8Array(count);
  }

  /** Reads the columns `size`, `modified` and `indexed` of a table to which nobody else writes. */
  static async read(table: VectorTable): Promise<KnownFiles> {
    const known = new KnownFiles(await table.count());
    for await (const { ids, values } of table.scan({ columns: ['size', 'modified', 'indexed'] })) {
      for (const [i, id] of ids.entries()) {
        const place = known.places.size;
        known.places.set(id, place);
        known.bytes[place] = Number(values.size![i] ?? Number.NaN);
        known.modified[place] = time(values.modified![i]);
        known.indexed[place] = time(values.indexed![i]);
      }
    }
    return known;
  }

  get size(): number {
    return this.places.size;
  }

  has(id: string): boolean {
    return this.places.has(id);
  }

  /** Compares a file with what is known of it, and remembers that it is there. */
  meet(file: ScannedFile): FileState {
    const place = this.places.get(file.id);
    if (place === undefined) return 'new';
    this.seen[place] = 1;
    if (this.bytes[place] !== file.bytes || this.modified[place] !== file.modified) return 'changed';
    return Math.abs(this.indexed[place]! - file.modified) <= TICK ? 'racy' : 'unchanged';
  }

  /** The files that were not met. Imported items of which no file was ever seen are none. */
  *missing(): Generator<string> {
    for (const [id, place] of this.places)
      if (this.seen[place] === 0 && !Number.isNaN(this.modified[place])) yield id;
  }
}

function time(cell: unknown): number {
  return cell instanceof Date ? cell.getTime() : Number.NaN;
}
