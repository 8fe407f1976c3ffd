/**
 * @file The Hugging Face cache's layout, shared with Python's `huggingface_hub`.
 *
 *     models--org--name/
 *       blobs/<sha256 or git sha1>          the content
 *       refs/main                           the commit that the branch was at
 *       snapshots/<commit>/model.safetensors -> ../../blobs/<…>
 *
 * A blob's name is its checksum (sha256 for large files, git's sha1 for small ones), so damage can be told.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readFile, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { UsageError } from '../errors.js';
import { type Environment, isTrue, temporaryName } from './cache.js';
import { hashFile, sha256OfFile } from './weights/hash.js';
import { readHeader } from './weights/header.js';

const COMMIT = /^[0-9a-f]{40}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const GIT_SHA1 = COMMIT;

/** The folder of a repository in the cache. @throws UsageError when `repo` is not `org/name` or `name` */
export function repoFolder(cacheDir: string, repo: string): string {
  const isName = /^[\w.-]+(\/[\w.-]+)?$/.test(repo) && !/(^|\/)\.{1,2}(\/|$)|--|\.\.|\.git$/.test(repo);
  if (!isName)
    throw new UsageError(`expected a repository like org/name but received ${JSON.stringify(repo)}`);
  return join(cacheDir, ['models', ...repo.split('/')].join('--'));
}

/** @throws UsageError when `file` could leave the folder that it is joined to, on any system */
export function checkFileName(file: string): string {
  const parts = file.split('/');
  if (
    file === '' ||
    /[\\:\0]/.test(file) ||
    parts.some((part) => part === '' || part === '.' || part === '..')
  ) {
    throw new UsageError(`expected a file name inside the repository but received ${JSON.stringify(file)}`);
  }
  return file;
}

/** @throws UsageError when `revision` is no name of a branch, tag or commit */
export function checkRevision(revision: string): string {
  if (!/^[\w.-]+(\/[\w.-]+)*$/.test(revision) || revision.includes('..')) {
    throw new UsageError(`expected a branch, tag or commit but received ${JSON.stringify(revision)}`);
  }
  return revision;
}

/** The commit that `revision` stands for in the cache: itself, or what `refs/` remembers. Undefined when unknown. */
export async function cachedCommit(folder: string, revision: string): Promise<string | undefined> {
  if (COMMIT.test(revision)) return revision;
  const text = await readFile(join(folder, 'refs', checkRevision(revision)), 'utf8').catch(() => undefined);
  return text !== undefined && COMMIT.test(text.trim()) ? text.trim() : undefined;
}

/** The name of a blob with this ETag: quotes and weakness mark removed; of odd ones, a hash. */
export function blobName(etag: string): string {
  const plain = etag.replace(/^W\//, '').replace(/^"|"$/g, '');
  return /^[\w-]{1,128}$/.test(plain)
    ? plain
    : createHash('sha256').update(`etag ${plain}`).digest('hex').slice(0, 56);
}

/** The checksum that a blob of this name must have, or undefined when the name is none. */
export async function checksumOf(path: string, name: string): Promise<string | undefined> {
  if (SHA256.test(name)) return hashFile(path);
  return GIT_SHA1.test(name) ? gitSha1(path) : undefined;
}

/**
 * What is wrong with a cached file, or undefined when nothing is.
 *
 * `quick` is for every start: small files are hashed; safetensors must have the length that their header says; other
 * large files are hashed once and remembered by size and time. `full` hashes everything.
 */
export async function damageOf(path: string, thoroughness: 'quick' | 'full'): Promise<string | undefined> {
  const blob = await realpath(path).catch(() => undefined);
  if (blob === undefined) return 'missing';
  if (!(await stat(blob)).isFile()) return 'not a file';
  const name = basename(dirname(blob)) === 'blobs' ? basename(blob) : '';
  const isLarge = SHA256.test(name);
  if (path.endsWith('.safetensors') && (thoroughness === 'quick' || !isLarge)) {
    const problem = await readHeader(path).then(
      () => undefined,
      (error: Error) => error.message.replace(`${path}: `, ''),
    );
    if (problem !== undefined || isLarge) return problem;
  }
  const found = isLarge && thoroughness === 'quick' ? await sha256OfFile(blob) : await checksumOf(blob, name);
  return found === undefined || found === name ? undefined : `checksum is ${found}, expected ${name}`;
}

/** Makes `pointer` lead to `blob`: a relative link, or, where links are not to be had, the file itself. */
export async function linkBlob(blob: string, pointer: string, env: Environment = process.env): Promise<void> {
  await mkdir(dirname(pointer), { recursive: true });
  const [to, from] = await Promise.all([realpath(blob), realpath(pointer).catch(() => undefined)]);
  if (to === from) return;
  const temporary = temporaryName(pointer);
  try {
    if (isTrue(env.HF_HUB_DISABLE_SYMLINKS)) await copyFile(blob, temporary);
    else {
      await symlink(relative(dirname(pointer), blob), temporary).catch(
        async (error: NodeJS.ErrnoException) => {
          // Windows without developer mode, and file systems without links.
          if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EACCES', 'EINVAL'].includes(error.code ?? ''))
            throw error;
          await copyFile(blob, temporary);
        },
      );
    }
    await rename(temporary, pointer);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** The id that git gives to a file's content. */
async function gitSha1(path: string): Promise<string> {
  const { size } = await stat(path);
  const hash = createHash('sha1').update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
