/** @file The file of items that failed: what it replaces and what it refuses. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ErrorLog } from '#src/embedding/error-log.js';
import { UsageError } from '#src/errors.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'error-log-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('is written anew by each run', async () => {
  const file = path.join(folder, 'new', 'errors.jsonl');
  for (const id of ['a.jpg', 'b.jpg']) {
    const log = await ErrorLog.create(file);
    await log.append([{ id, stage: 'read', reason: 'no such file' }]);
    await log.close();
  }
  expect(readFileSync(file, 'utf8')).toBe('{"id":"b.jpg","stage":"read","reason":"no such file"}\n');
});

it.each([
  ['a file of something else', 'notes.txt', /would replace a file that holds something else/],
  ['a folder', 'folder', /cannot be written \(EISDIR/],
  ['a place below a file', 'notes.txt/errors.jsonl', /cannot be written \(E(NOTDIR|EXIST)/],
])('is refused in the place of %s', async (_, name, message) => {
  writeFileSync(path.join(folder, 'notes.txt'), 'remember the milk');
  mkdirSync(path.join(folder, 'folder'), { recursive: true });
  const error = await ErrorLog.create(path.join(folder, name)).catch((e: Error) => e);
  expect(error).toBeInstanceOf(UsageError);
  expect((error as UsageError).message).toMatch(message);
  expect((error as UsageError).hint).toMatch(/another/);
  expect(readFileSync(path.join(folder, 'notes.txt'), 'utf8')).toBe('remember the milk');
});
