/**
 * @file The folder of a run: made, taken up again, or refused before anything in it is touched.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { readFailure, writeFailure } from '../embedding/formats/files.js';
import { FormatError, UsageError } from '../errors.js';
import { writeAtomically } from '../models/cache.js';
import { type Config, requireSameConfig } from './checkpoint-config.js';

/** Subfolder of the model folder that holds checkpoint, log and curves. */
const TRAINING_FOLDER = 'training';
/** File in it that says that there is a run, and which. */
const RUN = 'run.json';

/** What is asked for. */
export interface RunFolderOptions {
  /** What is trained on; the model folder may not lie within. */
  data: string;
  out: string;
  overwrite?: boolean | undefined;
  resume?: boolean | undefined;
}

/**
 * Makes the folder of a run in `out`, or finds it, and returns it.
 * @param config what makes the run what it is; a resumed one must have the same
 * @throws UsageError when there is something that should not be lost, nothing to resume, or another run.
 */
export async function prepareRunFolder(options: RunFolderOptions, config: Config): Promise<string> {
  const { out, resume = false } = options;
  const folder = path.join(path.resolve(out), TRAINING_FOLDER);
  const file = path.join(folder, RUN);
  if (resume) {
    if (!existsSync(file))
      throw new UsageError(`resume: no run was begun in ${out}`, { hint: 'leave out resume to start one' });
    requireSameConfig(await readConfig(file), config, file);
    return folder;
  }
  await refuseWithin(options.data, out);
  await refuseForeign(options, folder);
  try {
    if (existsSync(folder)) {
      await dropReplaced(folder);
      await rename(folder, replaced(folder));
    }
    await mkdir(folder, { recursive: true });
    await writeAtomically(file, `${JSON.stringify(config, null, 2)}\n`);
  } catch (error) {
    await removeRunFolder(folder);
    throw writeFailure(folder, error);
  }
  return folder;
}

/** Takes away the folder of a run that could not begin; what it was to replace is there again. */
export async function removeRunFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  await rename(replaced(folder), folder).catch(() => undefined);
  await rmdir(path.dirname(folder)).catch(() => undefined); // if it is empty now
}

/** Deletes the run that another has replaced, once that one can begin. */
export async function dropReplaced(folder: string): Promise<void> {
  await rm(replaced(folder), { recursive: true, force: true });
}

function replaced(folder: string): string {
  return `${folder}.replaced`;
}

/** @throws FormatError unless the disk of `folder` has room for so many bytes. */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const inMegabytes = (n: number) => `${(n / 1e6).toFixed(n < 1e7 ? 1 : 0)} MB`;
  throw new FormatError(
    folder,
    `expected ${inMegabytes(bytes)} of free disk space for what the run writes but there are ${inMegabytes(free)}`,
    { hint: 'make room, or choose a folder on another disk' },
  );
}

/** Curves are pictures: in the folder of the data a later run would learn from them. */
async function refuseWithin(data: string, out: string): Promise<void> {
  const isFolder = await stat(data).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const way = path.relative(path.resolve(data), path.resolve(out));
  const isWithin = way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way);
  if (isFolder && isWithin)
    throw new UsageError(`${out}: expected a model folder outside of the data, ${data}`, {
      hint: 'name a folder beside it',
    });
}

async function refuseForeign({ out, overwrite = false }: RunFolderOptions, folder: string): Promise<void> {
  const names = await namesIn(out);
  const inside = await namesIn(folder);
  const begun = inside.includes(RUN);
  if (!begun && inside.some((name) => !name.startsWith(RUN)))
    throw new UsageError(`${folder}: expected no folder or one of a training run but it holds ${inside[0]}`, {
      hint: 'name another model folder; the run would replace what is there',
    });
  if (overwrite) return;
  const hint = 'name another folder, or replace what is there with overwrite';
  if (names.includes('config.json')) throw new UsageError(`${out}: a model is there already`, { hint });
  if (begun)
    throw new UsageError(`${out}: an unfinished run is there`, { hint: `go on with resume, ${hint}` });
  const [other] = names.filter((name) => ![TRAINING_FOLDER, replaced(TRAINING_FOLDER)].includes(name));
  if (other !== undefined)
    throw new UsageError(`${out}: expected a new or an empty folder but it holds ${other}`, {
      hint: 'name another folder, or put the model beside what is there with overwrite',
    });
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw new UsageError(`${folder}: expected a folder (${cause.message})`, { cause });
  });
}

async function readConfig(file: string): Promise<Config> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Config;
  } catch (error) {
    throw readFailure(file, error);
  }
}
