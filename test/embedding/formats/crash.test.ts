import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type OutputFormat, readEmbeddings } from '#src/embedding/formats/index.js';
import { identityOf, inFolder, random32 } from './helpers.js';

const TOTAL = 400;
const identity = identityOf(64);
const child = path.join(import.meta.dirname, 'append-until-killed.mjs');

/** Runs the child and kills it with SIGKILL after so many lines and milliseconds, unless it is done before. */
function runAndKill(output: string, format: string, lines: number, delay: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const running = spawn(
      process.execPath,
      [child, output, format, JSON.stringify(identity), String(TOTAL)],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let text = '';
    let complaint = '';
    let timer: NodeJS.Timeout | undefined;
    running.stdout.on('data', (chunk) => {
      text += chunk;
      if (text.split('\n').length > lines) timer ??= setTimeout(() => running.kill('SIGKILL'), delay);
    });
    running.stderr.on('data', (chunk) => (complaint += chunk));
    running.on('error', reject);
    running.on('close', (code, signal) => {
      clearTimeout(timer);
      // A line that was cut off was written but not by a whole acknowledgement.
      if (code === 0 || signal === 'SIGKILL')
        resolve(
          text
            .slice(0, text.lastIndexOf('\n') + 1)
            .split('\n')
            .slice(0, -1),
        );
      else reject(new Error(`exit ${code}: ${complaint}`));
    });
  });
}

describe.skipIf(process.platform === 'win32')('kill -9', () => {
  it.each<[OutputFormat, string, number]>([
    ['npy', 'v.npy', 1],
    ['parquet', 'v.parquet', 2],
    ['jsonl', 'v.jsonl', 3],
    ['csv', 'v.csv', 4],
    ['clip-retrieval', 'v', 5],
  ])('loses and repeats nothing in %s', (format, name, seed) =>
    inFolder(async (folder) => {
      const output = path.join(folder, name);
      const next = random32(seed);
      const acknowledged = new Set<string>();
      let said: string[] = [];
      // Three kills while appending, some while the file is being made, then as long as it takes.
      const kills = [next() % 100, next() % 100, next() % 100, TOTAL + 1, TOTAL + 1];
      for (const [i, lines] of kills.entries()) {
        said = await runAndKill(output, format, i < 3 ? lines : 0, i < 3 ? next() % 5 : 20 + (next() % 60));
        for (const line of said) if (line.startsWith('row')) acknowledged.add(line);
      }
      if (said.at(-1) !== 'closed') said = await runAndKill(output, format, Number.POSITIVE_INFINITY, 0);
      expect(said.at(-1)).toBe('closed');
      const { ids, vectors, dimension } = await readEmbeddings(output);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids).toEqual(Array.from({ length: TOTAL }, (_, i) => `row ${i}`));
      for (const id of acknowledged) expect(ids).toContain(id);
      expect(
        ids.every((_, i) => vectors[i * dimension] === i / 8 && vectors[i * dimension + 63] === i / 8),
      ).toBe(true);
    }),
  );
});

describe.skipIf(process.platform === 'win32')('a disk that refuses', () => {
  it.each<[OutputFormat, string]>([
    ['npy', 'v.npy'],
    ['jsonl', 'v.jsonl'],
  ])('keeps what was acknowledged in %s, says where, and lets a later run finish', (format, name) =>
    inFolder(async (folder) => {
      const output = path.join(folder, name);
      // A limit on the size of files stands for a full disk: the same calls fail, with EFBIG for ENOSPC.
      const command = ['sh', '-c', 'trap "" XFSZ; ulimit -f "$0"; exec "$@"'];
      const args = [process.execPath, child, output, format, JSON.stringify(identity), String(TOTAL)];
      const { status, stderr, stdout } = spawnSync(command[0]!, [...command.slice(1), '100', ...args], {
        encoding: 'utf8',
      });
      expect(status).toBe(1);
      expect(stderr).toContain(
        `${output}.partial: cannot be written: the file system does not allow files of this size`,
      );
      const acknowledged = stdout.split('\n').filter((line) => line.startsWith('row'));
      expect(acknowledged.length).toBeGreaterThan(50);
      const kept = (await readEmbeddings(`${output}.partial`)).ids;
      expect(kept.slice(0, acknowledged.length)).toEqual(acknowledged);

      expect(spawnSync(args[0]!, args.slice(1), { encoding: 'utf8' }).stdout).toMatch(/closed\n$/);
      expect((await readEmbeddings(output)).ids).toEqual(Array.from({ length: TOTAL }, (_, i) => `row ${i}`));
    }),
  );
});
