/** @file The embedded store under what happens to disks and processes: nothing that was acknowledged is lost. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { LanceStore } from '#src/collection/lance/lance-store.js';
import type { VectorTable } from '#src/collection/store.js';
import { CollectionError } from '#src/errors.js';

const base = mkdtempSync(path.join(tmpdir(), 'afterimage-crash-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const D = 32;
const SPEC = { dimension: D, columns: [{ name: 'mark', type: 'integer' as const }], normalized: true };
const PROGRAM = fileURLToPath(new URL('lance-process.mjs', import.meta.url));

let folder: string;
let count = 0;
beforeEach(async () => {
  folder = path.join(base, `store${count++}`);
  await make(folder);
});

async function make(place: string): Promise<void> {
  const store = await LanceStore.open(place);
  await store.create('items', SPEC);
  await store.close();
}

async function withTable<T>(work: (table: VectorTable, store: LanceStore) => Promise<T>): Promise<T> {
  const store = await LanceStore.open(folder);
  try {
    return await work(await store.open('items'), store);
  } finally {
    await store.close();
  }
}

/** Runs the program until it has written `lines` lines and `delay` milliseconds more, kills it, and gives its lines. */
function killed(what: string, seed: number, lines: number, delay: number): Promise<number[]> {
  const child = spawn(process.execPath, [PROGRAM, what, folder, String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  let timer: NodeJS.Timeout | undefined;
  child.stdout.on('data', (data) => {
    text += data;
    if (timer === undefined && text.split('\n').length > lines)
      timer = setTimeout(() => child.kill('SIGKILL'), delay);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve(text.split('\n').slice(0, -1).map(Number)));
  });
}

function run(what: string, seed: number): Promise<number | null> {
  const child = spawn(process.execPath, [PROGRAM, what, folder, String(seed)], { stdio: 'inherit' });
  return new Promise((resolve) => child.on('close', resolve));
}

/** Each id once, with its mark; throws for one that is there twice. */
async function marks(table: VectorTable): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  for await (const { ids, vectors, values } of table.scan({ columns: ['mark'], vectors: true }))
    ids.forEach((id, i) => {
      const item = Number(id.slice(5));
      expect(found.has(item)).toBe(false);
      found.set(item, values.mark![i] as number);
      expect(vectors[i * D + (item % D)]).toBe(1);
    });
  return found;
}

describe('killed processes', () => {
  for (const what of ['upsert', 'optimize'])
    it(`loses nothing that was acknowledged and has no half batch: ${what}`, async () => {
      let next = 0;
      for (const delay of [0, 13, 37, 71]) {
        const acked = (await killed(what, next, 3, delay)).at(-1)!;
        const last = await withTable(async (table, store) => {
          await store.repair();
          const found = await marks(table);
          const last = Math.max(...found.values());
          // The last that was said to be there, or the one after it as a whole.
          expect([acked, acked + 1]).toContain(last);
          expect(found.size).toBe((last + 2) * 50);
          for (const [item, mark] of found) expect(mark).toBe(Math.min(last, Math.floor(item / 50)));
          await table.optimize();
          expect((await marks(table)).size).toBe(found.size);
          return last;
        });
        const files = readdirSync(path.join(folder, 'items.lance', 'data'));
        expect(files.filter((file) => file.startsWith('.tmp'))).toEqual([]);
        next = last + 1;
      }
    }, 120_000);

  it('sweeps away what a killed compaction leaves', async () => {
    const data = path.join(folder, 'items.lance', 'data');
    mkdirSync(path.join(data, '.tmpAbCdEf'), { recursive: true });
    await withTable((_, store) => store.repair());
    expect(readdirSync(data)).toEqual([]);
  });

  it('makes a table again whose making was killed', async () => {
    mkdirSync(path.join(folder, 'half.lance', '_versions'), { recursive: true });
    await withTable(async (_, store) => {
      expect(await store.tables()).toEqual(['items']);
      expect(await (await store.create('half', SPEC)).count()).toBe(0);
    });
  });
});

describe('several processes', () => {
  it('readers see counts that only grow', async () => {
    const writing = killed('optimize', 0, 30, 0);
    const counts = await killed('count', 0, 15, 0);
    await writing;
    expect(counts.length).toBeGreaterThanOrEqual(15);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    for (const rows of counts) expect(rows % 50).toBe(0);
  }, 120_000);

  it('inserting the same new ids at once gives each once', async () => {
    expect(await Promise.all([1, 2, 3].map((seed) => run('same', seed)))).toEqual([0, 0, 0]);
    const found = await withTable(marks);
    expect(found.size).toBe(300);
    expect(new Set(found.values()).size).toBe(1);
  }, 120_000);
});

describe('disks', () => {
  /** A small file system of its own, where that is allowed; else the reason. */
  function mount(size: string): string | { place: string; remount(option: string): void; unmount(): void } {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can mount';
    const place = mkdtempSync(path.join(base, 'disk'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', place]);
    if (mounted.status !== 0) return `mount: ${mounted.stderr}`;
    return {
      place,
      remount: (option) => void execFileSync('mount', ['-o', `remount,${option}`, place]),
      unmount: () => void execFileSync('umount', ['-l', place]),
    };
  }

  function rowsFrom(first: number, rows: number) {
    const ids = Array.from({ length: rows }, (_, i) => `item ${first + i}`);
    const vectors = new Float32Array(rows * D);
    for (let i = 0; i < rows; i++) vectors[i * D + ((first + i) % D)] = 1;
    return { ids, vectors, values: { mark: ids.map(() => first) } };
  }

  it('says that a disk is full, and loses nothing', async (context) => {
    const disk = mount('3m');
    if (typeof disk === 'string') return context.skip(disk);
    try {
      folder = path.join(disk.place, 'store');
      await make(folder);
      await withTable(async (table) => {
        let rows = 0;
        const filling = async () => {
          for (; rows < 100_000; rows += 1000) await table.upsert(rowsFrom(rows, 1000));
        };
        const error = await filling().catch((e) => e);
        expect(error).toBeInstanceOf(CollectionError);
        expect(error.message).toMatch(/the disk is full/);
        expect((await marks(table)).size).toBe(rows);
        disk.remount('size=64m');
        await table.upsert(rowsFrom(rows, 1000));
        expect((await marks(table)).size).toBe(rows + 1000);
      });
    } finally {
      disk.unmount();
    }
  });

  it('reads where it may not write, and says so when asked to', async (context) => {
    const disk = mount('8m');
    if (typeof disk === 'string') return context.skip(disk);
    try {
      folder = path.join(disk.place, 'store');
      await make(folder);
      await withTable((table) => table.upsert(rowsFrom(0, 100)));
      disk.remount('ro');
      await withTable(async (table) => {
        expect((await marks(table)).size).toBe(100);
        expect((await table.nearest(rowsFrom(3, 1).vectors, { k: 1 }))[0]!.score).toBe(1);
        for (const write of [() => table.upsert(rowsFrom(100, 1)), () => table.remove(['item 3'])]) {
          const error = await write().catch((e) => e);
          expect(error).toBeInstanceOf(CollectionError);
          expect(error.message).toMatch(/cannot be written/);
        }
        expect(await table.count()).toBe(100);
      });
    } finally {
      disk.unmount();
    }
  });

  for (const part of ['data', '_versions'])
    it(`says that a file is damaged: ${part}`, async () => {
      await withTable((table) => table.upsert(rowsFrom(0, 100)));
      const place = path.join(folder, 'items.lance', part);
      for (const file of readdirSync(place)) truncateSync(path.join(place, file), 30);
      const error = await withTable(marks).catch((e) => e);
      expect(error).toBeInstanceOf(CollectionError);
      expect(error.message).toMatch(/damaged or missing/);
      expect(error.hint).toMatch(/restore/);
    });
});
