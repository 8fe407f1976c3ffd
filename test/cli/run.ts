/** @file Runs the built program in a process of its own, as a user does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The program. */
export const BIN = path.join(import.meta.dirname, '..', '..', 'dist', 'cli', 'bin.js');

/** What a process did. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A process under way. */
export interface Running {
  child: ChildProcess;
  ended: Promise<Ended>;
}

export interface RunOptions {
  /** The program to run. @default this package's */
  bin?: string;
  cwd?: string;
  env?: Record<string, string>;
  /** What standard input holds; null leaves it open and empty. @default nothing */
  stdin?: string | null;
}

/** Starts `afterimage` with these words. Its caches are in `cwd`, so that it finds nothing of this machine's user. */
export function start(args: readonly string[], options: RunOptions = {}): Running {
  return startProgram(process.execPath, [options.bin ?? BIN, ...args], options);
}

/** Starts a command line that the program printed, as if it were pasted into a shell. */
export function paste(line: string, options: RunOptions = {}): Running {
  return startProgram('sh', ['-c', `exec ${line}`], options);
}

function startProgram(program: string, args: readonly string[], options: RunOptions): Running {
  const cwd = options.cwd ?? process.cwd();
  const child = spawn(program, args, {
    cwd,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: cwd,
      HF_HOME: path.join(cwd, '.hf'),
      AFTERIMAGE_CACHE: path.join(cwd, '.cache'),
      HF_HUB_OFFLINE: '1',
      ...options.env,
    },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => undefined); // a program that does not read its input
  if (options.stdin !== null) child.stdin.end(options.stdin ?? '');
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

/** Runs `afterimage` to its end. */
export function run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return start(args, options).ended;
}

/** Waits until `what` is true, asking every few milliseconds; fails after 20 s. */
export async function until(what: () => boolean): Promise<void> {
  const limit = Date.now() + 20_000;
  while (!what()) {
    if (Date.now() > limit) throw new Error('waited for 20 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A folder for one test file, and its removal. */
export function scratch(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'afterimage-cli-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
