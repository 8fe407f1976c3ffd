/**
 * @file From the name of a model to its files on disk: bundled, local, cached, or fetched from the hub.
 */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ModelError, WeightsError } from '../errors.js';
import type { TransformSpec } from '../image/index.js';
import type { OutputName } from './architecture.js';
import { checkBundled } from './bundle.js';
import { defaultModel, resolveModel } from './catalogue.js';
import { type DownloadOptions, downloadFiles, findCached, type HubFiles, listRepoFiles } from './hub.js';
import { readModelCard } from './model-card.js';
import { ONNX_IN_FOLDER } from './onnx-model.js';

/** Where to look, and whether the network may be used. */
export type LocateOptions = Pick<
  DownloadOptions,
  'revision' | 'offline' | 'token' | 'endpoint' | 'cacheDir' | 'signal' | 'refresh' | 'verify'
> & {
  /** Told how far a download is. */
  onDownload?: DownloadOptions['onProgress'] | undefined;
};

/** A model on disk. */
export interface Located {
  /** What the model is called in the identity of its vectors. */
  name: string;
  revision: string | null;
  /** The folder or file. */
  path: string;
  /** The weight file, where the folder alone does not tell. */
  weights?: string | undefined;
  /** sha256 (hex) of the weights, where finding them has read them. */
  sha256?: string | undefined;
  licence: string | null;
  /** Preprocessing, where the publisher's files do not say it. */
  transform?: TransformSpec | undefined;
  defaultOutput?: OutputName | undefined;
}

/** Files that are fetched beside the weights where the repository has them. */
const COMPANIONS = [
  'config.json',
  'preprocessor_config.json',
  'open_clip_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.json',
  'merges.txt',
];

/**
 * Brings a model to disk.
 * @param name see `loadEmbedder`. @default the bundled mini-clip
 * @throws ModelError for an unknown name, HubError when its files cannot be had, WeightsError for a bundled model that is
 *   damaged.
 */
export async function locateModel(
  name: string = defaultModel,
  options: LocateOptions = {},
): Promise<Located> {
  const resolved = await resolveModel(name);
  switch (resolved.kind) {
    case 'local':
      return {
        name: path.basename(path.resolve(resolved.path)),
        revision: null,
        path: resolved.path,
        licence: await licenceIn(resolved.path),
      };
    case 'bundled': {
      const { entry, path: folder } = resolved;
      const sums = checkBundled(folder);
      return {
        name: entry.name,
        revision: null,
        path: folder,
        sha256: sums['model.safetensors'],
        licence: entry.licence,
        defaultOutput: entry.defaultOutput,
      };
    }
    case 'catalogue': {
      const { entry } = resolved;
      const files = await fetchFiles(entry.repo, entry.files, {
        ...options,
        revision: options.revision ?? entry.revision,
      });
      const weights = entry.files.find((f) => f.endsWith('.safetensors'));
      return {
        name: entry.name,
        revision: files.revision,
        path: files.folder,
        weights: weights && files.files[weights],
        licence: entry.licence,
        transform: entry.transform,
        defaultOutput: entry.defaultOutput,
      };
    }
    case 'hub': {
      const files = await fetchRepo(resolved.repo, {
        ...options,
        ...(options.revision === undefined && resolved.revision ? { revision: resolved.revision } : {}),
      });
      return {
        name: resolved.repo,
        revision: files.revision,
        path: files.folder,
        licence: await licenceIn(files.folder),
      };
    }
    default:
      return resolved satisfies never;
  }
}

function fetchFiles(repo: string, files: readonly string[], options: LocateOptions): Promise<HubFiles> {
  const { onDownload, ...rest } = options;
  return downloadFiles(repo, files, {
    ...rest,
    optionalFiles: COMPANIONS,
    ...(onDownload ? { onProgress: onDownload } : {}),
  });
}

async function licenceIn(where: string): Promise<string | null> {
  return (await readModelCard(where))?.licence ?? null;
}

/** A repository that the catalogue does not know: its weights are found by their usual names. */
async function fetchRepo(repo: string, options: LocateOptions): Promise<HubFiles> {
  if (!options.refresh && !options.verify)
    for (const weights of ['model.safetensors', 'open_clip_model.safetensors']) {
      const cached = await findCached(repo, [weights], { ...options, optionalFiles: COMPANIONS });
      if (cached) return cached;
    }
  const { files } = await listRepoFiles(repo, options);
  const index = files.find((f) => f.endsWith('.safetensors.index.json') && !f.includes('/'));
  if (index) {
    const { files: first } = await fetchFiles(repo, [index], options);
    const shards = await shardNames(first[index]!);
    return fetchFiles(repo, [index, ...shards], options);
  }
  const weights = pickWeights(repo, files);
  if (!weights) {
    const pickled = files.some((f) => /\.(bin|pth?|ckpt)$/.test(f));
    throw new ModelError(
      `${repo}: expected safetensors or ONNX weights but found ${pickled ? 'pickled weights only' : 'none'}`,
      {
        hint: pickled
          ? 'pickled files can run code when read; convert them to safetensors in Python first'
          : `it holds ${files.slice(0, 8).join(', ')}`,
      },
    );
  }
  const beside = [`${weights}_data`, `${weights}.data`].filter((f) => files.includes(f)); // ONNX external data
  return fetchFiles(repo, [weights, ...beside], options);
}

/** The files that an index of sharded weights names. */
async function shardNames(index: string): Promise<string[]> {
  try {
    const { weight_map: map } = JSON.parse(await readFile(index, 'utf8')) as { weight_map: object };
    const names: unknown[] = Object.values(map);
    if (names.every((n): n is string => typeof n === 'string')) return [...new Set(names)];
  } catch {
    // said below
  }
  throw new WeightsError(index, 'expected JSON with a "weight_map" that names files', {
    hint: 'the repository may be damaged; tell its publisher',
  });
}

function pickWeights(repo: string, files: readonly string[]): string | undefined {
  const usual = ['model.safetensors', 'open_clip_model.safetensors'].find((f) => files.includes(f));
  if (usual) return usual;
  const top = files.filter((f) => !f.includes('/'));
  for (const ending of ['.safetensors', '.onnx']) {
    const found = top.filter((f) => f.endsWith(ending));
    if (found.length === 1) return found[0];
    if (found.length > 1)
      throw new ModelError(`${repo}: several weight files to choose from: ${found.join(', ')}`, {
        hint: 'download the one you want and name the local file',
      });
  }
  return ONNX_IN_FOLDER.find((f) => files.includes(f));
}
