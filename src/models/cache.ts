/**
 * @file Where things live on disk.
 *
 * Two places. The Hugging Face cache is shared with Python's tools, so its rules are theirs to the letter
 * (`huggingface_hub/constants.py`): what Python downloaded is found here and the other way round. Our own cache holds
 * what can be made again at any time: compiled graphs and remembered checksums.
 */
import { readFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** The environment that decides places; `process.env` unless a test says otherwise. */
export type Environment = Readonly<Record<string, string | undefined>>;

const TRUE_VALUES = new Set(['1', 'ON', 'YES', 'TRUE']);

/** Whether an environment variable says yes, by huggingface_hub's rule: 1, ON, YES or TRUE in any case. */
export function isTrue(value: string | undefined): boolean {
  return value !== undefined && TRUE_VALUES.has(value.toUpperCase());
}

/** `HF_HOME`, else `XDG_CACHE_HOME/huggingface`, else `~/.cache/huggingface`. */
export function huggingFaceHome(env: Environment = process.env): string {
  return expand(env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface'), env);
}

/** `HF_HUB_CACHE`, else the older `HUGGINGFACE_HUB_CACHE`, else `HF_HOME/hub`. */
export function hubCacheFolder(env: Environment = process.env): string {
  return expand(env.HF_HUB_CACHE ?? env.HUGGINGFACE_HUB_CACHE ?? join(huggingFaceHome(env), 'hub'), env);
}

/** The hub's address without a trailing slash: `HF_ENDPOINT`, else the public hub. */
export function hubEndpoint(env: Environment = process.env): string {
  return (env.HF_ENDPOINT ?? 'https://huggingface.co').replace(/\/+$/, '');
}

/** Whether the environment forbids network: `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`. */
export function isOffline(env: Environment = process.env): boolean {
  return isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE);
}

/**
 * The hub's access token: `HF_TOKEN`, else the older `HUGGING_FACE_HUB_TOKEN`, else the file that `hf auth login`
 * writes (`HF_TOKEN_PATH`, by default `HF_HOME/token`). `HF_HUB_DISABLE_IMPLICIT_TOKEN` turns all of it off.
 */
export function hubToken(env: Environment = process.env): string | undefined {
  if (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  const clean = (token: string | undefined) => token?.replace(/[\r\n]/g, '').trim() || undefined;
  const named = clean(env.HF_TOKEN) ?? clean(env.HUGGING_FACE_HUB_TOKEN);
  if (named !== undefined) return named;
  try {
    return clean(readFileSync(expand(env.HF_TOKEN_PATH ?? join(huggingFaceHome(env), 'token'), env), 'utf8'));
  } catch {
    return undefined; // no such file: not logged in
  }
}

/**
 * Our own cache: `AFTERIMAGE_CACHE`, else `XDG_CACHE_HOME/afterimage`, else `~/.cache/afterimage` (macOS:
 * `~/Library/Caches/afterimage`, Windows: `%LOCALAPPDATA%\afterimage`). Its content may be deleted at any time.
 */
export function cacheFolder(
  env: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env.AFTERIMAGE_CACHE) return expand(env.AFTERIMAGE_CACHE, env);
  if (env.XDG_CACHE_HOME) return join(expand(env.XDG_CACHE_HOME, env), 'afterimage');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'afterimage');
  if (platform === 'win32')
    return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'afterimage');
  return join(homedir(), '.cache', 'afterimage');
}

/** Writes a file so that a reader sees the old content or the new, never a part. Folders are made. */
export async function writeAtomically(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryName(path);
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(content);
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

let serial = 0;

/** A name beside `path` that no other call of any process uses. */
export function temporaryName(path: string): string {
  serial += 1;
  return `${path}.${process.pid}.${Date.now().toString(36)}${serial}.tmp`;
}

/** `~` and `$NAME`, `${NAME}` in a path, as Python's `expanduser` and `expandvars` do: unknown names stay as written. */
function expand(path: string, env: Environment): string {
  const home = path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
  return home.replace(
    /\$(?:\{([^}]*)\}|(\w+))/g,
    (all, braced?: string, bare?: string) => env[braced ?? bare!] ?? all,
  );
}
