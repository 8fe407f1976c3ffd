/** @file The lock between processes, among them one that was killed while it held it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withLock } from '#src/models/hub-lock.js';

it('lets one process in at a time, after taking over from a dead one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'afterimage-lock-'));
  const lock = join(folder, 'a.lock');
  const counter = join(folder, 'counter');
  await writeFile(counter, '0');
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const module = new URL('../../dist/models/hub-lock.js', import.meta.url).href;
  // Each adds to the counter in two steps with a pause between; sometimes it leaves a dead process's lock behind.
  const script = `
    import { readFile, writeFile } from 'node:fs/promises';
    import { withLock } from ${JSON.stringify(module)};
    for (let i = 0; i < 8; i++) {
      await withLock(${JSON.stringify(lock)}, undefined, async () => {
        const n = Number(await readFile(${JSON.stringify(counter)}, 'utf8'));
        await new Promise((done) => setTimeout(done, 2));
        await writeFile(${JSON.stringify(counter)}, String(n + 1));
      });
      await writeFile(${JSON.stringify(lock)}, ${JSON.stringify(JSON.stringify({ pid: dead, host: hostname() }))}, { flag: 'wx' }).catch(() => {});
    }`;
  const children = Array.from({ length: 5 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' }),
  );
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
  expect(codes).toEqual([0, 0, 0, 0, 0]);
  expect(await readFile(counter, 'utf8')).toBe('40');
  await withLock(lock, undefined, async () => undefined);
  expect(await readdir(folder)).toEqual(['counter']);
  await rm(folder, { recursive: true });
});

it('releases the lock when the work fails, and stops waiting when aborted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'afterimage-lock-'));
  const lock = join(folder, 'a.lock');
  await expect(withLock(lock, undefined, () => Promise.reject(new Error('work')))).rejects.toThrow('work');
  const controller = new AbortController();
  await withLock(lock, undefined, async () => {
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await expect(withLock(lock, controller.signal, async () => undefined)).rejects.toThrow('enough');
  });
  expect(await readdir(folder)).toEqual([]);
  await rm(folder, { recursive: true });
});
