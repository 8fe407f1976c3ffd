/**
 * @file Keeps the optimised form of a graph, so that converting its weights is done once and not at every start.
 *
 * Float32 weights need no conversion: the runtime maps the publisher's file, and a kept copy would double the disk to
 * save a fraction of a second. Half-precision files, and the fp16 and int8 precisions, are folded by the optimiser for
 * seconds; the result is stored under a key of everything it depends on.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { type Creation, runtimeInfo } from './runtime.js';
import type { Session } from './session.js';

const MODEL = 'model.onnx';
const WEIGHTS = 'weights.bin';

/**
 * Opens `creation` from the folder of compiled graphs, or opens it as it is and keeps the optimised form there. A
 * folder that cannot be written costs nothing but the next start's time.
 */
export async function openCompiled(
  creation: Creation,
  files: readonly string[],
  cacheDir: string,
  open: (creation: Creation) => Promise<Session>,
): Promise<Session> {
  const folder = path.join(cacheDir, 'graphs', await keyOf(creation, files));
  const { device, threads, spin, planMemory } = creation;
  const kept: Creation = {
    model: path.join(folder, MODEL),
    device,
    threads,
    spin,
    planMemory,
    optimised: true,
  };
  if (await exists(path.join(folder, MODEL))) {
    try {
      return await open(kept);
    } catch {
      await remove(folder); // damaged: made anew below
    }
  }
  const graphs = path.join(cacheDir, 'graphs');
  const scratch = path.join(graphs, `.${randomUUID()}`);
  try {
    await mkdir(scratch, { recursive: true });
    await removeAbandoned(graphs);
  } catch {
    return open(creation);
  }
  try {
    const saving = await open({
      ...creation,
      saveTo: { model: path.join(scratch, MODEL), weights: WEIGHTS },
    });
    await rename(scratch, folder).catch(() => undefined); // another process may have been first
    return saving;
  } catch {
    return await open(creation); // a full disk, say: work without keeping
  } finally {
    await remove(scratch);
  }
}

/** Removes what processes left that were killed while they wrote, a day ago or longer. */
async function removeAbandoned(graphs: string): Promise<void> {
  for (const name of await readdir(graphs)) {
    const folder = path.join(graphs, name);
    const made = name.startsWith('.') && (await stat(folder).catch(() => undefined))?.mtimeMs;
    if (made && Date.now() - made > 24 * 3600 * 1000) await remove(folder);
  }
}

/** Removes a folder where that is allowed; one that stays does no harm. */
async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch(() => undefined);
}

async function keyOf(creation: Creation, files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  hash.update(creation.model as Uint8Array);
  for (const file of files) {
    const { size, mtimeMs } = await stat(file);
    hash.update(`\0${file}\0${size}\0${mtimeMs}`);
  }
  const { version } = await runtimeInfo();
  hash.update(`\0${version}\0${process.platform}\0${process.arch}\0${cpus()[0]?.model}`);
  return hash.digest('hex').slice(0, 32);
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
