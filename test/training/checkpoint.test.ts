/**
 * @file Checkpoints survive being killed, a full disk and tampering, and say what differs between two runs.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FormatError, UsageError } from '#src/errors.js';
import { openWeights } from '#src/models/index.js';
import { Random } from '#src/random.js';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from '#src/training/checkpoint.js';
import { configHash, requireSameConfig } from '#src/training/checkpoint-config.js';

const WRITER = path.join(import.meta.dirname, 'checkpoint-writer.mjs');
const MODULE = import.meta.resolve('#src/training/checkpoint.js');

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'checkpoint-'));
  file = path.join(folder, 'run', 'checkpoint.safetensors');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const example = (): Checkpoint => ({
  config: { seed: 3, optimizer: { name: 'adam', lr: 0.1 } },
  progress: { step: 7, lossSum: 0.1 + 0.2, history: [{ psnr: Infinity, nmi: Number.NaN }], best: -0.5 },
  tensors: new Map([
    ['b', Float32Array.of(1.5, -0, 1e-42, 3)],
    ['a.weight', Float32Array.of(Math.PI, 2)],
  ]),
  slots: new Map([['a.weight.exp_avg', Float32Array.of(4, 5)]]),
  stepCount: 7,
});

describe('a checkpoint', () => {
  it('comes back to the bit, numbers that JSON cannot say included', async () => {
    await writeCheckpoint(file, example());
    const { tensors, slots, ...rest } = await readCheckpoint(file);
    expect(new Map([...tensors].sort())).toEqual(new Map([...example().tensors].sort()));
    expect(slots).toEqual(example().slots);
    const { config, progress, stepCount } = example();
    expect(rest).toEqual({ config, progress, stepCount });
    expect([...(await openWeights(file)).tensors.keys()].sort()).toEqual([
      'a.weight',
      'b',
      'optimizer:a.weight.exp_avg',
    ]);
  });

  it('needs no slots', async () => {
    await writeCheckpoint(file, { config: {}, progress: {}, tensors: example().tensors });
    expect(await readCheckpoint(file)).toMatchObject({ slots: new Map(), stepCount: 0 });
  });

  it('tells one that is not there from one that is damaged', async () => {
    await expect(readCheckpoint(file)).rejects.toThrow(UsageError);
    await expect(readCheckpoint(file)).rejects.toThrow(/there is no checkpoint to go on from/);
    await writeCheckpoint(file, example());
    const good = await readFile(file);
    const random = new Random(1, 'damage');
    for (let i = 0; i < 60; i++) {
      const bad = Buffer.from(good);
      const at = random.integer(bad.length);
      bad[at] = bad[at]! ^ (1 << random.integer(8));
      await writeFile(file, bad);
      const error = await readCheckpoint(file).then(
        () => `byte ${at} of ${good.length} changed unseen`,
        (e) => e,
      );
      expect(error).toBeInstanceOf(FormatError);
      expect(error.message).toMatch(/this is not a checkpoint that can be used/);
    }
    for (const size of [0, 7, 100, good.length - 1]) {
      await writeFile(file, good);
      await truncate(file, size);
      await expect(readCheckpoint(file)).rejects.toThrow(FormatError);
    }
    const edited = good.toString('latin1').replace('"lr\\":0.1', '"lr\\":0.2');
    await writeFile(file, edited, 'latin1');
    await expect(readCheckpoint(file)).rejects.toThrow(/does not have the checksum written in it/);
  });

  it('survives kill -9 at any moment', async () => {
    const random = new Random(2, 'kill');
    let last = 0;
    for (let i = 0; i < 8; i++) {
      const child = spawn(process.execPath, [WRITER, MODULE, file, '300000']);
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, random.uniform(0, 60)));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const { progress, tensors, slots, stepCount } = await readCheckpoint(file);
      const { n } = progress as { n: number };
      expect(stepCount).toBe(n);
      for (const numbers of [tensors.get('w')!, slots.get('w.exp_avg')!])
        expect(numbers.length === 300000 && numbers.every((x) => x === n)).toBe(true);
      last = Math.max(last, n);
    }
    expect(last).toBeGreaterThan(1);
    await writeCheckpoint(file, example());
    expect(await readdir(path.dirname(file))).toEqual(['checkpoint.safetensors']);
  });

  it.skipIf(process.platform === 'win32')(
    'keeps the last one when the file may not be so large',
    async () => {
      await writeCheckpoint(file, example());
      const { status, stdout } = spawnSync(
        'sh',
        [
          '-c',
          `trap '' XFSZ; ulimit -f 200; exec "$@"`,
          'sh',
          process.execPath,
          WRITER,
          MODULE,
          file,
          '300000',
        ],
        { encoding: 'utf8' },
      );
      expect(status).toBe(3);
      expect(JSON.parse(stdout)).toMatchObject({
        name: 'FormatError',
        message: expect.stringMatching(/cannot be written/),
      });
      expect((await readCheckpoint(file)).stepCount).toBe(7);
      expect(await readdir(path.dirname(file))).toEqual(['checkpoint.safetensors']);
    },
  );

  it('keeps the last one when the disk is full', async ({ skip }) => {
    const disk = path.join(folder, 'disk');
    try {
      execFileSync('mkdir', [disk]);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'pipe' });
    } catch {
      console.log('skipped: a small disk cannot be mounted here');
      return skip();
    }
    try {
      const full = path.join(disk, 'checkpoint.safetensors');
      // 0.7 MB each: the second does not fit beside the first.
      const { status, stdout } = spawnSync(process.execPath, [WRITER, MODULE, full, '90000'], {
        encoding: 'utf8',
      });
      expect(status).toBe(3);
      expect(JSON.parse(stdout.split('\n')[1]!)).toMatchObject({
        name: 'FormatError',
        message: expect.stringMatching(/the disk is full/),
        hint: expect.stringMatching(/free some space and resume/),
      });
      expect(await readCheckpoint(full)).toMatchObject({ stepCount: 1, progress: { n: 1 } });
      expect(await readdir(disk)).toEqual(['checkpoint.safetensors']);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});

describe('configurations', () => {
  const saved = { kind: 'siamese', batchSize: 32, optimizer: { name: 'adam', lr: 0.1 }, channels: [16, 32] };

  it('are the same whatever the order of their keys, and whatever is undefined', () => {
    const same = {
      channels: [16, 32],
      optimizer: { lr: 0.1, name: 'adam' },
      kind: 'siamese',
      batchSize: 32,
      seed: undefined,
    };
    expect(configHash(same)).toBe(configHash(saved));
    expect(() => requireSameConfig(saved, same, 'x')).not.toThrow();
    expect(configHash({ ...saved, channels: [32, 16] })).not.toBe(configHash(saved));
  });

  it('differ by options that are named, with both values', () => {
    const now = {
      ...saved,
      batchSize: 64,
      optimizer: { name: 'sgd', lr: 0.1, momentum: 0.9 },
      channels: [16],
    };
    expect(() => requireSameConfig(saved, now, 'run/checkpoint.safetensors')).toThrow(
      expect.objectContaining({
        name: 'UsageError',
        message:
          'run/checkpoint.safetensors: the run was begun with other options: ' +
          'batchSize (32 then, 64 now), channels ([16,32] then, [16] now), ' +
          'optimizer.momentum (not set then, 0.9 now), optimizer.name ("adam" then, "sgd" now)',
      }),
    );
  });
});
