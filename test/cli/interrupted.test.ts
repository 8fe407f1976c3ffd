/** @file Runs that end too early: Ctrl-C, kill −9 at any moment, and what `--resume` makes of them. */
import { copyFileSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Embeddings, readEmbeddings } from '#src/embedding/index.js';
import { makeImages, makeModel, seeded } from './images.js';
import { BIN, run, scratch, start, until } from './run.js';

const N = 160;
const { folder, remove } = scratch();
const file = (...parts: string[]) => path.join(folder, ...parts);
const at = { cwd: folder };
const ids: string[] = [];
let undisturbed: Embeddings;

beforeAll(async () => {
  makeModel(file('net'), 'cnn/resnet-basic', 64);
  const names = await makeImages(file('originals'), 12, 900, 700);
  mkdirSync(file('my photos'));
  for (let i = 0; i < N; i++) {
    const id = `my photos/${String(i).padStart(3, '0')}.jpg`;
    copyFileSync(file('originals', names[i % names.length]!), file(id));
    ids.push(id);
  }
  await run(command('undisturbed.npy'), at);
  undisturbed = await readEmbeddings(file('undisturbed.npy'));
});
afterAll(remove);

const command = (out: string) => ['embed', 'my photos', '--model', 'net', '--batch-size', '4', '--out', out];
/** Whether rows have been written for a run into `out`. */
const underWay = (out: string) =>
  existsSync(file(`${out}.partial`)) && statSync(file(`${out}.partial`)).size > 3000;

function expectComplete(found: Embeddings): void {
  expect(found.ids).toEqual(ids);
  let largest = 0;
  for (const [i, x] of undisturbed.vectors.entries())
    largest = Math.max(largest, Math.abs(x - found.vectors[i]!));
  expect(largest).toBeLessThan(1e-6);
}

it.each(['SIGINT', 'SIGTERM'] as const)(
  '%s writes the batch in hand and says how to resume',
  async (signal) => {
    const out = `${signal}.parquet`;
    const { child, ended } = start(command(out), at);
    await until(() => underWay(out));
    child.kill(signal);
    const { code, stderr, stdout } = await ended;
    expect(code).toBe(signal === 'SIGINT' ? 130 : 143);
    expect(stderr).toContain(
      `Go on with:\n  node ${BIN} embed 'my photos' --model net --batch-size 4 --out ${out} --resume`,
    );
    const done = Number(/: (\d+) vectors/.exec(stdout)![1]);
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(N);
    expect(existsSync(file(out))).toBe(false);

    const again = await run(command(out), at); // without --resume: the unfinished run is not thrown away
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('--resume') });

    const second = await run([...command(out), '--resume', '--json'], at);
    expect(second.code).toBe(0);
    expect(JSON.parse(second.stdout)).toMatchObject({ embedded: N - done, skipped: done, failed: 0 });
    expectComplete(await readEmbeddings(file(out)));
  },
);

it('a second Ctrl-C ends the program at once, and nothing that was written is lost', async () => {
  const { child, ended } = start(command('twice.npy'), at);
  await until(() => underWay('twice.npy'));
  child.kill('SIGINT');
  await new Promise((resolve) => child.stderr!.once('data', resolve)); // it has seen the first
  child.kill('SIGINT');
  const { code, signal } = await ended;
  expect(signal === 'SIGINT' || code === 130).toBe(true);
  expect((await run([...command('twice.npy'), '--resume'], at)).code).toBe(0);
  expectComplete(await readEmbeddings(file('twice.npy')));
});

it('Ctrl-C ends a run that waits for its list', async () => {
  const { child, ended } = start(['embed', '-', '--model', 'net', '--batch-size', '1'], {
    ...at,
    stdin: null,
  });
  child.stdin!.write('my photos/000.jpg\nmy photos/001.jpg\nmy photos/002.jpg\n');
  await sleep(1500);
  child.kill('SIGINT');
  expect((await ended).code).toBe(130);
});

it('Ctrl-C ends a download', async () => {
  let asked = false;
  const hub = createServer(() => {
    asked = true; // and no answer
  });
  await new Promise<void>((resolve) => hub.listen(0, '127.0.0.1', resolve));
  const { port } = hub.address() as AddressInfo;
  const env = { HF_HUB_OFFLINE: '', HF_ENDPOINT: `http://127.0.0.1:${port}` };
  const { child, ended } = start(['embed', 'my photos', '--model', 'resnet18'], { ...at, env });
  await until(() => asked);
  child.kill('SIGINT');
  const { code, stdout, stderr } = await ended;
  hub.closeAllConnections();
  hub.close();
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
  expect(stderr).toContain('before anything was embedded');
});

it('kill −9 at random moments: resumed to the end, no item is lost or repeated', async () => {
  const out = 'killed.jsonl';
  const random = seeded(20);
  const size = () => (existsSync(file(`${out}.partial`)) ? statSync(file(`${out}.partial`)).size : 0);
  let kills = 0;
  for (let attempt = 0; ; attempt++) {
    const { child, ended } = start([...command(out), ...(attempt > 0 ? ['--resume'] : [])], at);
    let over = false;
    void ended.then(() => {
      over = true;
    });
    if (attempt % 4 === 3)
      await sleep(600 * random()); // while it starts and reads what is there
    else {
      const least = size() + 12_000 * random(); // some rows further
      await until(() => over || size() > least);
      await sleep(40 * random());
    }
    child.kill('SIGKILL');
    const { code, signal, stderr } = await ended;
    if (signal !== 'SIGKILL') {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      break;
    }
    kills++;
    expect(attempt).toBeLessThan(40);
  }
  expect(kills).toBeGreaterThan(2);
  expectComplete(await readEmbeddings(file(out)));
});
