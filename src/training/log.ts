/**
 * @file The log of a training run: JSON Lines, one line a step and one an epoch.
 *
 * Each line is one write, so a killed process can cut the last one short but spoil none before it. A run that goes on
 * from a checkpoint first cuts off what it will do again.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { readFailure, writeFailure } from '../embedding/formats/files.js';

/** One update. */
export interface StepRecord {
  type: 'step';
  /** Updates done, this one included. */
  step: number;
  /** From 1. */
  epoch: number;
  loss: number;
  lr: number;
  /** Euclidean norm of all gradients together, before clipping. */
  gradNorm: number;
  /** Since the run began, interruptions apart. */
  seconds: number;
}

/** One epoch, with what was measured on the images held out. */
export interface EpochLogRecord {
  type: 'epoch';
  step: number;
  epoch: number;
  /** Mean over the epoch's steps. */
  loss: number;
  /** By name; null for one that is no finite number. */
  metrics: Readonly<Record<string, number | null>>;
  /** Whether no epoch before was better. */
  best: boolean;
  seconds: number;
}

export type LogRecord = StepRecord | EpochLogRecord;

/** A log that is being written. */
export class TrainingLog {
  private constructor(
    private readonly file: string,
    private readonly handle: number,
  ) {}

  /**
   * Opens a log to go on with it.
   * @param step updates done so far; records of later ones are cut off. 0 begins anew.
   * @param epoch the epoch under way: a record of it would be written again. @default none
   * @throws FormatError when the file cannot be opened.
   */
  static open(file: string, step = 0, epoch = Infinity): TrainingLog {
    try {
      mkdirSync(path.dirname(file), { recursive: true });
      const kept = step > 0 ? keptBytes(file, step, epoch) : 0;
      const handle = openSync(file, 'a');
      ftruncateSync(handle, kept);
      return new TrainingLog(file, handle);
    } catch (error) {
      throw writeFailure(file, error);
    }
  }

  /** Appends a line. @throws FormatError when the disk is full. */
  write(record: LogRecord): void {
    const bytes = Buffer.from(`${JSON.stringify(record)}\n`);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.handle, bytes, done);
    } catch (error) {
      throw writeFailure(this.file, error);
    }
  }

  /** Flushes the log to the disk and closes it. */
  [Symbol.dispose](): void {
    fsyncSync(this.handle);
    closeSync(this.handle);
  }
}

/** The records of a log; a last line that was cut short is left out. @throws FormatError when it cannot be read. */
export function readLog(file: string): LogRecord[] {
  try {
    return lines(file).map(({ record }) => record);
  } catch (error) {
    throw readFailure(file, error);
  }
}

/** How much of the file is before the first record that is to be cut off. */
function keptBytes(file: string, step: number, epoch: number): number {
  if (!existsSync(file)) return 0;
  const all = lines(file);
  const cut = all.findIndex(
    ({ record }) => record.step > step || (record.type === 'epoch' && record.epoch >= epoch),
  );
  return (cut < 0 ? all.at(-1) : all[cut - 1])?.end ?? 0;
}

/** Whole lines up to the first that is not a record, and where each ends. */
function lines(file: string): { record: LogRecord; end: number }[] {
  const bytes = readFileSync(file);
  const found: { record: LogRecord; end: number }[] = [];
  for (let begin = 0; ; ) {
    const end = bytes.indexOf(10, begin) + 1;
    if (end === 0) return found;
    try {
      found.push({ record: JSON.parse(bytes.toString('utf8', begin, end)) as LogRecord, end });
    } catch {
      return found;
    }
    begin = end;
  }
}
