/**
 * @file The embedded store: LanceDB, one folder with one folder for each table, no server. Any number of processes
 * may read and write it at once.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Connection } from '@lancedb/lancedb';
import { CollectionError } from '../../errors.js';
import type { Store, TableSpec, VectorTable } from '../store.js';
import { type Engine, loadEngine } from './lance-engine.js';
import { attempt, persist, translated } from './lance-errors.js';
import { layoutOf, schemaFor } from './lance-schema.js';
import { shareFiles } from './lance-share.js';
import { LanceTable } from './lance-table.js';

/** Use {@link LanceStore.open}. */
export class LanceStore implements Store {
  private readonly opened = new Set<LanceTable>();

  private constructor(
    private readonly engine: Engine,
    private readonly connection: Connection,
    private readonly folder: string,
  ) {}

  /**
   * Opens the store in a folder, which is made where it is missing.
   * @throws CollectionError when the folder cannot be used, or the engine is missing on this platform.
   */
  static async open(folder: string): Promise<LanceStore> {
    const place = path.resolve(folder);
    const engine = loadEngine(place);
    return attempt(place, async () => {
      await mkdir(place, { recursive: true });
      // Every call looks for what other processes have committed.
      const connection = await engine.lancedb.connect(place, { readConsistencyInterval: 0 });
      return new LanceStore(engine, connection, place);
    });
  }

  async tables(): Promise<string[]> {
    const entries = await attempt(this.folder, () => readdir(this.folder));
    const names = entries
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => name.slice(0, -SUFFIX.length));
    const there = await Promise.all(names.map((name) => this.has(name)));
    return names.filter((_, i) => there[i]).sort();
  }

  async create(name: string, spec: TableSpec): Promise<VectorTable> {
    if (await this.has(name)) throw new CollectionError(this.folder, `there is a table "${name}" already`);
    await persist(this.folder, async () => {
      (await this.connection.createEmptyTable(name, schemaFor(this.engine, spec))).close();
    });
    return this.open(name);
  }

  async open(name: string): Promise<VectorTable> {
    if (!(await this.has(name))) throw new CollectionError(this.folder, `there is no table "${name}"`);
    return attempt(this.folder, async () => {
      const table = await this.connection.openTable(name);
      const layout = layoutOf(await table.schema());
      if (layout === undefined)
        throw new CollectionError(this.folder, `"${name}" is not a table of a collection`);
      if (layout === 'later')
        throw new CollectionError(this.folder, `table "${name}" was made by a later version of Afterimage`, {
          hint: 'update Afterimage',
        });
      const opened = new LanceTable(this.engine, table, layout, this.folder);
      this.opened.add(opened);
      return opened;
    });
  }

  async drop(name: string): Promise<void> {
    if (await this.has(name)) await attempt(this.folder, () => this.connection.dropTable(name));
  }

  async repair(): Promise<void> {
    for (const name of await this.tables()) {
      const data = path.join(this.folderOf(name), 'data');
      const files = await readdir(data).catch(() => []);
      // The engine itself never removes what a compaction that was killed had begun.
      for (const file of files.filter((f) => f.startsWith('.tmp')))
        await rm(path.join(data, file), { recursive: true, force: true }).catch((error) => {
          throw translated(this.folder, error);
        });
    }
  }

  async close(): Promise<void> {
    if ([...this.opened].some(({ written }) => written)) await shareFiles(this.folder);
    for (const table of this.opened) table.close();
    this.opened.clear();
    this.connection.close();
  }

  /** A folder with neither versions nor data was left by a process that was killed while it made a table. */
  private async has(name: string): Promise<boolean> {
    const files = (folder: string) => readdir(path.join(this.folderOf(name), folder)).catch(() => []);
    return (await files('_versions')).length > 0 || (await files('data')).length > 0;
  }

  private folderOf(name: string): string {
    return path.join(this.folder, `${name}${SUFFIX}`);
  }
}

/** What the engine calls the folder of a table. */
const SUFFIX = '.lance';
