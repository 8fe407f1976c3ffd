/**
 * @file One image over HTTP, from a server that is not to be trusted: one time limit over everything, a limit on
 * bytes (after decompression too), redirects followed by hand, and no request to an address that only this machine
 * or its network can reach.
 *
 * The address is checked where the connection takes it: inside the `lookup` that the socket itself calls. A name
 * that resolves to a public address for a check and to 127.0.0.1 for the connection (DNS rebinding) gains nothing,
 * because there is only one resolution. Literal addresses skip `lookup`, so they are checked on the URL, where the
 * WHATWG parser has already turned `http://0x7f.1/` and `http://2130706433/` into `127.0.0.1`.
 */
import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { ImageError } from '../errors.js';
import { isPublicAddress } from './fetch-address.js';
import { ByteSink, errorCode, timeOut } from './source-bytes.js';

/** What a request may cost and where it may go. */
export interface FetchOptions {
  /** The name used in errors. */
  source: string;
  /** The largest body, in bytes, before and after decompression. */
  maxBytes: number;
  /** Milliseconds for everything: names, connections, redirects, body. */
  timeoutMs: number;
  /** @default false */
  allowPrivateAddresses?: boolean;
  /** Which addresses count as public. @default globally reachable unicast addresses */
  isPublic?: (address: string) => boolean;
  signal?: AbortSignal;
}

const MAX_REDIRECTS = 5;
const PRIVATE_HINT = 'set allowPrivateAddresses if this server is meant to be reached';

/** Which literal addresses may be asked; undefined where everything may. */
type Policy = ((address: string) => boolean) | undefined;

const PUBLIC: Policy = (address) => isPublicAddress(address) === true;

class RefusedAddress extends Error {
  constructor(hostname: string, address: string) {
    super(`${hostname} leads to ${address}, which is not a public address`);
  }
}

/** Refuses addresses at the only moment that counts: when the socket asks where to connect. */
function guardedLookup(policy: NonNullable<Policy>): LookupFunction {
  return (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, '');
      const open = addresses.filter(({ address }) => policy(address));
      if (open.length === 0)
        return callback(new RefusedAddress(hostname, addresses[0]?.address ?? 'nothing'), '');
      if (options.all) callback(null, open);
      else callback(null, open[0]!.address, open[0]!.family);
    });
  };
}

interface Agents {
  'http:': http.Agent;
  'https:': https.Agent;
}

// Connections are kept for the next image of the same server; two policies never share one.
const agentsByPolicy = new Map<Policy, Agents>();

function agentsFor(policy: Policy): Agents {
  const known = agentsByPolicy.get(policy);
  if (known) return known;
  const options = { keepAlive: true, maxFreeSockets: 16, ...(policy && { lookup: guardedLookup(policy) }) };
  const agents = { 'http:': new http.Agent(options), 'https:': new https.Agent(options) };
  agentsByPolicy.set(policy, agents);
  return agents;
}

/**
 * Fetches one URL.
 * @throws {ImageError} of stage `read`; an abort rejects with the signal's reason.
 */
export async function fetchBytes(url: URL, options: FetchOptions): Promise<Uint8Array> {
  const { source, timeoutMs, signal } = options;
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(timeOut(source, timeoutMs)), timeoutMs);
  const onAbort = () => control.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await follow(url, options, control.signal);
  } catch (error) {
    if (control.signal.aborted) throw control.signal.reason;
    throw fetchFailure(source, error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

async function follow(start: URL, options: FetchOptions, signal: AbortSignal): Promise<Uint8Array> {
  let url = start;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const response = await request(url, options, signal);
    const status = response.statusCode ?? 0;
    const location = response.headers.location;
    if ([301, 302, 303, 307, 308].includes(status) && location !== undefined) {
      response.destroy();
      if (!URL.canParse(location, url.href))
        throw new ImageError('read', options.source, 'redirected to an invalid URL');
      url = new URL(location, url);
      continue;
    }
    if (status !== 200) {
      response.destroy();
      throw new ImageError(
        'read',
        options.source,
        `the server answered ${status} ${response.statusMessage ?? ''}`.trim(),
      );
    }
    return readBody(response, options);
  }
  throw new ImageError('read', options.source, `redirected more than ${MAX_REDIRECTS} times`);
}

/** Sends one GET and waits for the head of the answer. A kept connection that had gone stale is tried anew, once. */
async function request(url: URL, options: FetchOptions, signal: AbortSignal): Promise<http.IncomingMessage> {
  const { source, allowPrivateAddresses = false } = options;
  const policy = allowPrivateAddresses ? undefined : (options.isPublic ?? PUBLIC);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new ImageError('read', source, `redirected to a ${url.protocol} URL, which is not fetched`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (policy && isIP(host) && !policy(host)) {
    throw new ImageError('read', source, `${host} is not a public address`, { hint: PRIVATE_HINT });
  }
  const agent = agentsFor(policy)[url.protocol];
  const send = url.protocol === 'http:' ? http.request : https.request;
  const headers = { accept: 'image/*,*/*;q=0.8', 'accept-encoding': 'identity', 'user-agent': 'afterimage' };
  for (let attempt = 0; ; attempt++) {
    const req = send(url, { agent, headers, signal });
    try {
      return await new Promise<http.IncomingMessage>((resolve, reject) => {
        req.on('response', resolve);
        req.on('error', reject);
        req.end();
      });
    } catch (error) {
      if (attempt === 0 && req.reusedSocket && errorCode(error) === 'ECONNRESET' && !signal.aborted) continue;
      throw error;
    }
  }
}

const DECODERS: Record<string, () => NodeJS.ReadWriteStream> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

async function readBody(
  response: http.IncomingMessage,
  { source, maxBytes }: FetchOptions,
): Promise<Uint8Array> {
  const sink = new ByteSink(source, maxBytes);
  const announced = Number(response.headers['content-length'] ?? Number.NaN);
  const coding = response.headers['content-encoding']?.toLowerCase().trim() ?? 'identity';
  let body: Readable = response;
  try {
    if (Number.isFinite(announced)) {
      if (coding === 'identity') sink.expect(announced);
      else sink.check(announced);
    }
    if (coding !== 'identity') {
      const decoder = DECODERS[coding]?.();
      if (!decoder)
        throw new ImageError('read', source, `the server sent an unknown content-encoding, ${coding}`);
      response.on('error', (error) => (body as Readable).destroy(error));
      body = response.pipe(decoder) as unknown as Readable;
    }
    for await (const chunk of body) sink.add(chunk as Uint8Array);
  } catch (error) {
    response.destroy();
    if (error instanceof ImageError) throw error;
    const wanted = Number.isFinite(announced) ? ` of ${announced}` : '';
    throw new ImageError(
      'read',
      source,
      `the connection broke after ${sink.length}${wanted} bytes (${message(error)})`,
      {
        cause: error,
      },
    );
  }
  return sink.finish();
}

function fetchFailure(source: string, error: unknown): ImageError {
  if (error instanceof ImageError) return error;
  if (error instanceof RefusedAddress) {
    return new ImageError('read', source, error.message, { hint: PRIVATE_HINT, cause: error });
  }
  const code = errorCode(error);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new ImageError('read', source, 'the name of the server cannot be resolved', {
      hint: 'check the spelling and the network',
      cause: error,
    });
  }
  const reason =
    code === 'ECONNREFUSED' ? 'the server refused the connection' : `the request failed (${message(error)})`;
  return new ImageError('read', source, reason, { cause: error });
}

function message(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return message(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
