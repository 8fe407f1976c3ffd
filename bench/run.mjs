// npm run bench [-- SECTION[.PART]…]: runs the benchmarks, prints their tables and writes them to bench/RESULTS.md.
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
const unknown = chosen.filter((c) => !SECTIONS.includes(c.split('.')[0]));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(', ')}; there are ${SECTIONS.join(', ')}`);
  process.exit(2);
}

const file = path.join(here, 'RESULTS.md');
const kept = existsSync(file) ? readFileSync(file, 'utf8') : '';
const texts = new Map(
  [...kept.matchAll(/<!-- ([\w.]+) -->\n([\s\S]*?)\n<!-- end -->/g)].map((m) => [m[1], m[2]]),
);
const load = (name) => import(`./${name}.mjs`);

/** Prints a text and keeps it, or says why there is none. */
function keep(name, title, { text, skipped }) {
  console.log(`\n## ${title}\n\n${skipped ? `Skipped: ${skipped}.` : text}\n`);
  if (!skipped) texts.set(name, text);
}

for (const name of chosen.length > 0 ? chosen : SECTIONS) {
  const [section, part] = name.split('.');
  const { run, title, parts } = await load(section);
  console.error(`\n${title} …`);
  if (parts) {
    const done = await run(part ? [part] : []);
    for (const [own, result] of Object.entries(done)) keep(`${section}.${own}`, `${title} (${own})`, result);
  } else {
    const { head, rows, note, skipped } = await run();
    keep(section, title, skipped ? { skipped } : { text: `${table(head, rows)}\n\n${note}` });
  }
}
const machine = `${cpus().length} × ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${process.platform}-${process.arch}`;
const sections = [];
for (const name of SECTIONS) {
  const { title, parts } = await load(name);
  const names = (parts ? parts.map((part) => `${name}.${part}`) : [name]).filter((own) => texts.has(own));
  const blocks = names.map((own) => `<!-- ${own} -->\n${texts.get(own)}\n<!-- end -->`);
  if (blocks.length > 0) sections.push(`## ${title}\n\n${blocks.join('\n\n')}`);
}
writeFileSync(
  file,
  `# Benchmarks\n\nMade by \`npm run bench\` on ${machine}. Ratios are the peer's time divided by ours, above 1 we are faster, unless a column says otherwise.\n\n${sections.join('\n\n')}\n`,
);
