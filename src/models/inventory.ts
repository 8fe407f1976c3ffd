/**
 * @file The catalogue together with what is on this machine: which models are there, what they are, and their files
 * checked, fetched and removed by any name that `loadModel` takes.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.js';
import type { OutputName } from './architecture.js';
import { bundledFolder, catalogue, type PublishedModel, resolveModel } from './catalogue.js';
import { findCached } from './hub.js';
import { type FileCheck, listCached, removeCached, verifyCached } from './hub-cache.js';
import { loadModel } from './load.js';
import type { LoadedModel } from './loaded-model.js';
import { type Located, type LocateOptions, locateModel } from './locate.js';

/** Where a model's files are: in the package, whole in the cache, partly in the cache, on the hub only, or a local path. */
export type ModelState = 'bundled' | 'cached' | 'incomplete' | 'remote' | 'local';

/** A model by name, and whether it is at hand. */
export interface ListedModel {
  name: string;
  aliases: readonly string[];
  family: string;
  /** Numbers in a vector of the default output. */
  dimension: number;
  /** Whether it embeds texts into the same space. */
  text: boolean;
  licence: string;
  /** Bytes to download, about; those of the folder for a bundled model. */
  bytes: number;
  repo: string | null;
  state: ModelState;
}

/** A repository in the cache that the catalogue does not name. */
export interface OtherRepo {
  repo: string;
  bytes: number;
}

/** Everything about one model. */
export interface ModelDetails {
  name: string;
  aliases: readonly string[];
  state: ModelState;
  repo: string | null;
  revision: string | null;
  /** The folder or file on this machine. */
  path: string | null;
  /** The model card on this machine: what it was trained on, how good it is, what it is bad at. */
  card: string | null;
  family: string | null;
  architecture: string;
  licence: string | null;
  parameters: number | null;
  text: boolean;
  defaultOutput: OutputName;
  /** Dimension by output, where it is known without opening the network (null). */
  outputs: Readonly<Record<string, number | null>>;
  /** Height and width of the input. */
  inputSize: readonly [number, number];
  /** The preparation of images in words. */
  preparation: string;
}

/** The catalogue with the state of each model, and what else lies in the cache. */
export async function listModels(
  options: { cacheDir?: string } = {},
): Promise<{ models: ListedModel[]; others: OtherRepo[] }> {
  const cached = await listCached(options);
  const models: ListedModel[] = [];
  for (const entry of catalogue) {
    const { name, aliases, family, outputs, defaultOutput, text, licence } = entry;
    models.push({
      name,
      aliases,
      family,
      dimension: outputs[defaultOutput]!,
      text,
      licence,
      bytes: entry.bundled ? await bytesIn(bundledFolder(name)) : entry.megabytes * 1e6,
      repo: entry.bundled ? null : entry.repo,
      state: entry.bundled
        ? 'bundled'
        : await stateOf(
            entry,
            cached.map((c) => c.repo),
            options,
          ),
    });
  }
  const named = new Set(models.map((m) => m.repo));
  const others = cached.filter((c) => !named.has(c.repo)).map(({ repo, size }) => ({ repo, bytes: size }));
  return { models, others };
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder).catch(() => [])) bytes += (await stat(join(folder, name))).size;
  return bytes;
}

async function stateOf(
  entry: PublishedModel,
  cached: readonly string[],
  options: { cacheDir?: string },
): Promise<ModelState> {
  const { repo, files, revision } = entry;
  if (!cached.includes(repo)) return 'remote';
  return (await findCached(repo, files, { revision, ...options })) ? 'cached' : 'incomplete';
}

/**
 * Says everything about a model; one that is not in the catalogue must be on this machine.
 * @throws ModelError for an unknown name, HubError for a repository that is not in the cache.
 */
export async function describeModel(name: string): Promise<ModelDetails> {
  const resolved = await resolveModel(name);
  if (resolved.kind === 'local' || resolved.kind === 'hub')
    return detailsOf(
      await loadModel(name, { offline: true }),
      resolved.kind === 'local' ? null : resolved.repo,
    );
  const { entry } = resolved;
  const { models } = await listModels();
  const { state } = models.find((m) => m.name === entry.name)!;
  if (entry.bundled) return { ...(await detailsOf(await loadModel(name), null)), ...facts(entry), state };
  const found = await findCached(entry.repo, entry.files, { revision: entry.revision });
  const { size, resize, filter, reference } = entry.preprocessing;
  return {
    ...facts(entry),
    state,
    repo: entry.repo,
    revision: found?.revision ?? entry.revision,
    path: found?.folder ?? null,
    card: null,
    inputSize: size,
    preparation: `${resize === 'exact' ? 'resized' : `shorter side ${resize}, centre`} to ${size.join(' × ')}, ${filter}, as ${reference}`,
  };
}

function facts(entry: (typeof catalogue)[number]) {
  const { name, aliases, family, architecture, licence, parameters, text, defaultOutput, outputs } = entry;
  return { name, aliases, family, architecture, licence, parameters, text, defaultOutput, outputs };
}

async function detailsOf(model: LoadedModel, repo: string | null): Promise<ModelDetails> {
  const { name, revision, path, architecture, licence, hasText, defaultOutput, inputSize, transform } = model;
  const { height, width } = inputSize;
  const card = join(path, 'README.md');
  const hasCard = await stat(card).then(
    (s) => s.isFile(),
    () => false,
  );
  return {
    name,
    aliases: [],
    state: repo === null ? 'local' : 'cached',
    repo,
    revision,
    path,
    card: hasCard ? card : null,
    family: null,
    architecture,
    licence,
    parameters: null,
    text: hasText,
    defaultOutput,
    outputs: Object.fromEntries(model.outputs.map((output) => [output, null])),
    inputSize: [height, width],
    preparation: `to ${height} × ${width}, ${transform.resize?.filter ?? 'not resized'}, as ${transform.reference}`,
  };
}

/**
 * Brings a model to this machine, or makes sure that it is there and whole: every checksum is looked at, and what is
 * damaged is fetched again.
 * @throws as `locateModel`.
 */
export function pullModel(name: string, options: LocateOptions = {}): Promise<Located> {
  return locateModel(name, { verify: true, ...options });
}

/** The repository behind a name. @throws UsageError for models that have none: bundled and local ones. */
export async function repositoryOf(name: string): Promise<string> {
  const resolved = await resolveModel(name);
  if (resolved.kind === 'catalogue') return resolved.entry.repo;
  if (resolved.kind === 'hub') return resolved.repo;
  throw new UsageError(
    resolved.kind === 'bundled'
      ? `${name} is part of the package, not a download`
      : `${name} is a local path, not a download`,
  );
}

/**
 * Checks the checksum of every cached file of the named models, of all in the cache without names.
 * @throws HubError for a model that is not in the cache.
 */
export async function* verifyModels(
  names: readonly string[] = [],
): AsyncGenerator<{ repo: string; checks: FileCheck[] }> {
  const repos =
    names.length > 0 ? await Promise.all(names.map(repositoryOf)) : (await listCached()).map((c) => c.repo);
  for (const repo of repos) yield { repo, checks: await verifyCached(repo) };
}

/** Removes a model's files, all its revisions, from the cache. Returns the bytes freed. @throws HubError when it is not there */
export async function removeModel(name: string): Promise<{ repo: string; bytes: number }> {
  const repo = await repositoryOf(name);
  return { repo, bytes: await removeCached(repo) };
}
