/**
 * @file Writes a model that was trained here as a folder that `loadEmbedder` opens like any published one: weights in
 * safetensors (or a ready-made `.onnx`), `config.json`, `preprocessor_config.json`, and a model card.
 *
 * The folder appears whole: files are written beside it, flushed to the disk and moved into place, the weights last, so
 * that a run that is killed leaves either a model or none.
 */
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { AfterimageError, UsageError, WeightsError } from '../errors.js';
import type { TransformSpec } from '../image/index.js';
import { temporaryName } from './cache.js';
import { PREPROCESSOR_FILE, preprocessorConfig } from './preprocessing.js';
import { writeSafetensors } from './weights/index.js';
import { type ModelCardContent, modelCard } from './write-model-card.js';

/** A tensor to be saved as float32. */
export interface SavedTensor {
  shape: readonly number[];
  data: Float32Array;
}

/** What makes a model folder: tensors by name, or a serialised `.onnx` model. */
export type ModelFolder = ModelDescription &
  ({ tensors: ReadonlyMap<string, SavedTensor> } | { onnx: Uint8Array });

/** Everything about a model but its numbers. */
export interface ModelDescription {
  /** The content of `config.json`, by which its builder recognises it: `autoencoderJson(…)`, say. */
  config: Readonly<Record<string, unknown>>;
  /** How images are prepared for it. */
  transform: TransformSpec;
  card: ModelCardContent;
}

/** Options of {@link saveModel}. */
export interface SaveOptions {
  /** Replace a model that is there. Other files in the folder stay. @default false */
  overwrite?: boolean | undefined;
}

/** Files that hold weights; a folder has one of them. */
const WEIGHTS = {
  tensors: 'model.safetensors',
  onnx: 'model.onnx',
  projection: 'projection.safetensors',
} as const;
const CONFIG = 'config.json';
const CARD = 'README.md';

/**
 * Writes the folder. One that exists keeps its other files.
 * @throws UsageError when there is a model already and `overwrite` is not set, WeightsError when the disk refuses.
 */
export async function saveModel(
  folder: string,
  model: ModelFolder,
  options: SaveOptions = {},
): Promise<void> {
  await writeFolder(folder, options, async (at) => {
    await writeFlushed(at(CARD), await modelCard(model.card));
    await writeFlushed(at(PREPROCESSOR_FILE), json(preprocessorConfig(model.transform)));
    await writeFlushed(at(CONFIG), json(model.config));
    if ('onnx' in model) await writeFlushed(at(WEIGHTS.onnx), model.onnx);
    else await writeTensors(at(WEIGHTS.tensors), model.tensors);
  });
}

/** What makes the folder of a projection, which has no images to prepare. */
export type ProjectionFolder = Omit<ModelDescription, 'transform'> & {
  tensors: ReadonlyMap<string, SavedTensor>;
};

/** Writes a projection as a folder: `projection.safetensors`, `config.json`, card. @throws as {@link saveModel}. */
export async function saveProjectionFolder(
  folder: string,
  { config, card, tensors }: ProjectionFolder,
  options: SaveOptions = {},
): Promise<void> {
  await writeFolder(folder, options, async (at) => {
    await writeFlushed(at(CARD), await modelCard(card));
    await writeFlushed(at(CONFIG), json(config));
    await writeTensors(at(WEIGHTS.projection), tensors);
  });
}

function writeTensors(file: string, tensors: ReadonlyMap<string, SavedTensor>): Promise<unknown> {
  return writeSafetensors(file, Object.fromEntries(tensors), { format: 'pt' });
}

/** Lets `fill` write files beside the folder, and moves them in when all are on the disk, in the order of their making. */
async function writeFolder(
  folder: string,
  { overwrite = false }: SaveOptions,
  fill: (at: (name: string) => string) => Promise<void>,
): Promise<void> {
  await refuseModel(folder, overwrite);
  const stage = temporaryName(path.resolve(folder));
  const names: string[] = [];
  try {
    await mkdir(stage, { recursive: true });
    await fill((name) => {
      names.push(name);
      return path.join(stage, name);
    });
    await mkdir(folder, { recursive: true });
    for (const old of Object.values(WEIGHTS)) await rm(path.join(folder, old), { force: true });
    for (const name of names) await rename(path.join(stage, name), path.join(folder, name));
  } catch (cause) {
    throw diskError(folder, cause);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

function diskError(folder: string, cause: unknown): unknown {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === undefined || cause instanceof AfterimageError) return cause;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new WeightsError(folder, full ? 'no space is left on the disk' : `cannot be written (${message})`, {
    cause,
    hint: full ? 'make room, or choose a folder on another disk' : undefined,
  });
}

/** @throws UsageError when `folder` is a file, or holds a model that may not be replaced. */
export async function refuseModel(folder: string, overwrite: boolean): Promise<void> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw new UsageError(`${folder}: expected a folder for the model (${cause.message})`, { cause });
  });
  const found = names.find((name) => name === CONFIG || /\.(safetensors|onnx)$/.test(name));
  if (found !== undefined && !overwrite)
    throw new UsageError(`${folder}: expected no model there but found ${found}`, {
      hint: 'choose another folder, or say that it is to be overwritten',
    });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

async function writeFlushed(file: string, content: string | Uint8Array): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
