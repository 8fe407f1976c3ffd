/** @file The embedded store keeps what every store promises. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { LanceStore } from '#src/collection/lance/lance-store.js';
import { storeConformance } from './store-conformance.js';

const folder = mkdtempSync(path.join(tmpdir(), 'afterimage-lance-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

storeConformance('the embedded store', (place) => LanceStore.open(path.join(folder, place)));
