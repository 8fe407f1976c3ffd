/** @file Downloads from a hub that behaves, and from one that does not; the cache shared with Python. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HubError, UsageError } from '#src/errors.js';
import { cacheFolder, hubCacheFolder, hubToken, huggingFaceHome, isOffline } from '#src/models/cache.js';
import {
  type DownloadOptions,
  type DownloadProgress,
  downloadFiles,
  findCached,
  listRepoFiles,
} from '#src/models/hub.js';
import { listCached, removeCached, verifyCached } from '#src/models/hub-cache.js';
import { HubServer } from './hub-server.js';

/** 200 kB that do not repeat. */
const weights = Buffer.from(Uint32Array.from({ length: 50_000 }, (_, i) => Math.imul(i, 2654435761)).buffer);
const config = '{"model_type":"vit"}';
const repo = 'org/model';
const file = 'model.bin2';

let server: HubServer;
let root: string;
let options: DownloadOptions;

beforeAll(async () => {
  server = await new HubServer().start();
  root = await mkdtemp(join(tmpdir(), 'afterimage-hub-'));
  process.env.AFTERIMAGE_CACHE = join(root, 'own');
  for (const name of ['HF_TOKEN', 'HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE']) delete process.env[name];
  process.env.HF_HOME = join(root, 'home');
});
beforeEach(async () => {
  options = { endpoint: server.endpoint, cacheDir: await mkdtemp(join(root, 'hub-')), retry: { baseMs: 5 } };
  server.repos.clear();
  server.publish(repo, { [file]: weights, 'config.json': config, 'README.md': '# Card', LICENSE: 'free' });
});
afterEach(() => {
  server.faults = [];
  server.token = undefined;
  server.takeLog();
});
afterAll(async () => {
  await server.stop();
  await rm(root, { recursive: true });
});

/** The HubError that `work` ends with. */
async function failure(work: Promise<unknown>): Promise<HubError> {
  const error = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(HubError);
  return error as HubError;
}
const bodies = () =>
  server.takeLog().filter(({ line, range }) => line.startsWith('GET cdn') && range !== 'bytes=0-0');
const incomplete = async () =>
  (await readdir(join(options.cacheDir!, 'models--org--model', 'blobs'))).filter((name) =>
    name.endsWith('.incomplete'),
  );

describe('a hub that behaves', () => {
  it('lays files out as Python does, model card and licence included', async () => {
    const result = await downloadFiles(repo, [file, 'config.json'], options);
    const commit = server.repos.get(repo)!.refs.get('main')!;
    const folder = join(options.cacheDir!, 'models--org--model');
    expect(result.revision).toBe(commit);
    expect(result.folder).toBe(join(folder, 'snapshots', commit));
    expect(Object.keys(result.files).sort()).toEqual(['LICENSE', 'README.md', 'config.json', file]);
    expect((await readFile(result.files[file]!)).equals(weights)).toBe(true);
    expect(await readFile(join(folder, 'refs', 'main'), 'utf8')).toBe(commit);
    expect(await readlink(result.files[file]!)).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/);
    expect(await readlink(result.files['config.json']!)).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/);
    expect(await incomplete()).toEqual([]);
  });

  it('uses no network for what is cached, and follows the branch when asked', async () => {
    await downloadFiles(repo, [file], options);
    server.takeLog();
    const again = await downloadFiles(repo, [file], options);
    expect(Object.keys(again.files).sort()).toEqual(['LICENSE', 'README.md', file]);
    expect(server.takeLog()).toEqual([]);
    const moved = server.publish(repo, { [file]: weights, 'config.json': '{}' });
    expect((await downloadFiles(repo, [file], { ...options, refresh: true })).revision).toBe(moved);
    expect(bodies()).toEqual([]); // the content is the same: nothing to fetch
    expect((await findCached(repo, [file], options))!.revision).toBe(moved);
  });

  it('reports progress in bytes of the file and of all files', async () => {
    const seen: DownloadProgress[] = [];
    await downloadFiles(repo, [file, 'config.json'], {
      ...options,
      onProgress: (progress) => seen.push(progress),
    });
    const total = weights.length + config.length + '# Card'.length + 'free'.length;
    expect(seen.at(-1)).toMatchObject({ repo, allBytes: total, allTotal: total });
    for (const [i, { allBytes }] of seen.entries())
      expect(allBytes).toBeGreaterThanOrEqual(seen[i - 1]?.allBytes ?? 0);
    const own = seen.filter((progress) => progress.file === file);
    expect(own[0]!.bytes).toBe(0);
    expect(own.at(-1)).toMatchObject({ bytes: weights.length, total: weights.length });
  });

  it('takes branches, commits, subfolders and optional files', async () => {
    const commit = server.publish(
      repo,
      { 'onnx/deep/model.onnx': weights, 'vocab.json': '{}' },
      { branch: 'refs/pr/1' },
    );
    const result = await downloadFiles(repo, ['onnx/deep/model.onnx'], {
      ...options,
      revision: 'refs/pr/1',
      optionalFiles: ['vocab.json', 'merges.txt'],
    });
    expect(Object.keys(result.files).sort()).toEqual(['onnx/deep/model.onnx', 'vocab.json']);
    expect(await readlink(result.files['onnx/deep/model.onnx']!)).toMatch(/^(\.\.\/){4}blobs\//);
    server.takeLog();
    const byCommit = await downloadFiles(repo, ['onnx/deep/model.onnx'], { ...options, revision: commit });
    expect(byCommit.revision).toBe(commit);
    expect(server.takeLog()).toEqual([]);
  });

  it('takes empty files', async () => {
    server.publish(repo, { [file]: weights, LICENSE: '' });
    const { files } = await downloadFiles(repo, [file], options);
    expect((await stat(files.LICENSE!)).size).toBe(0);
    expect((await verifyCached(repo, options)).map(({ problem }) => problem)).toEqual([undefined, undefined]);
  });

  it('sends the token to the hub and never to the storage', async () => {
    server.token = 'hf_secret';
    await downloadFiles(repo, [file], { ...options, token: 'hf_secret' });
    const log = server.takeLog();
    expect(log.some(({ line }) => line.startsWith('GET cdn'))).toBe(true);
    for (const { line, authorization } of log) {
      expect(authorization).toBe(line.includes(' hub ') ? 'Bearer hf_secret' : undefined);
    }
  });

  it('lists files online and offline', async () => {
    const all = [file, 'config.json', 'README.md', 'LICENSE'].sort();
    expect((await listRepoFiles(repo, options)).files.sort()).toEqual(all);
    await downloadFiles(repo, [file], options);
    const offline = await listRepoFiles(repo, { ...options, offline: true });
    expect(offline.files).toEqual(['LICENSE', 'README.md', file]);
  });
});

describe('cuts', () => {
  it('continues where the connection was cut, again and again', async () => {
    const cuts = [60_000, 30_000, 1_000].map((cutAfter) => ({ match: /GET cdn/, cutAfter }));
    // The first request to the storage only asks for the size.
    server.faults = [{ match: /GET cdn/, times: 1 }, ...cuts];
    const { files } = await downloadFiles(repo, [file], options);
    expect((await readFile(files[file]!)).equals(weights)).toBe(true);
    const ranges = bodies().map(({ range }) => Number(/bytes=(\d+)-/.exec(range ?? 'bytes=0-')![1]));
    expect(ranges).toEqual([0, 60_000, 90_000, 91_000]);
  });

  it('keeps what arrived when it gives up, and goes on from there later', async () => {
    server.faults = [
      { match: /GET cdn/, times: 1 },
      { match: /GET cdn/, cutAfter: 70_000 },
      { match: /GET cdn/, times: 9, drop: true },
    ];
    const error = await failure(
      downloadFiles(repo, [file], { ...options, retry: { baseMs: 1, attempts: 2 } }),
    );
    expect(error.message).toMatch(/org\/model: .*tries/);
    expect(error.hint).toMatch(/what was fetched is kept/);
    expect(await incomplete()).toHaveLength(1);
    server.faults = [];
    server.takeLog();
    const { files } = await downloadFiles(repo, [file], options);
    expect(bodies().map(({ range }) => range)).toEqual(['bytes=70000-']);
    expect((await readFile(files[file]!)).equals(weights)).toBe(true);
    expect(await incomplete()).toEqual([]);
  });

  it('starts over at a server without ranges', async () => {
    server.faults = [
      { match: /GET cdn/, ignoreRange: true },
      { match: /GET cdn/, cutAfter: 50_000 },
      { match: /GET cdn/, ignoreRange: true },
    ];
    const { files } = await downloadFiles(repo, [file], options);
    expect((await readFile(files[file]!)).equals(weights)).toBe(true);
  });

  it('notices a body that ends early in good order', async () => {
    server.faults = [
      { match: /GET cdn/, times: 1 },
      { match: /GET cdn/, endAfter: 10 },
    ];
    const { files } = await downloadFiles(repo, [file], options);
    expect((await stat(files[file]!)).size).toBe(weights.length);
  });

  it('counts silence as a cut', async () => {
    server.faults = [
      { match: /GET cdn/, times: 1 },
      { match: /GET cdn/, stallMs: 5_000 },
    ];
    const start = performance.now();
    await downloadFiles(repo, [file], { ...options, timeoutMs: 200 });
    expect(performance.now() - start).toBeLessThan(4_000);
  });

  it('stops at once when aborted, and resumes afterwards', async () => {
    const controller = new AbortController();
    const onProgress = ({ bytes }: DownloadProgress) => bytes > 0 && controller.abort(new Error('enough'));
    await expect(
      downloadFiles(repo, [file], { ...options, onProgress, signal: controller.signal }),
    ).rejects.toThrow('enough');
    await downloadFiles(repo, [file], options);
  });
});

describe('a server in trouble', () => {
  it('tries again after 500 and 503', async () => {
    server.faults = [
      { match: /api/, status: 500, times: 2 },
      { match: /resolve/, status: 503, times: 3 },
    ];
    await downloadFiles(repo, [file], options);
    expect(server.takeLog().filter(({ line }) => line.includes('/api/'))).toHaveLength(3);
  });

  it('waits as long as a 429 asks', async () => {
    server.faults = [{ match: /api/, status: 429, headers: { 'retry-after': '1' } }];
    const start = performance.now();
    await downloadFiles(repo, [file], options);
    expect(performance.now() - start).toBeGreaterThan(950);
  });

  it('says so when a 429 asks for too long, or never ends', async () => {
    server.faults = [{ match: /api/, status: 429, headers: { 'retry-after': '3600' } }];
    const long = await failure(downloadFiles(repo, [file], options));
    expect(long).toMatchObject({
      status: 429,
      message: expect.stringMatching(/too many requests.*wait 3600 s/),
    });
    expect(long.hint).toMatch(/HF_TOKEN/);
    server.faults = [{ match: /api/, status: 429, times: 99 }];
    expect((await failure(downloadFiles(repo, [file], options))).message).toMatch(/429.*5 tries/);
  });

  it('fetches a file with a wrong checksum again, and gives up on the second', async () => {
    server.faults = [
      { match: /GET cdn/, times: 1 },
      { match: /GET cdn/, corrupt: true },
    ];
    const { files } = await downloadFiles(repo, [file], options);
    expect((await readFile(files[file]!)).equals(weights)).toBe(true);
    await rm(options.cacheDir!, { recursive: true });
    server.faults = [
      { match: /GET cdn/, times: 1 },
      { match: /GET cdn/, corrupt: true, times: 9 },
    ];
    const error = await failure(downloadFiles(repo, [file], options));
    expect(error.message).toMatch(
      /"model.bin2" arrived with a wrong checksum \([0-9a-f]{64}, expected [0-9a-f]{64}\)/,
    );
    const blobs = await readdir(join(options.cacheDir!, 'models--org--model', 'blobs'));
    expect(blobs.filter((name) => name.length !== 40)).toEqual([]); // the card and the licence only
    expect(await findCached(repo, [file], options)).toBeUndefined();
  });

  it('checks the git checksum of small files', async () => {
    server.faults = [
      { match: /GET hub .*config.json/, times: 1 },
      { match: /GET hub .*config.json/, corrupt: true, times: 9 },
    ];
    expect((await failure(downloadFiles(repo, ['config.json'], options))).message).toMatch(
      /"config.json".*checksum/,
    );
  });

  it('stops when the publisher replaces the file meanwhile', async () => {
    server.faults = [
      { match: /resolve.*model/, times: 1 },
      { match: /resolve.*model/, status: 200, headers: { 'x-linked-etag': '"other"' }, body: 'other' },
    ];
    expect((await failure(downloadFiles(repo, [file], options))).message).toMatch(
      /was changed at the publisher/,
    );
  });

  it('says so when something else answers in place of the hub', async () => {
    const page = {
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: '<html>please log in</html>',
    };
    server.faults = [{ match: /api/, ...page }];
    const error = await failure(downloadFiles(repo, [file], options));
    expect(error.message).toMatch(/does not answer as the hub does/);
    expect(error.hint).toMatch(/HF_ENDPOINT/);
    server.faults = [{ match: /resolve/, times: 9, ...page }];
    expect((await failure(downloadFiles(repo, [file], options))).message).toMatch(
      /does not answer as the hub does/,
    );
    server.faults = [{ match: /api/, status: 200, body: '{"sha":"../../x"}' }];
    expect((await failure(downloadFiles(repo, [file], options))).message).toMatch(
      /does not answer as the hub does/,
    );
  });

  it('gives up quickly where nobody listens', async () => {
    const gone = await new HubServer().start();
    const { endpoint } = gone;
    await gone.stop();
    const error = await failure(downloadFiles(repo, [file], { ...options, endpoint }));
    expect(error.message).toMatch(/ECONNREFUSED.*2 tries/);
    expect(error.hint).toMatch(/--offline/);
  });
});

describe('refusals', () => {
  it('tells a missing repository, revision and file apart', async () => {
    const noRepo = await failure(downloadFiles('org/nothing', [file], options));
    expect(noRepo).toMatchObject({
      status: 401,
      message: expect.stringMatching(/org\/nothing: no such repository, or a private/),
    });
    expect(noRepo.hint).toMatch(/set HF_TOKEN/);
    const noRevision = await failure(downloadFiles(repo, [file], { ...options, revision: 'v9' }));
    expect(noRevision).toMatchObject({ status: 404, message: expect.stringMatching(/has no revision "v9"/) });
    const noFile = await failure(downloadFiles(repo, ['configg.json'], options));
    expect(noFile).toMatchObject({
      status: 404,
      message: expect.stringMatching(/no file "configg.json".*nearest is "config.json"/),
    });
    server.publish('org/pickled', { 'pytorch_model.bin': weights });
    const pickled = await failure(downloadFiles('org/pickled', ['model.safetensors'], options));
    expect(pickled.hint).toMatch(/pickled weights only/);
  });

  it('says what a gated repository wants, and that a token was refused', async () => {
    server.token = 'hf_right';
    server.publish('org/gated', { [file]: weights }, { access: 'gated' });
    const gated = await failure(downloadFiles('org/gated', [file], options));
    expect(gated).toMatchObject({ status: 403, message: expect.stringMatching(/gated/) });
    expect(gated.hint).toMatch(/Accept the conditions at http.*org\/gated, then set HF_TOKEN/);
    const refused = await failure(downloadFiles('org/gated', [file], { ...options, token: 'hf_wrong' }));
    expect(refused).toMatchObject({ status: 401, message: expect.stringMatching(/token was refused/) });
    await downloadFiles('org/gated', [file], { ...options, token: 'hf_right' });
  });

  it('refuses names that could leave the cache', async () => {
    for (const name of ['../x', '/etc/passwd', 'a/../../b', 'C:\\x', 'a\\b', '', 'a//b']) {
      await expect(downloadFiles(repo, [name], options)).rejects.toThrow(UsageError);
    }
    for (const name of ['../x', 'a/b/c', 'a--b', '..', 'a/..', '']) {
      await expect(downloadFiles(name, [file], options)).rejects.toThrow(UsageError);
    }
    await expect(downloadFiles(repo, [file], { ...options, revision: '../../x' })).rejects.toThrow(
      UsageError,
    );
    expect(server.takeLog()).toEqual([]);
  });
});

describe('offline', () => {
  it('touches no network and says what is missing and how to get it', async () => {
    const error = await failure(downloadFiles(repo, [file], { ...options, offline: true }));
    expect(error.message).toMatch(/org\/model: nothing of it is in the cache \(offline/);
    expect(error.hint).toMatch(/afterimage models pull org\/model/);
    await downloadFiles(repo, ['config.json'], options);
    server.takeLog();
    process.env.HF_HUB_OFFLINE = '1';
    try {
      expect((await failure(downloadFiles(repo, [file, 'config.json'], options))).message).toMatch(
        /"model.bin2" is missing/,
      );
      expect(Object.keys((await downloadFiles(repo, ['config.json'], options)).files)).toContain('README.md');
    } finally {
      delete process.env.HF_HUB_OFFLINE;
    }
    expect(server.takeLog()).toEqual([]);
  });
});

describe('damage in the cache', () => {
  it('heals a short and a changed file', async () => {
    const { files } = await downloadFiles(repo, [file, 'config.json'], options);
    await writeFile(files[file]!, weights.subarray(0, 1000));
    await writeFile(files['config.json']!, '{"model_type":"cat"}');
    expect(await findCached(repo, [file, 'config.json'], options)).toBeUndefined();
    const offline = await failure(downloadFiles(repo, [file], { ...options, offline: true }));
    expect(offline.message).toMatch(/"model.bin2" is damaged: checksum is/);
    const healed = await downloadFiles(repo, [file, 'config.json'], options);
    expect((await readFile(healed.files[file]!)).equals(weights)).toBe(true);
    expect(await readFile(healed.files['config.json']!, 'utf8')).toBe(config);
  });

  it('heals a link without content', async () => {
    const { files } = await downloadFiles(repo, [file], options);
    await rm(join(options.cacheDir!, 'models--org--model', 'blobs'), { recursive: true });
    expect((await lstat(files[file]!)).isSymbolicLink()).toBe(true);
    const healed = await downloadFiles(repo, [file], options);
    expect((await readFile(healed.files[file]!)).equals(weights)).toBe(true);
  });

  it('knows short safetensors by their header, and a changed byte when verifying', async () => {
    const header = '{"a":{"dtype":"U8","shape":[5000],"data_offsets":[0,5000]}}';
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const bytes = Buffer.concat([length, Buffer.from(header), weights.subarray(0, 5000)]);
    server.publish(repo, { 'model.safetensors': bytes });
    const { files } = await downloadFiles(repo, ['model.safetensors'], options);
    const path = files['model.safetensors']!;
    await writeFile(path, bytes.subarray(0, 3000));
    expect((await verifyCached(repo, options))[0]!.problem).toMatch(/checksum/);
    expect(await findCached(repo, ['model.safetensors'], options)).toBeUndefined();
    await downloadFiles(repo, ['model.safetensors'], options);
    const flipped = Buffer.from(bytes);
    flipped[2000]! ^= 1;
    const { mtime } = await stat(path);
    await writeFile(path, flipped);
    await utimes(path, mtime, mtime);
    expect(
      (await verifyCached(repo, options)).map(({ name, problem }) => [name, problem !== undefined]),
    ).toEqual([['model.safetensors', true]]);
    await downloadFiles(repo, ['model.safetensors'], { ...options, verify: true });
    expect((await readFile(path)).equals(bytes)).toBe(true);
    expect((await verifyCached(repo, options))[0]!.problem).toBeUndefined();
  });
});

describe('listing and removing', () => {
  it('lists repositories, revisions, files and sizes', async () => {
    await downloadFiles(repo, [file, 'config.json'], options);
    server.publish('org/other', { 'sub/x.txt': 'x' });
    await downloadFiles('org/other', ['sub/x.txt'], options);
    const [first, second] = await listCached(options);
    expect(first).toMatchObject({ repo, size: weights.length + config.length + 6 + 4 });
    expect(first!.revisions).toHaveLength(1);
    expect(first!.revisions[0]).toMatchObject({
      refs: ['main'],
      commit: server.repos.get(repo)!.refs.get('main'),
    });
    expect(second!.revisions[0]!.files).toMatchObject([{ name: 'sub/x.txt', size: 1 }]);
    expect(await listCached({ cacheDir: join(root, 'absent') })).toEqual([]);
  });

  it('removes one repository and leaves the others', async () => {
    await downloadFiles(repo, [file], options);
    server.publish('org/other', { 'x.txt': 'x' });
    await downloadFiles('org/other', ['x.txt'], options);
    expect(await removeCached(repo, options)).toBeGreaterThan(weights.length);
    expect((await listCached(options)).map((cached) => cached.repo)).toEqual(['org/other']);
    expect((await failure(removeCached('org/othr', options))).message).toMatch(/nearest is org\/other/);
  });
});

describe('several at once', () => {
  it('fetches a file once for two calls', async () => {
    server.faults = [
      { match: /GET cdn/, times: 2 },
      { match: /GET cdn/, stallMs: 300 },
    ];
    await Promise.all([downloadFiles(repo, [file], options), downloadFiles(repo, [file], options)]);
    expect(bodies()).toHaveLength(1);
  });

  it('keeps the cache whole when processes race, one of which is killed', async () => {
    const module = new URL('../../dist/models/hub.js', import.meta.url).href;
    const call = `downloadFiles(${JSON.stringify(repo)}, [${JSON.stringify(file)}], ${JSON.stringify(options)})`;
    const script = `import { downloadFiles } from ${JSON.stringify(module)}; const r = await ${call}; console.log(r.revision);`;
    const start = () =>
      spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
    server.faults = [
      { match: /GET cdn/, times: 1 },
      { match: /GET cdn/, cutAfter: 40_000 },
      { match: /GET cdn/, stallMs: 60_000 },
    ];
    const killed = start();
    while (server.log.filter(({ line }) => line.startsWith('GET cdn')).length < 3)
      await new Promise((r) => setTimeout(r, 20));
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect(await incomplete()).toHaveLength(1);
    const others = [start(), start(), start()];
    const codes = await Promise.all(others.map(async (child) => (await once(child, 'exit'))[0]));
    expect(codes).toEqual([0, 0, 0]);
    const { files } = (await findCached(repo, [file], options))!;
    expect((await readFile(files[file]!)).equals(weights)).toBe(true);
    expect(await incomplete()).toEqual([]);
    expect(bodies().at(-1)!.range).toBe('bytes=40000-');
  });
});

describe('places', () => {
  it('follows huggingface_hub’s order', () => {
    const home = process.env.HOME!;
    expect(hubCacheFolder({})).toBe(`${home}/.cache/huggingface/hub`);
    expect(hubCacheFolder({ XDG_CACHE_HOME: '/x' })).toBe('/x/huggingface/hub');
    expect(hubCacheFolder({ XDG_CACHE_HOME: '/x', HF_HOME: '~/h' })).toBe(`${home}/h/hub`);
    expect(hubCacheFolder({ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old' })).toBe('/old');
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's braces are what is tested
    expect(hubCacheFolder({ HF_HUB_CACHE: '$B/${C}/$D', B: '/b', C: 'c', HF_HOME: '/h' })).toBe('/b/c/$D');
    expect(huggingFaceHome({ HF_HOME: '/h' })).toBe('/h');
    expect(cacheFolder({ AFTERIMAGE_CACHE: '/a', XDG_CACHE_HOME: '/x' })).toBe('/a');
    expect(cacheFolder({ XDG_CACHE_HOME: '/x' }, 'darwin')).toBe('/x/afterimage');
    expect(cacheFolder({}, 'linux')).toBe(`${home}/.cache/afterimage`);
    expect(cacheFolder({}, 'darwin')).toBe(`${home}/Library/Caches/afterimage`);
    expect(cacheFolder({ LOCALAPPDATA: '/l' }, 'win32')).toBe('/l/afterimage');
    expect([
      isOffline({ HF_HUB_OFFLINE: 'yes' }),
      isOffline({ TRANSFORMERS_OFFLINE: '1' }),
      isOffline({ HF_HUB_OFFLINE: '0' }),
    ]).toEqual([true, true, false]);
  });

  it('finds the token in the environment or the token file', async () => {
    const home = await mkdtemp(join(root, 'token-'));
    expect(hubToken({ HF_HOME: home })).toBeUndefined();
    await writeFile(join(home, 'token'), 'hf_file\n');
    expect(hubToken({ HF_HOME: home })).toBe('hf_file');
    expect(hubToken({ HF_HOME: home, HF_TOKEN: ' hf_env ' })).toBe('hf_env');
    expect(hubToken({ HF_HOME: home, HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' })).toBeUndefined();
  });
});

describe('the cache shared with Python', () => {
  const python = process.env.AFTERIMAGE_PYTHON ?? 'python3';
  const probe = spawnSync(python, ['-c', 'import huggingface_hub'], { stdio: 'ignore' });
  if (probe.status !== 0) {
    it.skip(`skipped: ${python} has no huggingface_hub (set AFTERIMAGE_PYTHON)`);
    return;
  }
  const run = async (code: string) => {
    const env = {
      ...process.env,
      HF_ENDPOINT: server.endpoint,
      HF_HUB_CACHE: options.cacheDir,
      HF_HUB_DISABLE_TELEMETRY: '1',
    };
    return (await promisify(execFile)(python, ['-c', code], { env })).stdout.trim();
  };

  it('Python finds what we downloaded', async () => {
    const { files, folder } = await downloadFiles(repo, [file, 'config.json'], options);
    server.takeLog();
    const out = await run(
      'from huggingface_hub import hf_hub_download, snapshot_download, scan_cache_dir\n' +
        `print(hf_hub_download("${repo}", "${file}", local_files_only=True))\n` +
        `print(snapshot_download("${repo}", local_files_only=True))\n` +
        `print(hf_hub_download("${repo}", "config.json"))\n` +
        'info = scan_cache_dir(); print(len(info.warnings), [r.repo_id for r in info.repos])',
    );
    expect(out.split('\n')).toEqual([files[file], folder, files['config.json'], `0 ['${repo}']`]);
    expect(bodies()).toEqual([]);
  });

  it('we find what Python downloaded, without network', async () => {
    const out = await run(
      `from huggingface_hub import hf_hub_download; print(hf_hub_download("${repo}", "${file}"))`,
    );
    server.takeLog();
    const { files } = await downloadFiles(repo, [file], { ...options, offline: true });
    expect(files[file]).toBe(out);
    expect((await verifyCached(repo, options)).map(({ problem }) => problem)).toEqual([undefined]);
    expect(server.takeLog()).toEqual([]);
    await mkdir(options.cacheDir!, { recursive: true });
  });
});
