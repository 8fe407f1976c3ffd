// Analysis: clusters, maps, neighbours, duplicates, and how good the answers are on real pictures. BENCH_ANALYSIS chooses
// parts; the data of some (AFTERIMAGE_DATA, or ../shared) is not part of the project.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { here, inTurn, python, table } from './lib.mjs';

export const title = 'Analysis: clusters, maps, duplicates, classes, prices';
/** Each part's file in bench/analysis, and its function. */
const PARTS = {
  kmeans: ['kmeans', 'kmeans'],
  umap: ['umap', 'umap'],
  neighbours: ['neighbours', 'neighbours'],
  duplicates: ['duplicates', 'duplicates'],
  classes: ['classes', 'classes'],
  clusters: ['clusters', 'clusters'],
  houses: ['houses', 'houses'],
};
const data = path.join(process.env.AFTERIMAGE_DATA ?? path.join(here, '..', '..', 'shared'), 'data');

/** A peer's package that is not installed is no failure. */
function withoutPackage(error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  return { skipped: error.message.split('\n')[0] };
}

export async function run() {
  const chosen = process.env.BENCH_ANALYSIS?.split(',') ?? Object.keys(PARTS);
  const unknown = chosen.find((name) => !(name in PARTS));
  if (unknown)
    throw new Error(`BENCH_ANALYSIS: expected some of ${Object.keys(PARTS)} but received ${unknown}`);
  const parts = await inTurn(chosen, async (name) => {
    const [file, work] = PARTS[name];
    const script = path.join(here, 'analysis', `${file}.mjs`);
    const part = existsSync(script)
      ? await (await import(script))
          [work]({ data, python, log: (line) => console.error(line) })
          .catch(withoutPackage)
      : { skipped: `there is no ${script}` };
    if (part.skipped) console.error(`${name}: skipped: ${part.skipped}`);
    return { name, ...part };
  });
  const [first, ...others] = parts.filter((part) => !part.skipped);
  const skipped = parts.filter((part) => part.skipped).map((part) => `${part.name} (${part.skipped})`);
  if (!first) return { skipped: skipped.join('; ') };
  const note = [
    first.note,
    ...others.map((part) => `${table(part.head, part.rows)}\n\n${part.note}`),
    skipped.length > 0 ? `Skipped: ${skipped.join('; ')}.` : '',
  ];
  return { head: first.head, rows: first.rows, note: note.filter(Boolean).join('\n\n') };
}
