/**
 * @file Checkpoints: all that a run is at one moment, in one safetensors file.
 *
 * The file is written under another name, flushed and renamed, so a process killed at any moment, or a full disk,
 * leaves the one before. A sha256 over everything in it tells a file that was damaged or edited. Learned tensors are
 * under their own names, so that any reader of safetensors finds them; the optimiser's slots follow `optimizer:`.
 */
import { createHash } from 'node:crypto';
import { access, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { readFailure, syncFolder, writeFailure } from '../embedding/formats/files.js';
import { FormatError, UsageError } from '../errors.js';
import { openWeights, readTensor, writeSafetensors } from '../models/weights/index.js';
import { type Config, configHash } from './checkpoint-config.js';

/** What a run is made of at one moment. */
export interface Checkpoint {
  /** What identifies the run; plain JSON. */
  config: Config;
  /** Where it stands: step, epoch, best metric, early stopping, … Plain JSON, in which numbers need not be finite. */
  progress: object;
  /** Learned tensors and running statistics by name. */
  tensors: Map<string, Float32Array>;
  /** What the optimiser remembers. @default none */
  slots?: Map<string, Float32Array>;
  /** Updates that the optimiser has made. @default 0 */
  stepCount?: number;
}

const FORMAT = 'afterimage-checkpoint-1';
const SLOT = 'optimizer:';

/**
 * Puts a checkpoint into `file`, in place of one that is there. When it resolves the new one is on the disk.
 * @throws FormatError when the disk is full or refuses; the one before is as it was.
 */
export async function writeCheckpoint(file: string, checkpoint: Checkpoint): Promise<void> {
  const { config, progress, tensors, slots = new Map<string, Float32Array>(), stepCount = 0 } = checkpoint;
  const all = new Map([...tensors, ...[...slots].map(([name, slot]) => [SLOT + name, slot] as const)]);
  if (all.size < tensors.size + slots.size)
    throw new UsageError(`expected no trained tensor whose name begins with "${SLOT}"`);
  const notes = {
    format: FORMAT,
    config: JSON.stringify(config),
    config_sha256: configHash(config),
    progress: JSON.stringify(progress, encodeNumber),
    step_count: String(stepCount),
  };
  try {
    await removeLeftovers(file);
    await writeSafetensors(
      file,
      Object.fromEntries([...all].map(([name, data]) => [name, { data, shape: [data.length] }])),
      { ...notes, sha256: digest(notes, all) },
    );
    await syncFolder(path.dirname(file));
  } catch (error) {
    throw writeFailure(file, error);
  }
}

/**
 * Reads a checkpoint whole.
 * @throws UsageError when there is none, FormatError when it is cut short, damaged, edited or something else.
 */
export async function readCheckpoint(file: string): Promise<Required<Checkpoint>> {
  await access(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw readFailure(file, cause);
    throw new UsageError(`${file}: there is no checkpoint to go on from`, { hint: 'start without resuming' });
  });
  try {
    const source = await openWeights(file);
    const { sha256, ...notes } = source.metadata;
    if (notes.format !== FORMAT)
      throw new Error(`its format is ${notes.format ?? 'not said'}, not ${FORMAT}`);
    const all = new Map<string, Float32Array>();
    for (const name of source.tensors.keys()) all.set(name, await readTensor(source, name));
    if (digest(notes, all) !== sha256)
      throw new Error('its content does not have the checksum written in it');
    const tensors = new Map([...all].filter(([name]) => !name.startsWith(SLOT)));
    const slots = [...all].filter(([name]) => name.startsWith(SLOT));
    return {
      config: JSON.parse(notes.config!) as Config,
      progress: JSON.parse(notes.progress!, decodeNumber) as object,
      tensors,
      slots: new Map(slots.map(([name, slot]) => [name.slice(SLOT.length), slot])),
      stepCount: Number(notes.step_count),
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(`${file}: `, '') : String(cause);
    throw new FormatError(file, `this is not a checkpoint that can be used: ${reason}`, {
      cause,
      hint: 'it was damaged or edited after it was written; restore it from a copy, or start the run anew',
    });
  }
}

/** Over the notes and the tensors, in an order that does not depend on how they were given. */
function digest(notes: Readonly<Record<string, string>>, tensors: ReadonlyMap<string, Float32Array>): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify(Object.entries(notes).sort(byName)));
  for (const [name, { buffer, byteOffset, byteLength }] of [...tensors].sort(byName)) {
    hash.update(JSON.stringify([name, byteLength]));
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex');
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** What processes that were killed while they wrote this file left behind: as large as a checkpoint each. */
async function removeLeftovers(file: string): Promise<void> {
  const folder = path.dirname(file);
  for (const name of await readdir(folder).catch(() => []))
    if (name.startsWith(`${path.basename(file)}.`) && name.endsWith('.tmp'))
      await rm(path.join(folder, name), { force: true });
}

/** JSON has no word for these numbers. */
function encodeNumber(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? { $number: String(value) } : value;
}

function decodeNumber(_key: string, value: unknown): unknown {
  const isTagged = typeof value === 'object' && value !== null && Object.keys(value).join() === '$number';
  return isTagged ? Number((value as { $number: unknown }).$number) : value;
}
