// npm run bench [-- SECTION…]: runs the benchmarks, prints their tables and writes them to bench/RESULTS.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { here, table } from './lib.mjs';

const SECTIONS = [
  'decode',
  'images',
  'network',
  'memory',
  'start',
  'train',
  'learn',
  'bundled',
  'search',
  'analysis',
];
const chosen = process.argv.slice(2);
const unknown = chosen.filter((c) => !SECTIONS.includes(c));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(', ')}; there are ${SECTIONS.join(', ')}`);
  process.exit(2);
}

const file = path.join(here, 'RESULTS.md');
const kept = existsSync(file) ? readFileSync(file, 'utf8') : '';
const parts = new Map([...kept.matchAll(/<!-- (\w+) -->\n([\s\S]*?)<!-- end -->/g)].map((m) => [m[1], m[2]]));
for (const name of chosen.length > 0 ? chosen : SECTIONS) {
  const { run, title } = await import(`./${name}.mjs`);
  console.error(`\n${title} …`);
  const result = await run();
  const body = result.skipped
    ? `Skipped: ${result.skipped}.`
    : `${table(result.head, result.rows)}\n\n${result.note}`;
  const section = `## ${title}\n\n${body}\n`;
  console.log(`\n${section}`);
  if (!result.skipped) parts.set(name, section);
}
const machine = `${cpus().length} × ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${process.platform}-${process.arch}`;
const sections = SECTIONS.filter((s) => parts.has(s)).map(
  (s) => `<!-- ${s} -->\n${parts.get(s)}<!-- end -->`,
);
writeFileSync(
  file,
  `# Benchmarks\n\nMade by \`npm run bench\` on ${machine}. Ratios are the peer's time divided by ours, above 1 we are faster, unless a column says otherwise.\n\n${sections.join('\n\n')}\n`,
);
