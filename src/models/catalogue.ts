/**
 * @file The models that have short names: one frozen record each, from which listing, sizing and loading read.
 *
 * Whose weights, under which licence, in which files, prepared how, giving which vectors. Where to find a model that a
 * user names is decided in {@link resolveModel}.
 */
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelError, nearestName } from '../errors.js';
import { bundled } from './catalogue-bundled.js';
import { published } from './catalogue-published.js';
import type { BundledModel, PublishedModel } from './catalogue-types.js';

export type { BundledModel, ModelFamily, Preprocessing, PublishedModel } from './catalogue-types.js';

/** The model that is used when none is named: it ships with the package and needs no network. */
export const defaultModel = 'mini-clip';

/** The published model that whoever wants more than the bundled ones is pointed to. */
export const recommended = published.find((model) => model.name === 'clip-vit-b32')!;

/** What a network for likeness is trained on when no other is named. */
export const defaultBackbone = 'mini-cnn';

/** The autoencoder that is used when none is named. */
export const defaultAutoencoder = 'mini-autoencoder';

/** Every model with a short name, bundled ones first. */
export const catalogue: readonly (BundledModel | PublishedModel)[] = Object.freeze([
  ...bundled,
  ...published,
]);

/** What a name stands for. */
export type ResolvedModel =
  | { kind: 'catalogue'; entry: PublishedModel }
  | { kind: 'bundled'; entry: BundledModel; path: string }
  | { kind: 'hub'; repo: string; revision?: string }
  | { kind: 'local'; path: string };

const packageRoot = fileURLToPath(new URL('../../', import.meta.url));
const LOCAL =
  /^(\.{1,2}([\\/]|$)|~([\\/]|$)|[\\/]|[A-Za-z]:[\\/]|file:)|\.(onnx|safetensors|json|bin|pth?|ckpt)$/;
const REPO = /^(?:hf[-_]?clip:|hf[-_]?hub:|hf:)?([\w.-]+\/[\w.-]+?)(?:@([\w./-]+))?$/i;

/**
 * What the user means by `name`: a short name or an alias of the catalogue (`resnet50`, `ViT-B/32`, `ViT-B-32::openai`,
 * `open_clip:ViT-B-32/laion2b_s34b_b79k`), a folder or file on this machine, or a repository of the hub (`org/name`,
 * `org/name@revision`, `hf_clip:org/name`). They are tried in this order; `./name` is always local.
 *
 * @throws ModelError when it is none of these; the nearest name is suggested
 */
export async function resolveModel(name: string): Promise<ResolvedModel> {
  const key = aliasKey(name);
  const entry = catalogue.find((model) => names(model).some((other) => aliasKey(other) === key));
  if (entry?.bundled) return { kind: 'bundled', entry, path: bundledFolder(entry.name) };
  if (entry) return { kind: 'catalogue', entry };

  const path = localPath(name);
  if (await isThere(path)) return { kind: 'local', path };
  if (LOCAL.test(name)) {
    throw new ModelError(`${name}: no such file or folder`, {
      hint: 'Give a folder with weights, a .safetensors or .onnx file, or a name of `afterimage models list`.',
    });
  }
  const repo = REPO.exec(name);
  if (repo && !/^open_?clip:/i.test(name)) {
    return { kind: 'hub', repo: repo[1]!, ...(repo[2] !== undefined && { revision: repo[2] }) };
  }
  const known = catalogue.flatMap(names);
  const near = nearestName(key, known) ?? nearestName(name, known);
  throw new ModelError(`unknown model "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`, {
    hint: 'See `afterimage models list`; org/name of the Hugging Face hub and local folders work too.',
  });
}

/** The folder of a bundled model in this package. */
export function bundledFolder(name: string): string {
  return join(packageRoot, 'models', name);
}

/** Everything that an entry is called, its repository included, so that `org/name` finds the catalogue's knowledge. */
function names(model: BundledModel | PublishedModel): string[] {
  return [model.name, ...model.aliases, ...(model.bundled ? [] : [model.repo])];
}

/** One spelling for the separators that other tools use: `ViT-B-32::openai`, `ViT-B-32__openai`, `open_clip:ViT-B-32/openai`. */
function aliasKey(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/^(open_?clip|hf[-_]?clip|hf[-_]?hub|hf):/, '')
    .replace(/::|__/g, '/');
}

function localPath(name: string): string {
  if (name.startsWith('file:')) return fileURLToPath(name);
  return resolve(/^~([\\/]|$)/.test(name) ? join(homedir(), name.slice(1)) : name);
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
