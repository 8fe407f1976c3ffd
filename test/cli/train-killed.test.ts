/** @file Training that ends too early: Ctrl-C in each phase, kill −9 at any moment, and what --resume makes of it. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, watch } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readLog } from '#src/training/log.js';
import { makeImages, seeded } from './images.js';
import { BIN, paste, type Running, run, scratch, start, until } from './run.js';

const { folder, remove } = scratch();
const file = (...parts: string[]) => path.join(folder, ...parts);
const at = { cwd: folder };
const STEPS = 6 * 6;

beforeAll(async () => {
  await makeImages(file('photos'), 26, 48, 48);
  // Large pictures of two classes, so that the check and the features take a while.
  const names = await makeImages(file('originals'), 4, 900, 700);
  for (let i = 0; i < 40; i++) {
    const label = i % 2 === 0 ? 'even' : 'odd';
    mkdirSync(file('large ones', label), { recursive: true });
    copyFileSync(file('originals', names[i % 4]!), file('large ones', label, `${i}.jpg`));
  }
});
afterAll(remove);

/** 24 images to train on, 6 epochs of 6 steps; a checkpoint of 3 MB after each. */
const command = (out: string) => [
  ...['train', 'autoencoder', 'photos', '--out', out, '--size', '32', '--latent', '64', '--channels', '8,16'],
  ...['--batch-size', '4', '--epochs', '6', '--validation', '0.05', '--checkpoint-seconds', '0'],
  ...['--threads', '1', '--workers', '1', '--quiet'],
];
const model = (out: string) => readFileSync(file(out, 'model.safetensors'));
const logged = (out: string) =>
  existsSync(file(out, 'training', 'log.jsonl')) ? readLog(file(out, 'training', 'log.jsonl')) : [];

it('kill −9 at any moment, also while a checkpoint is written: resumed to the end, the same bits', async () => {
  const undisturbed = run(command('whole'), at);
  const random = seeded(5);
  let kills = 0;
  let halfWritten = 0;
  for (let attempt = 0; attempt < 4; attempt++) {
    const resume = attempt > 0 && existsSync(file('killed', 'training', 'run.json'));
    const { child, ended } = start([...command('killed'), ...(resume ? ['--resume'] : [])], at);
    const before = logged('killed').length;
    let over = false;
    void ended.then(() => {
      over = true;
    });
    if (attempt === 0)
      await until(() => existsSync(file('killed', 'training', 'run.json'))); // in the check
    else {
      const least = before + 2 + Math.floor(6 * random());
      await until(() => over || logged('killed').length > least);
      if (attempt > 1) await whenWriting(file('killed', 'training'), () => over);
    }
    child.kill('SIGKILL');
    if ((await ended).signal === 'SIGKILL') kills++;
    if (readdirSync(file('killed', 'training')).some((name) => name.endsWith('.tmp'))) halfWritten++;
  }
  expect(kills).toBe(4);
  console.log(`${halfWritten} of ${kills} kills left a file half written`);
  const last = await run([...command('killed'), '--resume'], at);
  expect(last).toMatchObject({ code: 0, stderr: '' });
  expect((await undisturbed).code).toBe(0);
  expect(model('killed').equals(model('whole'))).toBe(true);
  for (const out of ['whole', 'killed']) {
    const steps = logged(out).filter(({ type }) => type === 'step');
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
    expect(logged(out).filter(({ type }) => type === 'epoch')).toHaveLength(6);
    expect(readdirSync(file(out, 'training')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  }
  const losses = (out: string) => logged(out).map(({ loss }) => loss);
  expect(losses('killed')).toEqual(losses('whole'));
});

/** Until a checkpoint begins to be written, or the process has ended. */
async function whenWriting(training: string, over: () => boolean): Promise<void> {
  const watcher = watch(training);
  let begun = false;
  watcher.on('change', (_, name) => {
    begun ||= String(name).endsWith('.tmp');
  });
  await until(() => begun || over());
  watcher.close();
}

it('Ctrl-C in each phase: the run says how to go on, and what it says works as it is pasted', async () => {
  const out = 'by hand';
  const training = (name: string) => file(out, 'training', name);
  const words = "train siamese 'large ones' -o 'by hand' --epochs 2000 --dimension 8 --threads 1 --workers 1";
  const stop = async ({ child, ended }: Running, signal: 'SIGINT' | 'SIGTERM', when: () => boolean) => {
    await until(when);
    child.kill(signal);
    const { code, stdout, stderr } = await ended;
    expect({ code, stdout }).toEqual({ code: signal === 'SIGINT' ? 130 : 143, stdout: '' });
    expect(stderr).toContain(`go on with:\n  node ${BIN} ${words} --resume\n`);
    expect(existsSync(file(out, 'config.json'))).toBe(false);
    return { stderr, line: stderr.trim().split('\n').at(-1)!.trim() };
  };
  const first = await stop(paste(`node ${BIN} ${words}`, at), 'SIGINT', () =>
    existsSync(training('run.json')),
  );
  expect(first.stderr).toContain('interrupted before the first step');
  const inFeatures = () => readdirSync(file(out, 'training')).some((name) => name.startsWith('features.npy'));
  const second = await stop(paste(first.line, at), 'SIGTERM', inFeatures);
  const third = await stop(paste(second.line, at), 'SIGINT', () => existsSync(training('best.safetensors')));
  expect(third.stderr).toMatch(/interrupted after step [\d,]+; go on/);
});
