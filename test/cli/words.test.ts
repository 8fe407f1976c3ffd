/** @file Help, and what becomes of words that do not fit. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BIN, run, scratch } from './run.js';

const { folder, remove } = scratch();
afterAll(remove);
const at = { cwd: folder };

const COMMANDS = [
  ['embed'],
  ['index'],
  ['search'],
  ['similar'],
  ['label'],
  ['caption'],
  ['info'],
  ['export'],
  ['import'],
  ['models', 'list'],
  ['models', 'info'],
  ['models', 'pull'],
  ['models', 'verify'],
  ['models', 'remove'],
  ['precision'],
  ['doctor'],
  ['demo'],
];

describe('help', () => {
  it.each(COMMANDS.map((words) => [words]))(
    'of %j: on stdout, at most 80 columns, with an example',
    async (words) => {
      const { code, stdout, stderr } = await run([...words, '--help'], at);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const lines = stdout.split('\n');
      expect(lines.filter((line) => [...line].length > 80)).toEqual([]);
      expect(stdout).toContain(`usage: afterimage ${words.join(' ')}`);
      expect(stdout).toMatch(/examples:\n {2}\S/);
      expect(stdout).not.toContain('\x1b');
      expect((await run(['help', ...words], at)).stdout).toBe(stdout);
    },
  );

  it('lists the commands', async () => {
    const { code, stdout } = await run(['--help'], at);
    expect(code).toBe(0);
    for (const [word] of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${word} `, 'm'));
    expect(await run([], at)).toMatchObject({ code: 2, stdout });
  });

  it('costs less than 100 ms of CPU beyond what Node takes', () => {
    const report = 'process.on("exit", () => process.stderr.write(JSON.stringify(process.cpuUsage())))';
    const cpu = (...args: string[]): number => {
      const all = Array.from({ length: 5 }, () => {
        const { stderr } = spawnSync(process.execPath, [
          '--import',
          `data:text/javascript,${report}`,
          ...args,
        ]);
        const { user, system } = JSON.parse(stderr.toString()) as NodeJS.CpuUsage;
        return (user + system) / 1000;
      });
      return Math.min(...all);
    };
    expect(cpu(BIN, '--help') - cpu('-e', '0')).toBeLessThan(100);
  });

  it('prints the version of the package', async () => {
    const file = path.join(import.meta.dirname, '..', '..', 'package.json');
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    expect(await run(['--version'], at)).toMatchObject({ code: 0, stdout: `${version}\n` });
  });
});

describe('mistakes end with exit code 2 and name the nearest', () => {
  it.each([
    [['embd', 'x.jpg'], /unknown command "embd"[\s\S]*did you mean "afterimage embed"/],
    [['models', 'lits'], /unknown command "models lits"[\s\S]*did you mean "afterimage models list"/],
    [['--versoin'], /unknown option "--versoin"/],
    [['embed', 'x.jpg', '--modle', 'y'], /unknown option --modle[\s\S]*did you mean --model/],
    [['embed', 'x.jpg', '--batchsize=4'], /unknown option --batchsize[\s\S]*did you mean --batch-size/],
    [['embed', 'x.jpg', '-z'], /unknown option -z/],
    [
      ['embed', 'x.jpg', '--dtype', 'fp61'],
      /--dtype: expected one of fp32, fp16, int8[\s\S]*did you mean fp16/,
    ],
    [
      ['embed', 'x.jpg', '--threads', '0'],
      /--threads: expected a whole number of at least 1 but received "0"/,
    ],
    [['embed', 'x.jpg', '--threads', '2.5'], /received "2.5"/],
    [['embed', 'x.jpg', '--out'], /--out: expected FILE but received nothing/],
    [['embed', 'x.jpg', '--out', '--json'], /--out: expected FILE but received nothing/],
    [['embed', 'x.jpg', '--strict=yes'], /--strict takes no value but received "yes"/],
    [['embed'], /nothing to embed/],
    [['embed', '-', '--texts', '-'], /standard input/],
    [['embed', 'x.jpg', '--resume'], /--resume needs --out/],
    [['embed', 'x.jpg', '--format', 'csv'], /--format csv needs --out/],
    [['embed', 'x.jpg', '--out', 'vectors.parqet'], /does not say the format/],
    [['embed', 'x.jpg', '--out', 'v.npy', '--resume', '--overwrite'], /exclude each other/],
    [['doctor', 'now'], /"now" is one argument too many/],
    [['precision'], /something is missing/],
  ])('%j', async (words, message) => {
    const { code, stdout, stderr } = await run(words, at);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('    at '); // no stack
  });

  it('takes words after -- as files', async () => {
    const { stderr } = await run(['embed', '--out', 'vectors.parqet', '--', '--modle'], at);
    expect(stderr).toContain('does not say the format');
  });
});
