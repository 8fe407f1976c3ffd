/**
 * @file Published models from the Hugging Face hub, into the cache that Python's tools use too.
 *
 * The official client (`@huggingface/hub`) asks the hub what there is; its own downloads do not resume, check, lock or
 * report, so that part is here (hub-download.ts). What is in the cache and whole is used without any network.
 */
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { HubError, nearestName } from '../errors.js';
import { hubCacheFolder, hubEndpoint, hubToken, isOffline, writeAtomically } from './cache.js';
import { fetchBlob } from './hub-download.js';
import { type HubContext, hubFetch, type RetryPolicy } from './hub-fetch.js';
import {
  blobName,
  cachedCommit,
  checkFileName,
  checkRevision,
  checksumOf,
  damageOf,
  linkBlob,
  repoFolder,
} from './hub-layout.js';
import { withLock } from './hub-lock.js';
import { sha256OfFile } from './weights/hash.js';

/** Where and how to look for a repository's files. */
export interface HubOptions {
  /** A branch, tag or commit. @default 'main' */
  revision?: string;
  /** No network at all. @default HF_HUB_OFFLINE */
  offline?: boolean;
  /** Access token. @default HF_TOKEN, else the token file of `hf auth login` */
  token?: string;
  /** The hub's address. @default HF_ENDPOINT, else https://huggingface.co */
  endpoint?: string;
  /** The cache. @default HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub */
  cacheDir?: string;
  signal?: AbortSignal;
  /** Milliseconds without a byte after which a connection counts as cut. @default 30000 */
  timeoutMs?: number;
  /** When to give up after cuts, 5xx and 429. */
  retry?: Partial<RetryPolicy>;
  /** Makes the requests, for example through a proxy. @default the global fetch */
  fetch?: typeof fetch;
}

/** How to fetch. */
export interface DownloadOptions extends HubOptions {
  /** Files to fetch too where the repository has them. The model card and the licence always are. */
  optionalFiles?: readonly string[];
  /** Asks the hub even when everything is cached, so that a branch that moved is followed. @default false */
  refresh?: boolean;
  /** Checks every cached file's checksum, not only what can be told quickly. @default false */
  verify?: boolean;
  /** Called as bytes arrive. */
  onProgress?(progress: DownloadProgress): void;
}

/** How far a download is. */
export interface DownloadProgress {
  repo: string;
  file: string;
  /** Bytes of this file on disk. */
  bytes: number;
  /** Bytes of this file. */
  total: number;
  /** Bytes of all files of this download on disk. */
  allBytes: number;
  /** Bytes of all files of this download. */
  allTotal: number;
}

/** Files of a repository on disk. */
export interface HubFiles {
  /** The snapshot's folder. */
  folder: string;
  /** The commit. */
  revision: string;
  /** Path on disk by name in the repository. */
  files: Record<string, string>;
}

/** What is stored beside the weights whenever the publisher offers it. */
const CARD = /^(readme\.md|(licen[cs]e|notice|copying)(\.\w+)?)$/i;
const RETRY: RetryPolicy = { attempts: 5, baseMs: 500, maxWaitMs: 90_000 };

/**
 * Brings files of a repository into the cache and says where they are. Files that are there and whole cost no network;
 * damaged ones are fetched again; a download that was cut goes on where it stopped, in this process or a later one.
 *
 * @param repo `org/name`
 * @param files names in the repository; model card and licence come along
 * @throws HubError when a file cannot be had: the message says why, the hint what to do
 * @throws UsageError when a name is malformed
 */
export async function downloadFiles(
  repo: string,
  files: readonly string[],
  options: DownloadOptions = {},
): Promise<HubFiles> {
  for (const file of [...files, ...(options.optionalFiles ?? [])]) checkFileName(file);
  const cached = await lookUp(repo, files, options, options.verify ? 'full' : 'quick');
  const offline = options.offline ?? isOffline();
  if (cached.problems.length === 0 && (offline || !options.refresh)) return withOptional(cached, options);
  if (offline) throw offlineError(repo, cached, options);

  const context = makeContext(repo, options);
  const { revision, names } = await askRepo(context);
  const folder = repoFolder(cacheFolderOf(options), repo);
  const optional = names.filter((name) => CARD.test(name) || options.optionalFiles?.includes(name));
  const wanted = [...new Set([...files, ...optional])];
  for (const file of wanted) if (!names.includes(file)) throw noSuchFile(context, file, names);

  const infos = await Promise.all(wanted.map((file) => askFile(context, file, revision)));
  infos.sort((a, b) => a.size - b.size); // the weights last: where they are, all is
  const allTotal = infos.reduce((sum, info) => sum + info.size, 0);
  const snapshot = join(folder, 'snapshots', revision);
  const result: HubFiles = { folder: snapshot, revision, files: {} };
  let allDone = 0;
  for (const { file, url, size, name } of infos) {
    const path = join(folder, 'blobs', name);
    const onBytes = (bytes: number) => {
      options.onProgress?.({ repo, file, bytes, total: size, allBytes: allDone + bytes, allTotal });
    };
    if (!(await isWhole(path, name, size, options.verify))) {
      const lock = join(
        cacheFolderOf(options),
        '.locks',
        folder.split(sep).at(-1)!,
        `${name}.afterimage.lock`,
      );
      await withLock(lock, options.signal, async () => {
        // Another process may have fetched it in the meantime.
        if (!(await isWhole(path, name, size, options.verify))) {
          await fetchBlob(context, { file, url, name, size, path, onBytes });
        }
      });
    }
    onBytes(size);
    allDone += size;
    result.files[file] = join(snapshot, ...file.split('/'));
    await linkBlob(path, result.files[file]);
  }
  await mkdir(snapshot, { recursive: true });
  if (context.revision !== revision) await writeAtomically(join(folder, 'refs', context.revision), revision);
  return result;
}

/** The files where all of them are cached and whole, without any network; else undefined. */
export async function findCached(
  repo: string,
  files: readonly string[],
  options: Pick<DownloadOptions, 'revision' | 'cacheDir' | 'optionalFiles'> = {},
): Promise<HubFiles | undefined> {
  const cached = await lookUp(repo, files, options, 'quick');
  return cached.problems.length === 0 ? withOptional(cached, options) : undefined;
}

/**
 * The names of a repository's files and its commit: from the hub, or, offline, of what is cached.
 *
 * @throws HubError
 */
export async function listRepoFiles(
  repo: string,
  options: HubOptions = {},
): Promise<{ revision: string; files: string[] }> {
  if (!(options.offline ?? isOffline())) {
    const { revision, names } = await askRepo(makeContext(repo, options));
    return { revision, files: names };
  }
  const cached = await lookUp(repo, [], options, 'quick');
  if (cached.problems.length > 0) throw offlineError(repo, cached, options);
  const entries = await readdir(cached.folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(cached.folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  return { revision: cached.revision, files: files.sort() };
}

interface LookUp extends HubFiles {
  /** What is missing or damaged, for people. */
  problems: string[];
}

async function lookUp(
  repo: string,
  files: readonly string[],
  options: Pick<HubOptions, 'revision' | 'cacheDir'>,
  thoroughness: 'quick' | 'full',
): Promise<LookUp> {
  const folder = repoFolder(cacheFolderOf(options), repo);
  const revision = await cachedCommit(folder, checkRevision(options.revision ?? 'main'));
  const snapshot = join(folder, 'snapshots', revision ?? 'unknown');
  const result: LookUp = { folder: snapshot, revision: revision ?? '', files: {}, problems: [] };
  const isThere = await stat(snapshot).catch(() => undefined);
  if (revision === undefined || isThere === undefined) {
    result.problems.push('nothing of it is in the cache');
    return result;
  }
  for (const file of files) {
    const path = join(snapshot, ...checkFileName(file).split('/'));
    const damage = await damageOf(path, thoroughness);
    if (damage === undefined) result.files[file] = path;
    else
      result.problems.push(damage === 'missing' ? `"${file}" is missing` : `"${file}" is damaged: ${damage}`);
  }
  return result;
}

/** Adds what is there of the optional files and the model card. */
async function withOptional(
  cached: LookUp,
  options: Pick<DownloadOptions, 'optionalFiles'>,
): Promise<HubFiles> {
  const { folder, revision, files } = cached;
  const cards = (await readdir(folder)).filter((name) => CARD.test(name));
  for (const file of [...cards, ...(options.optionalFiles ?? [])]) {
    const path = join(folder, ...file.split('/'));
    if ((await damageOf(path, 'quick')) === undefined) files[file] = path;
  }
  return { folder, revision, files };
}

function makeContext(repo: string, options: HubOptions): HubContext {
  return {
    repo,
    revision: checkRevision(options.revision ?? 'main'),
    endpoint: (options.endpoint ?? hubEndpoint()).replace(/\/+$/, ''),
    token: options.token ?? hubToken(),
    signal: options.signal,
    timeoutMs: options.timeoutMs ?? 30_000,
    retry: { ...RETRY, ...options.retry },
    fetch: options.fetch ?? fetch,
  };
}

async function askRepo(context: HubContext): Promise<{ revision: string; names: string[] }> {
  const { modelInfo } = await import('@huggingface/hub');
  const { repo, revision, endpoint } = context;
  const additionalFields: ('sha' | 'filePaths')[] = ['sha', 'filePaths'];
  const request = { name: repo, revision, hubUrl: endpoint, additionalFields, fetch: hubFetch(context) };
  const info = await modelInfo(request).catch((cause: unknown) => notUnderstood(context, cause));
  if (!/^[0-9a-f]{40}$/.test(info.sha) || !Array.isArray(info.filePaths)) {
    return notUnderstood(context, new Error(`it gives the commit ${JSON.stringify(info.sha)}`));
  }
  return { revision: info.sha, names: info.filePaths };
}

interface FileInfo {
  file: string;
  url: string;
  size: number;
  name: string;
}

async function askFile(context: HubContext, file: string, revision: string): Promise<FileInfo> {
  const { fileDownloadInfo } = await import('@huggingface/hub');
  const { repo, endpoint } = context;
  const path = file.split('/').map(encodeURIComponent).join('/');
  const fetch = sizeOnly(hubFetch(context));
  const request = { repo: { type: 'model', name: repo } as const, path, revision, hubUrl: endpoint, fetch };
  const info = await fileDownloadInfo(request).catch((cause: unknown) => notUnderstood(context, cause));
  if (info === null) throw noSuchFile(context, file, []);
  return {
    file,
    url: `${endpoint}/${repo}/resolve/${revision}/${path}`,
    size: info.size,
    name: blobName(info.etag),
  };
}

/** Failures of the official client that are neither ours nor the caller's: an answer that is not the hub's. */
function notUnderstood({ repo, endpoint, signal }: HubContext, cause: unknown): never {
  signal?.throwIfAborted();
  if (cause instanceof HubError) throw cause;
  throw new HubError(`${repo}: ${endpoint} does not answer as the hub does (${(cause as Error).message})`, {
    cause,
    hint: 'Check HF_ENDPOINT; a login page or a proxy may answer in its place.',
  });
}

/** The official client asks for one byte to learn a file's size; a server without ranges sends all: that is cut short. */
function sizeOnly(request: typeof fetch): typeof fetch {
  return async (input, init) => {
    let response = await request(input, init);
    await response.body?.cancel();
    if (response.status === 416) {
      // An empty file has no first byte: it is asked for whole.
      const headers = new Headers(init?.headers);
      headers.delete('range');
      response = await request(input, { ...init, headers });
      await response.body?.cancel();
    }
    const { status, headers } = response;
    const size = headers.get('x-linked-size') ?? headers.get('content-length');
    if (!headers.has('content-range') && size !== null) headers.set('content-range', `bytes 0-0/${size}`);
    return new Response(null, { status, headers });
  };
}

/** Whether a blob is in the cache with the right size and checksum. */
async function isWhole(path: string, name: string, size: number, verify = false): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined || info.size !== size) return false;
  const isSha256 = /^[0-9a-f]{64}$/.test(name);
  const found = isSha256 && !verify ? await sha256OfFile(path) : await checksumOf(path, name);
  return found === undefined || found === name;
}

function cacheFolderOf(options: Pick<HubOptions, 'cacheDir'>): string {
  return options.cacheDir ?? hubCacheFolder();
}

function noSuchFile(
  { repo, revision, endpoint }: HubContext,
  file: string,
  names: readonly string[],
): HubError {
  const near = nearestName(file, names);
  const pickled = file.endsWith('.safetensors') && names.some((name) => /\.(bin|pth?|ckpt)$/.test(name));
  const hint = pickled
    ? 'The publisher offers pickled weights only, which can run code when read. Convert them to safetensors first.'
    : `See ${endpoint}/${repo}/tree/${revision}`;
  const nearest = near === undefined ? '' : `; the nearest is "${near}"`;
  return new HubError(`${repo}: has no file "${file}" at revision "${revision}"${nearest}`, {
    status: 404,
    hint,
  });
}

function offlineError(repo: string, cached: LookUp, options: HubOptions): HubError {
  const revision = options.revision === undefined ? '' : ` at revision "${options.revision}"`;
  return new HubError(
    `${repo}${revision}: ${cached.problems.join('; ')} (offline, cache ${cacheFolderOf(options)})`,
    {
      hint:
        `With network, \`afterimage models pull ${repo}\` fetches it (without HF_HUB_OFFLINE and --offline); ` +
        'on a machine without, copy that folder of the cache from another machine.',
    },
  );
}
