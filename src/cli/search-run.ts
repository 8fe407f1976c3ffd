/** @file What `search` and `similar` do once the query is known: bring the collection up to date, ask, print. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Collection, openCollection } from '../collection/collection.js';
import { COLLECTION_FOLDER, collectionAt } from '../collection/locate.js';
import type { Query } from '../collection/query.js';
import { type SearchHit, type SearchResult, search } from '../collection/search.js';
import { AfterimageError } from '../errors.js';
import { count, plural } from '../units.js';
import { findCollection } from './collection-options.js';
import { onInterrupt } from './interrupt.js';
import { ProgressLine } from './progress.js';
import { type SearchValues, searchOptions } from './search-options.js';
import { note, print } from './terminal.js';

/**
 * Searches the collection that the options name, and prints what is found. Returns the exit code.
 * @param ask makes the query once the collection is open
 */
export async function runSearch(
  values: SearchValues,
  ask: (collection: Collection) => Query | Promise<Query>,
): Promise<number> {
  const options = searchOptions(values);
  const say = values.quiet ? () => undefined : note;
  const folder = await collectionFor(values, say);
  const interrupted = values['no-indexing'] ? undefined : await bringUpToDate(folder, say);
  if (interrupted !== undefined) return interrupted;
  const onWarning = (message: string) => say(`warning: ${message}`);
  // A single query: threads would take longer to start than they save.
  const embedderOptions = { inline: true, workers: 0, lazy: true, onWarning };
  await using collection = await openCollection(folder, { embedderOptions });
  const result = await search(collection, await ask(collection), { ...options, onWarning });
  await printHits(result, values);
  tell(result, values, say);
  if (values.preview) await preview(result);
  if (values.open) await openSheet(result);
  return 0;
}

/** The collection's folder; without one, and unless nothing may be indexed, there will be one in the current folder. */
async function collectionFor(values: SearchValues, say: (text: string) => void): Promise<string> {
  try {
    return await findCollection(values.collection);
  } catch (error) {
    if (values['no-indexing'] || values.collection !== undefined) throw error;
    const folder = path.resolve(COLLECTION_FOLDER);
    say(`no collection yet; making one of the images in ${process.cwd()}`);
    return folder;
  }
}

/** Returns an exit code when it was interrupted. */
async function bringUpToDate(folder: string, say: (text: string) => void): Promise<number | undefined> {
  const root = (await collectionAt(folder)) === undefined ? path.dirname(folder) : undefined;
  await using collection = await openCollection(folder, { create: root !== undefined, root });
  if (collection.root === undefined) return undefined; // imported vectors: there are no files to look at
  const { indexFolder } = await import('../collection/index-folder.js');
  const line = process.stderr.isTTY ? new ProgressLine() : undefined;
  using interrupt = onInterrupt(() => say('stopping; what was embedded is kept'));
  try {
    await indexFolder(collection, {
      stop: interrupt.stop,
      onProgress: line && ((progress) => line.update(progress)),
      onFailure: ({ id, reason }) => say(`failed: ${id}: ${reason}`),
      onNote: say,
    });
  } catch (error) {
    // Another process indexes, or nothing can be written.
    if (!(error instanceof AfterimageError) || collection.spaces.length === 0) throw error;
    say(`searching what is there: ${error.message}`);
  } finally {
    line?.end();
  }
  return interrupt.exitCode;
}

async function printHits({ hits }: SearchResult, values: SearchValues): Promise<void> {
  const lines = hits.map((hit) =>
    values.json
      ? JSON.stringify(record(hit))
      : values['filepath-only']
        ? hit.file
        : `${hit.score.toFixed(3)}\t${hit.file}`,
  );
  if (lines.length > 0) await print(lines.join('\n'));
}

function record({ id, file, score, probability, values, collapsed }: SearchHit) {
  return { score, probability, path: file, id, values, ...(collapsed ? { collapsed } : {}) };
}

/** What was asked, of what, and whether there is an answer. */
function tell(result: SearchResult, values: SearchValues, say: (text: string) => void): void {
  const { hits, query, total, nothing, space } = result;
  say(`${shortened(query)} among ${plural(total, 'item')} (${space.identity.model})`);
  const filtered = [values.where, values.after, values.before, values.near].some((one) => one !== undefined);
  if (total === 0) say(filtered ? 'no item passes the filters' : 'the collection is empty');
  else if (nothing) {
    const best = Math.round(100 * Math.max(0, ...hits.map(({ probability }) => probability)));
    const nearest = hits.length > 0 ? ` (at best ${best} %); the nearest are shown` : '';
    say(`nothing found that is likely to be more than chance${nearest}`);
  } else if (hits.length === 0)
    say((values.page ?? 1) > 1 ? 'there are no further hits' : 'no hit is left by the limits that were set');
  const collapsed = hits.reduce((sum, hit) => sum + (hit.collapsed?.length ?? 0), 0);
  if (collapsed > 0)
    say(`${count(collapsed)} near-equal ${collapsed === 1 ? 'hit is' : 'hits are'} left out`);
}

/** On one line, and not without end. */
function shortened(query: string): string {
  const line = query.replace(/\s+/g, ' ');
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

async function preview(result: SearchResult): Promise<void> {
  const { showThumbnails } = await import('./thumbnails.js');
  const tiles = result.hits.map(({ file, id, score }) => ({ file, caption: `${score.toFixed(3)}  ${id}` }));
  if (!(await showThumbnails(tiles, {})))
    note('this terminal cannot show pictures (kitty, iTerm2 and sixel can); --open writes a web page');
}

async function openSheet(result: SearchResult): Promise<void> {
  const { writeResultSheet } = await import('../pages/result-sheet.js');
  const file = path.join(await mkdtemp(path.join(tmpdir(), 'afterimage-')), 'search.html');
  // The page names the files itself.
  const tiles = result.hits.map(({ file, score }) => ({ file, caption: score.toFixed(3) }));
  await writeResultSheet(file, 'Search', result.query, tiles);
  note(`the hits are in ${file}`);
  const { openFile } = await import('./open-file.js');
  if (process.stderr.isTTY) await openFile(file);
}
