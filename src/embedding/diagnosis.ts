/** @file What is installed, where things are kept, and whether the numbers are right. */
import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { runtimeInfo } from '../graph/index.js';
import { cacheFolder, hubCacheFolder, hubEndpoint, hubToken, isOffline } from '../models/cache.js';
import { packageVersion } from '../version.js';
import { type SelfCheck, selfTest } from './self-test.js';

/** A folder that is used for keeping things. */
export interface CacheState {
  folder: string;
  /** Bytes in it; 0 when it does not exist yet. */
  bytes: number;
  /** Whether it can be written, or made. */
  writable: boolean;
}

/** Everything that {@link diagnose} finds. */
export interface Diagnosis {
  versions: { afterimage: string; node: string; onnxruntime: string; sharp: string; libvips: string };
  platform: string;
  processor: string;
  /** Threads that the network uses by default. */
  threads: number;
  /** Where networks can run. */
  devices: string[];
  caches: { hub: CacheState; afterimage: CacheState };
  /** The hub's address, whether the environment forbids network, and whether there is an access token. */
  hub: { endpoint: string; offline: boolean; token: boolean };
  /** What the golden numbers were made with. */
  reference: Record<string, string>;
  checks: SelfCheck[];
  /** All checks passed. */
  healthy: boolean;
}

/** Looks at this installation and runs the {@link selfTest}. */
export async function diagnose(): Promise<Diagnosis> {
  const [runtime, sharp, afterimage, hub, own] = await Promise.all([
    runtimeInfo(),
    import('sharp'),
    packageVersion(),
    cacheState(hubCacheFolder()),
    cacheState(cacheFolder()),
  ]);
  const { reference, checks } = await selfTest();
  const { versions } = sharp.default;
  return {
    versions: {
      afterimage,
      node: process.versions.node,
      onnxruntime: runtime.version,
      sharp: versions.sharp ?? 'unknown',
      libvips: versions.vips,
    },
    platform: `${process.platform}-${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    threads: availableParallelism(),
    devices: runtime.devices,
    caches: { hub, afterimage: own },
    hub: { endpoint: hubEndpoint(), offline: isOffline(), token: hubToken() !== undefined },
    reference,
    checks,
    healthy: checks.every((c) => c.passed),
  };
}

async function cacheState(folder: string): Promise<CacheState> {
  let bytes = 0;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries)
    if (entry.isFile())
      bytes += await stat(path.join(entry.parentPath, entry.name)).then(
        (s) => s.size,
        () => 0, // removed meanwhile
      );
  return { folder, bytes, writable: await isWritable(folder) };
}

/** Whether a folder can be written, or made in the nearest folder above that exists. */
async function isWritable(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing && path.dirname(folder) !== folder && isWritable(path.dirname(folder));
  }
}
