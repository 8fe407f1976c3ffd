/**
 * @file One HTTP request to the hub, made to succeed where it can: redirects, credentials, retries, time-outs.
 *
 * It has the signature of `fetch`, so the official client (`@huggingface/hub`) runs on it. What it adds: the token goes
 * to the hub alone, never to the storage a redirect leads to; the hub's own headers (commit, checksum, size) survive
 * that redirect; a cut, a 5xx or a 429 is tried again (`Retry-After` respected); anything else becomes a HubError that
 * says what to do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HubError } from '../errors.js';

/** What every request of one download shares. */
export interface HubContext {
  /** For messages: `org/name`. */
  repo: string;
  /** For messages: a branch, tag or commit. */
  revision: string;
  endpoint: string;
  token: string | undefined;
  signal: AbortSignal | undefined;
  /** Milliseconds without an answer or a byte after which a request counts as cut. */
  timeoutMs: number;
  retry: RetryPolicy;
  fetch: typeof fetch;
}

/** When to give up. */
export interface RetryPolicy {
  /** Tries in a row that may bring nothing. @default 5 */
  attempts: number;
  /** The first pause; it doubles each time, up to 10 s. @default 500 */
  baseMs: number;
  /** The longest pause that a server may ask for (`Retry-After`). @default 90000 */
  maxWaitMs: number;
}

/** A failure that another try may mend. */
export class Transient extends Error {
  /** The pause that the server asked for, in milliseconds. */
  readonly waitMs: number | undefined;
  readonly status: number | undefined;
  constructor(
    message: string,
    options: { waitMs?: number | undefined; status?: number | undefined; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.waitMs = options.waitMs;
    this.status = options.status;
  }
}

const KEPT_HEADERS = ['x-repo-commit', 'x-linked-etag', 'x-linked-size', 'x-error-code', 'x-error-message'];
const MAX_REDIRECTS = 10;

/** `fetch` for the hub, with all of the above. Throws HubError, or the signal's reason when aborted. */
export function hubFetch(context: HubContext): typeof fetch {
  return (input, init) => withRetries(context, () => requestOnce(context, String(input), init));
}

/** Runs `work`, again after each {@link Transient} failure, until it succeeds or the policy says stop. */
export async function withRetries<T>(
  context: HubContext,
  work: () => Promise<T>,
  hadProgress: () => boolean = () => false,
): Promise<T> {
  const { attempts, baseMs, maxWaitMs } = context.retry;
  for (let failed = 0; ; ) {
    context.signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      context.signal?.throwIfAborted();
      if (!(error instanceof Transient)) throw error;
      failed = hadProgress() ? 1 : failed + 1;
      const isUnreachable = /ENOTFOUND|ECONNREFUSED|EAI_AGAIN/.test(error.message);
      const pause =
        error.waitMs ?? Math.min(10_000, baseMs * 2 ** (failed - 1)) * (0.75 + jitter(failed) / 2);
      if (failed >= (isUnreachable ? Math.min(2, attempts) : attempts) || pause > maxWaitMs) {
        throw gaveUp(context, error, failed);
      }
      await sleep(pause, undefined, context.signal ? { signal: context.signal } : {}).catch(() => {
        context.signal?.throwIfAborted();
      });
    }
  }
}

/** One request, its redirects followed; throws {@link Transient} or HubError unless the answer is 2xx or 416. */
export async function requestOnce(
  context: HubContext,
  url: string,
  init: RequestInit = {},
): Promise<Response> {
  const kept = new Headers();
  let target = new URL(url);
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const response = await send(context, target, init);
    const isHub = target.origin === new URL(context.endpoint).origin;
    for (const name of KEPT_HEADERS) {
      const value = isHub ? response.headers.get(name) : null;
      if (value !== null) kept.set(name, value);
    }
    const location =
      response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
    if (location === null) {
      if (!response.ok && response.status !== 416) throw await failure(context, target, response);
      return withHeaders(response, kept);
    }
    await response.body?.cancel();
    target = new URL(location, target);
  }
  throw new HubError(`${url}: more than ${MAX_REDIRECTS} redirects`);
}

async function send(context: HubContext, target: URL, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.delete('authorization');
  if (context.token !== undefined && target.origin === new URL(context.endpoint).origin) {
    headers.set('authorization', `Bearer ${context.token}`);
  }
  headers.set('user-agent', 'afterimage');
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), context.timeoutMs);
  const signals = [stalled.signal, context.signal, init.signal].filter(
    (signal) => signal instanceof AbortSignal,
  );
  try {
    return await context.fetch(target, {
      ...init,
      headers,
      redirect: 'manual',
      signal: AbortSignal.any(signals),
    });
  } catch (cause) {
    context.signal?.throwIfAborted();
    const what = stalled.signal.aborted ? `no answer in ${context.timeoutMs} ms` : describe(cause);
    throw new Transient(`${target.origin}: ${what}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** What went wrong, with the system's code: "fetch failed (ECONNREFUSED)". */
export function describe(error: unknown): string {
  const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  const detail = cause?.code ?? cause?.message;
  return detail === undefined ? message : `${message} (${detail})`;
}

function withHeaders(response: Response, kept: Headers): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of kept) headers.set(name, value);
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}

async function failure(context: HubContext, target: URL, response: Response): Promise<Error> {
  const { status } = response;
  const text = await response.text().catch(() => '');
  if (status === 429 || status === 408 || status >= 500) {
    const said = status === 429 ? 'too many requests' : response.statusText || 'server error';
    return new Transient(`${target.origin} answered ${status} (${said})`, {
      status,
      waitMs: askedPause(response),
    });
  }
  const { repo, revision, endpoint, token } = context;
  const code = response.headers.get('x-error-code');
  const message = response.headers.get('x-error-message') ?? errorText(text);
  const because = message ? ` (${message})` : '';
  const page = `${endpoint}/${repo}`;
  const error = (what: string, hint: string) => new HubError(`${repo}: ${what}${because}`, { status, hint });
  if (code === 'GatedRepo' || (status === 403 && code === null)) {
    const step =
      token === undefined ? 'set HF_TOKEN to your access token' : 'use a token of the account that did';
    return error(
      `the publisher shares it only with those who ask (HTTP ${status}, gated)`,
      `Accept the conditions at ${page}, then ${step}.`,
    );
  }
  if (status === 401 && token !== undefined) {
    return error(
      `the access token was refused (HTTP ${status})`,
      `Check HF_TOKEN (or the token file of \`hf auth login\`) and the name: ${page}`,
    );
  }
  if (code === 'RevisionNotFound') {
    return error(
      `has no revision "${revision}" (HTTP ${status})`,
      `See the branches and tags at ${page}/tree/main`,
    );
  }
  if (code === 'RepoNotFound' || status === 401) {
    return error(
      `no such repository, or a private one (HTTP ${status})`,
      `Check the name: ${page}. If it is private or gated, set HF_TOKEN to your access token.`,
    );
  }
  if (status === 404) {
    const file = decodeURIComponent(
      target.pathname.split(`/resolve/`)[1]?.split('/').slice(1).join('/') ?? '',
    );
    return error(
      `${file === '' ? 'not found' : `has no file "${file}"`} (HTTP 404)`,
      `See ${page}/tree/${revision}`,
    );
  }
  return error(`${target.origin} answered ${status}`, `See ${page}`);
}

function gaveUp(context: HubContext, error: Transient, tries: number): HubError {
  const later = error.waitMs === undefined ? '' : `; it asks to wait ${Math.ceil(error.waitMs / 1000)} s`;
  const hint =
    error.status === 429
      ? 'Try again later: what was fetched is kept. A token (HF_TOKEN) raises the limit.'
      : 'Try again: what was fetched is kept. Without network, models of the cache work with HF_HUB_OFFLINE=1 or `--offline`.';
  const times = tries === 1 ? '' : ` (${tries} tries)`;
  return new HubError(`${context.repo}: ${error.message}${times}${later}`, {
    status: error.status,
    hint,
    cause: error,
  });
}

/** The pause a server asks for: `Retry-After` in seconds or as a date, else the `t=` of the hub's `RateLimit` header. */
function askedPause(response: Response): number | undefined {
  const after = response.headers.get('retry-after');
  if (after !== null) {
    const ms = /^\d+(\.\d+)?$/.test(after.trim()) ? Number(after) * 1000 : Date.parse(after) - Date.now();
    if (Number.isFinite(ms)) return Math.max(0, ms);
  }
  const reset = /\bt=(\d+)/.exec(response.status === 429 ? (response.headers.get('ratelimit') ?? '') : '');
  return reset ? Number(reset[1]) * 1000 : undefined;
}

function errorText(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === 'string' ? error : '';
  } catch {
    return ''; // a page for people
  }
}

/** 0…1, different for each process and try, so that many clients do not come back at once. */
function jitter(n: number): number {
  return ((process.pid * 9301 + n * 49297 + (Date.now() % 1000)) % 1000) / 1000;
}
