/** @file Command lines that can be pasted back into a shell. */
import path from 'node:path';

/** One word as the platform's shell wants it. */
export function quote(word: string, platform: NodeJS.Platform = process.platform): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (platform === 'win32') return `"${word.replaceAll('"', '\\"')}"`;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** How this program was called: `afterimage` where it is installed, `npx afterimage`, or `node` with its path. */
export function programName(
  script: string = process.argv[1] ?? '',
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  if (env.npm_command === 'exec') return 'npx afterimage';
  const installed =
    path.parse(script).name === 'afterimage' || /node_modules[\\/]afterimage[\\/]/.test(script);
  if (installed) return 'afterimage';
  const relative = path.relative('', script);
  return `node ${quote(relative.startsWith('..') ? script : relative)}`;
}

/** The command that continues a run of `command`: the same words, with `--resume` before any `--`. */
export function resumeCommand(command: string, argv: readonly string[], program = programName()): string {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const given = argv.slice(0, end).filter((word) => word !== '--overwrite' && word !== '--resume');
  return [
    program,
    ...[...command.split(' '), ...given, '--resume', ...argv.slice(end)].map((w) => quote(w)),
  ].join(' ');
}
