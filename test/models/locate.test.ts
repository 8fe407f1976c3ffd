/** @file Where a model is looked for when options are given without a value. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { HubError } from '#src/errors.js';
import { locateModel } from '#src/models/locate.js';

it.each([
  ['acme/pictures@v2', undefined, 'v2'],
  ['acme/pictures@v2', 'v3', 'v3'],
  ['acme/pictures', 'v3', 'v3'],
])('%s with the revision %s is looked up at %s', async (name, revision, expected) => {
  const cacheDir = mkdtempSync(path.join(tmpdir(), 'locate-'));
  try {
    const error = await locateModel(name, { offline: true, cacheDir, revision }).catch((e: Error) => e);
    expect(error).toBeInstanceOf(HubError);
    expect((error as HubError).message).toMatch(`acme/pictures at revision "${expected}"`);
  } finally {
    rmSync(cacheDir, { recursive: true, force: true });
  }
});
