/**
 * @file The training log: what is cut off when a run goes on, and that torn lines do no harm.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type EpochLogRecord, readLog, type StepRecord, TrainingLog } from '#src/training/log.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'log-'));
  file = path.join(folder, 'run', 'log.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const step = (n: number): StepRecord => ({
  type: 'step',
  step: n,
  epoch: Math.ceil(n / 2),
  loss: 1 / n,
  lr: 0.1,
  gradNorm: 1,
  seconds: n,
});
const epoch = (n: number): EpochLogRecord => ({
  type: 'epoch',
  step: 2 * n,
  epoch: n,
  loss: 1 / n,
  metrics: { 'map@r': 0.5, psnr: null },
  best: true,
  seconds: 2 * n,
});

function write(...args: Parameters<typeof TrainingLog.open>): TrainingLog {
  return TrainingLog.open(...args);
}
const records = [step(1), step(2), epoch(1), step(3), step(4), epoch(2), step(5)];
function fill(): void {
  const log = write(file);
  for (const record of records) log.write(record);
  log[Symbol.dispose]();
}

it('has one line a record', () => {
  fill();
  expect(readLog(file)).toEqual(records);
  expect(readFileSync(file, 'utf8').split('\n').length).toBe(records.length + 1);
});

it.each([
  ['within an epoch', 3, 2, 4],
  ['after an epoch was checkpointed', 4, 3, 6],
  ['before the last epoch was checkpointed', 4, 2, 5],
  ['where nothing was done since', 5, 3, 7],
])('goes on %s', (_, done, underWay, kept) => {
  fill();
  const log = write(file, done, underWay);
  log.write(step(done + 1));
  log[Symbol.dispose]();
  expect(readLog(file)).toEqual([...records.slice(0, kept), step(done + 1)]);
});

it('begins anew for a new run', () => {
  fill();
  write(file)[Symbol.dispose]();
  expect(readLog(file)).toEqual([]);
});

it('drops a line that was cut short', () => {
  fill();
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, -20));
  expect(readLog(file)).toEqual(records.slice(0, -1));
  const log = write(file, 5, 3);
  log.write(step(6));
  log[Symbol.dispose]();
  expect(readLog(file)).toEqual([...records.slice(0, -1), step(6)]);
});

it('says that a log is missing, or that its place cannot be written', () => {
  expect(() => readLog(file)).toThrow(/log.jsonl: cannot be read: no such file/);
  writeFileSync(path.join(folder, 'run'), '');
  expect(() => write(file)).toThrow(/cannot be written: a part of the path is a file/);
});
