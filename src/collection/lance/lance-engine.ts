/**
 * @file The native engine of the embedded store, loaded on first use: that takes a tenth of a second, which commands
 * that need no store shall not pay.
 */
import { createRequire } from 'node:module';
import { CollectionError } from '../../errors.js';

/** The engine and the Arrow library that it speaks with. */
export interface Engine {
  lancedb: typeof import('@lancedb/lancedb');
  arrow: typeof import('apache-arrow');
}

let engine: Engine | undefined;

/**
 * Loads the engine, once.
 * @param folder for the message
 * @throws CollectionError where its binary for this platform is missing.
 */
export function loadEngine(folder: string): Engine {
  if (engine) return engine;
  // Not by import(): the engine itself is CommonJS, and the two would hold an Arrow library each.
  const require = createRequire(import.meta.url);
  try {
    engine = { lancedb: require('@lancedb/lancedb'), arrow: require('apache-arrow') };
    return engine;
  } catch (error) {
    throw new CollectionError(
      folder,
      `the store's engine cannot be loaded for ${process.platform}-${process.arch}: ${(error as Error).message.split('\n')[0]}`,
      {
        hint: 'install again without --omit=optional, on Linux with glibc, macOS (arm64) or Windows',
        cause: error,
      },
    );
  }
}
