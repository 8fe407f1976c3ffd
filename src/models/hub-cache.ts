/**
 * @file What is in the Hugging Face cache: list, verify, remove.
 *
 * The official client's scan stops at subfolders and gives up on a repository without `refs`; this one reads the layout
 * itself and reports what is wrong instead.
 */
import { readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { HubError, nearestName } from '../errors.js';
import { hubCacheFolder } from './cache.js';
import { damageOf, repoFolder } from './hub-layout.js';

/** A file of a cached revision. */
export interface CachedFile {
  /** Name in the repository. */
  name: string;
  /** Path on disk. */
  path: string;
  /** Bytes; 0 when its content is missing. */
  size: number;
}

/** One commit of a cached repository. */
export interface CachedRevision {
  commit: string;
  /** Branches and tags that were at this commit when they were last asked for. */
  refs: string[];
  folder: string;
  files: CachedFile[];
}

/** A cached repository. */
export interface CachedRepo {
  repo: string;
  folder: string;
  revisions: CachedRevision[];
  /** Bytes on disk: each content counted once, unfinished downloads included. */
  size: number;
  /** When a file of it last came, in milliseconds since 1970. */
  lastModified: number;
}

/** The state of one cached file. */
export interface FileCheck {
  revision: string;
  name: string;
  path: string;
  /** What is wrong with it; undefined when its checksum is right. */
  problem: string | undefined;
}

/** Every model repository in the cache, by name. An absent cache is an empty one. */
export async function listCached(options: { cacheDir?: string } = {}): Promise<CachedRepo[]> {
  const cacheDir = options.cacheDir ?? hubCacheFolder();
  const names = await readdir(cacheDir).catch(() => []);
  const repos: CachedRepo[] = [];
  for (const name of names.sort()) {
    if (name.startsWith('models--')) repos.push(await readRepo(join(cacheDir, name)));
  }
  return repos;
}

/**
 * Checks the checksum of every file of a cached repository. A damaged file is fetched again by the next download.
 *
 * @throws HubError when the repository is not in the cache
 */
export async function verifyCached(repo: string, options: { cacheDir?: string } = {}): Promise<FileCheck[]> {
  const { revisions } = await findRepo(repo, options);
  const checks: FileCheck[] = [];
  for (const { commit, files } of revisions) {
    for (const { name, path } of files) {
      checks.push({ revision: commit, name, path, problem: await damageOf(path, 'full') });
    }
  }
  return checks;
}

/**
 * Removes a repository from the cache, all revisions.
 *
 * @returns bytes that were freed
 * @throws HubError when the repository is not in the cache
 */
export async function removeCached(repo: string, options: { cacheDir?: string } = {}): Promise<number> {
  const cacheDir = options.cacheDir ?? hubCacheFolder();
  const { folder, size } = await findRepo(repo, { cacheDir });
  await rm(folder, { recursive: true, force: true });
  await rm(join(cacheDir, '.locks', basename(folder)), { recursive: true, force: true });
  return size;
}

async function findRepo(repo: string, options: { cacheDir?: string }): Promise<CachedRepo> {
  const cacheDir = options.cacheDir ?? hubCacheFolder();
  const folder = repoFolder(cacheDir, repo);
  if (await stat(folder).catch(() => undefined)) return readRepo(folder);
  const near = nearestName(
    repo,
    (await listCached({ cacheDir })).map((cached) => cached.repo),
  );
  throw new HubError(
    `${repo}: not in the cache ${cacheDir}${near === undefined ? '' : `; the nearest is ${near}`}`,
    {
      hint: 'See `afterimage models list`.',
    },
  );
}

async function readRepo(folder: string): Promise<CachedRepo> {
  const refs = await readRefs(join(folder, 'refs'));
  const snapshots = join(folder, 'snapshots');
  const commits = await readdir(snapshots, { withFileTypes: true }).catch(() => []);
  const revisions: CachedRevision[] = [];
  const sizes = new Map<string, number>();
  let lastModified = 0;
  const count = async (path: string) => {
    const blob = await realpath(path).catch(() => undefined);
    const info = blob === undefined ? undefined : await stat(blob);
    if (info === undefined) return 0;
    sizes.set(blob!, info.size);
    lastModified = Math.max(lastModified, info.mtimeMs);
    return info.size;
  };
  for (const commit of commits.filter((entry) => entry.isDirectory())) {
    const place = join(snapshots, commit.name);
    const files: CachedFile[] = [];
    for (const entry of await readdir(place, { recursive: true, withFileTypes: true })) {
      if (entry.isDirectory()) continue;
      const path = join(entry.parentPath, entry.name);
      files.push({ name: relative(place, path).split(sep).join('/'), path, size: await count(path) });
    }
    files.sort((a, b) => (a.name < b.name ? -1 : 1));
    revisions.push({ commit: commit.name, refs: refs.get(commit.name) ?? [], folder: place, files });
  }
  for (const blob of await readdir(join(folder, 'blobs')).catch(() => []))
    await count(join(folder, 'blobs', blob));
  const size = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  const repo = basename(folder).split('--').slice(1).join('/');
  return { repo, folder, revisions, size, lastModified };
}

/** Names by commit. */
async function readRefs(folder: string): Promise<Map<string, string[]>> {
  const refs = new Map<string, string[]>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    const commit = (await readFile(path, 'utf8')).trim();
    refs.set(commit, [...(refs.get(commit) ?? []), relative(folder, path).split(sep).join('/')]);
  }
  return refs;
}
