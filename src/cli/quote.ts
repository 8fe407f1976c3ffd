/** @file Command lines that can be pasted back into a shell. */

/** One word as the platform's shell wants it. */
export function quote(word: string, platform: NodeJS.Platform = process.platform): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (platform === 'win32') return `"${word.replaceAll('"', '\\"')}"`;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The command that continues an `embed` run: the same words, with `--resume` before any `--`. */
export function resumeCommand(argv: readonly string[]): string {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const given = argv.slice(0, end).filter((word) => word !== '--overwrite' && word !== '--resume');
  return ['afterimage', 'embed', ...given, '--resume', ...argv.slice(end)].map((w) => quote(w)).join(' ');
}
