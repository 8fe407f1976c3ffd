/**
 * @file A server on loopback that speaks the hub's protocol, and misbehaves on request.
 *
 * Two listeners, as in life: the hub (`/api/models/…`, `/org/name/resolve/…`) and the storage that large files are
 * redirected to. Every request is logged.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What to do instead of answering well. */
export interface Fault {
  /** Matched against "METHOD host /path", host being `hub` or `cdn`. */
  match: RegExp;
  /** How many requests it spoils. @default 1 */
  times?: number;
  /** Answers with this status. */
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Breaks the connection after so many bytes of the body. */
  cutAfter?: number;
  /** Breaks the connection before any answer. */
  drop?: boolean;
  /** Ends the body early, in good order (no content-length). */
  endAfter?: number;
  /** Changes one byte of the body. */
  corrupt?: boolean;
  /** Sends all although a range was asked for. */
  ignoreRange?: boolean;
  /** Sends nothing for so many milliseconds after the headers. */
  stallMs?: number;
}

export interface LoggedRequest {
  line: string;
  range: string | undefined;
  authorization: string | undefined;
}

interface Repo {
  commits: Map<string, Map<string, Buffer>>;
  refs: Map<string, string>;
  access: 'open' | 'gated' | 'private';
}

/** Files above this are "large": redirected to the storage, named by sha256. */
const LARGE = 1000;

export class HubServer {
  readonly repos = new Map<string, Repo>();
  readonly log: LoggedRequest[] = [];
  faults: Fault[] = [];
  token: string | undefined;
  #hub!: Server;
  #cdn!: Server;

  async start(): Promise<this> {
    const listen = async (handle: (request: IncomingMessage, response: ServerResponse) => void) => {
      const server = createServer(handle);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    };
    this.#hub = await listen((request, response) => this.#answer('hub', request, response));
    this.#cdn = await listen((request, response) => this.#answer('cdn', request, response));
    return this;
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  /** Publishes a commit of a repository and returns its id. */
  publish(
    name: string,
    files: Record<string, string | Buffer>,
    { branch = 'main', access = 'open' }: { branch?: string; access?: Repo['access'] } = {},
  ): string {
    const repo = this.repos.get(name) ?? { commits: new Map(), refs: new Map(), access };
    this.repos.set(name, repo);
    const content = new Map(Object.entries(files).map(([file, bytes]) => [file, Buffer.from(bytes)]));
    const hash = createHash('sha1').update(name).update(branch);
    for (const [file, bytes] of content) hash.update(file).update(bytes);
    const commit = hash.digest('hex');
    repo.commits.set(commit, content);
    repo.refs.set(branch, commit);
    return commit;
  }

  /** Requests logged since the last call. */
  takeLog(): LoggedRequest[] {
    return this.log.splice(0);
  }

  #answer(host: 'hub' | 'cdn', request: IncomingMessage, response: ServerResponse): void {
    const { method, headers } = request;
    const url = new URL(request.url!, 'http://x');
    const line = `${method} ${host} ${decodeURIComponent(url.pathname)}`;
    this.log.push({ line, range: headers.range, authorization: headers.authorization });
    const fault = this.faults.find(({ match, times = 1 }) => times > 0 && match.test(line));
    if (fault) fault.times = (fault.times ?? 1) - 1;
    if (fault?.drop) return void request.socket.destroy();
    if (fault?.status) {
      response.writeHead(fault.status, fault.headers).end(fault.body);
      return;
    }
    if (host === 'cdn') {
      this.#storage(url, request, response, fault);
      return;
    }
    const refuse = (status: number, code: string, message: string) =>
      response.writeHead(status, { 'x-error-code': code, 'x-error-message': message }).end();

    const api = /^\/api\/models\/(.+?)\/revision\/(.+)$/.exec(url.pathname);
    const resolve = /^\/(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const [, name, revision, file] = (api ?? resolve ?? []).map((part) => part && decodeURIComponent(part));
    const repo = this.repos.get(name ?? '');
    const isKnown = this.token !== undefined && headers.authorization === `Bearer ${this.token}`;
    if (headers.authorization !== undefined && !isKnown) {
      return void refuse(401, '', 'Invalid credentials in Authorization header');
    }
    if (!repo || (repo.access === 'private' && !isKnown)) {
      return void refuse(401, 'RepoNotFound', 'Repository not found');
    }
    const commit = repo.commits.has(revision!) ? revision! : repo.refs.get(revision!);
    if (commit === undefined) return void refuse(404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
    const files = repo.commits.get(commit)!;
    if (api) {
      const siblings = [...files.keys()].map((rfilename) => ({ rfilename }));
      const body = JSON.stringify({
        _id: '1',
        id: name,
        sha: commit,
        siblings,
        private: false,
        gated: false,
        tags: [],
      });
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      return;
    }
    if (repo.access === 'gated' && !isKnown) {
      return void refuse(403, 'GatedRepo', `Access to model ${name} is restricted.`);
    }
    const bytes = files.get(file!);
    if (!bytes) return void refuse(404, 'EntryNotFound', 'Entry not found');
    response.setHeader('x-repo-commit', commit);
    if (bytes.length > LARGE) {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const cdn = `http://localhost:${(this.#cdn.address() as AddressInfo).port}`;
      response.setHeader('x-linked-etag', `"${sha256}"`);
      response.setHeader('x-linked-size', bytes.length);
      response.writeHead(302, { location: `${cdn}/blob/${sha256}?signed=1`, 'content-length': 0 }).end();
      return;
    }
    const sha1 = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
    response.setHeader('etag', `"${sha1}"`);
    this.#send(bytes, request, response, fault);
  }

  #storage(url: URL, request: IncomingMessage, response: ServerResponse, fault: Fault | undefined): void {
    const wanted = url.pathname.split('/').at(-1);
    const all = [...this.repos.values()].flatMap((repo) =>
      [...repo.commits.values()].flatMap((files) => [...files.values()]),
    );
    const bytes = all.find((content) => createHash('sha256').update(content).digest('hex') === wanted);
    if (!bytes) return void response.writeHead(404).end();
    response.setHeader('etag', `"storage-${wanted!.slice(0, 8)}"`); // not the hub's, as in life
    this.#send(bytes, request, response, fault);
  }

  #send(bytes: Buffer, request: IncomingMessage, response: ServerResponse, fault: Fault | undefined): void {
    const range = fault?.ignoreRange ? null : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    let body = bytes;
    if (range) {
      const begin = Number(range[1]);
      const end = range[2] ? Math.min(Number(range[2]), bytes.length - 1) : bytes.length - 1;
      if (begin >= bytes.length) {
        response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
        return;
      }
      body = bytes.subarray(begin, end + 1);
      response.statusCode = 206;
      response.setHeader('content-range', `bytes ${begin}-${end}/${bytes.length}`);
    }
    if (fault?.corrupt) {
      body = Buffer.from(body);
      body[body.length >> 1]! ^= 1;
    }
    if (fault?.endAfter === undefined) response.setHeader('content-length', body.length);
    if (request.method === 'HEAD') return void response.end();
    if (fault?.endAfter !== undefined) return void response.end(body.subarray(0, fault.endAfter));
    if (fault?.cutAfter !== undefined) {
      response.write(body.subarray(0, fault.cutAfter), () => setTimeout(() => request.socket.destroy(), 20));
      return;
    }
    if (fault?.stallMs !== undefined) {
      response.flushHeaders();
      setTimeout(() => response.end(body), fault.stallMs);
      return;
    }
    response.end(body);
  }
}
