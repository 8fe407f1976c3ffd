/**
 * @file The committed WebAssembly is what its source compiles to.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('was built from assembly/', async () => {
  const script = path.join(import.meta.dirname, '../../scripts/build-wasm.mjs');
  const { stderr } = await promisify(execFile)(process.execPath, [script, '--check']);
  expect(stderr).toBe('');
});
