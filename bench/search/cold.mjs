// Whole processes on a collection of 10,000 pictures: indexing them, indexing them again unchanged, a cold text query.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { here, median, rounds, scratch } from '../lib.mjs';

const cli = path.join(here, '..', 'dist', 'cli', 'bin.js');
const hasTime = spawnSync('time', ['-f', '%M', 'true']).status === 0;
const pictures = Number(process.env.BENCH_PICTURES ?? 10_000);

/** Seconds and, where there is `time`, peak memory in MiB of a command. */
function measure(args) {
  const options = { encoding: 'utf8', maxBuffer: 1 << 28 };
  const command = [process.execPath, cli, ...args];
  const start = performance.now();
  const run = hasTime
    ? spawnSync('time', ['-f', '%M', ...command], options)
    : spawnSync(command[0], command.slice(1), options);
  const seconds = (performance.now() - start) / 1000;
  if (run.status !== 0) throw new Error(`afterimage ${args.join(' ')}: ${run.status}\n${run.stderr}`);
  return { seconds, peak: hasTime ? Number(run.stderr.trim().split('\n').at(-1)) / 1024 : undefined };
}

/** A folder of distinct real pictures from the archives of Tiny ImageNet. */
function folder(data) {
  const place = path.join(scratch, `pictures-${pictures}`);
  if (existsSync(place)) return place;
  mkdirSync(place, { recursive: true });
  const archives = readdirSync(path.join(data, 'tiny_imagenet')).filter((f) => f.endsWith('.tar'));
  const names = [];
  for (const archive of archives.sort()) {
    const file = path.join(data, 'tiny_imagenet', archive);
    const members = execFileSync('tar', ['-tf', file], { encoding: 'utf8', maxBuffer: 1 << 26 })
      .split('\n')
      .filter((name) => name.endsWith('.webp'))
      .slice(0, pictures - names.length);
    names.push(...members);
    execFileSync('tar', ['-xf', file, '-C', place, '-T', '-'], { input: members.join('\n') });
    if (names.length >= pictures) break;
  }
  return place;
}

export async function cold({ data, log }) {
  if (!existsSync(path.join(data, 'tiny_imagenet'))) return { skipped: `no ${data}/tiny_imagenet` };
  const place = folder(data);
  const collection = path.join(scratch, 'cold-collection');
  const index = ['index', place, '--collection', collection, '--quiet'];
  log(`indexing ${pictures} pictures …`);
  const first = measure(index);
  const again = Array.from({ length: rounds }, () => measure(index));
  const search = ['search', 'a dog on a beach', '--no-indexing', '--collection', collection];
  measure(search);
  const queries = Array.from({ length: rounds }, () => measure(search));
  const row = (what, runs, asked) => [
    what,
    median(runs.map((r) => r.seconds)).toFixed(2),
    runs[0].peak === undefined ? '' : median(runs.map((r) => r.peak)).toFixed(0),
    asked,
  ];
  return {
    head: ['whole process', 's', 'peak RSS, MiB', 'asked, s'],
    rows: [
      row(
        `index ${pictures} new pictures of 64 × 64 (${(pictures / first.seconds).toFixed(0)}/s)`,
        [first],
        '',
      ),
      row(`index the same ${pictures}, unchanged`, again, '≤ 2'),
      row('search "a dog on a beach" --no-indexing', queries, '≤ 1'),
    ],
    note: `Tiny ImageNet's pictures, the bundled mini-clip, whole processes from start to exit; median of ${rounds} (the first row once).`,
  };
}
