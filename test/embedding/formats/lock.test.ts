/** @file One writer per output: who holds a lock, and which locks nobody holds any more. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { lock } from '#src/embedding/formats/lock.js';

const folder = mkdtempSync(path.join(tmpdir(), 'lock-'));
const file = path.join(folder, 'lock');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('is held once, by this process or another, and can be taken again when it was given back', async () => {
  const release = await lock(file);
  await expect(lock(file)).rejects.toThrow(`process ${process.pid} is writing`);
  await release();
  await (await lock(file))();
  writeFileSync(file, String(process.ppid));
  await expect(lock(file)).rejects.toThrow(`process ${process.ppid} is writing`);
  rmSync(file);
});

it('is taken over from a process that has ended', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  writeFileSync(file, String(child.pid));
  await (await lock(file))();
});

it.runIf(process.platform === 'linux')('is taken over when another process has got the same id', async () => {
  const release = await lock(file);
  const [id, started] = readFileSync(file, 'utf8').split(' ');
  expect(id).toBe(String(process.pid));
  await release();
  writeFileSync(file, `${id} ${Number(started) - 1}`);
  await (await lock(file))();
});

it('is not taken over while it is being written, but soon when its maker died before', async () => {
  writeFileSync(file, '');
  setTimeout(() => writeFileSync(file, String(process.ppid)), 100);
  await expect(lock(file)).rejects.toThrow(`process ${process.ppid} is writing`);
  writeFileSync(file, '');
  await (await lock(file))();
});
