// Cold start: CPU seconds of `afterimage embed one.jpg` with the bundled model, as a whole process.
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { here, median, photographs, rounds } from './lib.mjs';

export const title = 'Cold start';

/** CPU and wall seconds of a command that has ended, children's threads included. */
function measure(args) {
  const code = `
    const { spawnSync } = require('node:child_process');
    const t = process.hrtime.bigint();
    const r = spawnSync(process.execPath, ${JSON.stringify(args)}, { stdio: ['ignore', 'ignore', 'inherit'] });
    const wall = Number(process.hrtime.bigint() - t) / 1e9;
    console.log(JSON.stringify({ status: r.status, wall }));`;
  const before = childSeconds();
  const { status, wall } = JSON.parse(execFileSync(process.execPath, ['-e', code], { encoding: 'utf8' }));
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`);
  return { cpu: childSeconds() - before, wall };
}

/** CPU seconds of all ended children of this process, from /proc on Linux. */
function childSeconds() {
  const stat = spawnSync('cat', [`/proc/${process.pid}/stat`], { encoding: 'utf8' }).stdout;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

export async function run() {
  if (process.platform !== 'linux') return { skipped: 'reads CPU time from /proc, on Linux only' };
  const [file] = await photographs(640, 480, 1);
  const cli = path.join(here, '..', 'dist', 'cli', 'bin.js');
  const commands = { 'afterimage embed one.jpg': [cli, 'embed', file], 'node, doing nothing': ['-e', '0'] };
  const rows = Object.entries(commands).map(([name, args]) => {
    measure(args);
    const runs = Array.from({ length: rounds }, () => measure(args));
    return [name, median(runs.map((r) => r.cpu)).toFixed(2), median(runs.map((r) => r.wall)).toFixed(2)];
  });
  return {
    head: ['command', 'CPU, s', 'wall, s'],
    rows,
    note: `Median of ${rounds}; CPU of the process and a starter of the size of "node, doing nothing".`,
  };
}
