/** @file What `afterimage index` says when it is done. */
import type { Collection } from '../collection/collection.js';
import type { IndexSummary, SpaceSummary } from '../collection/index-folder.js';
import type { MetadataReport } from '../collection/metadata.js';
import { count, duration, plural, rate } from '../units.js';
import { programName, quote } from './quote.js';
import { dim, note, print } from './terminal.js';

/**
 * Prints what a run did and what to type next.
 * @param again it was not the first run of this process: where the collection lies has been said
 */
export async function reportIndex(
  summary: IndexSummary,
  collection: Collection,
  { json, errors }: { json: boolean; errors: string | undefined },
  again = false,
): Promise<void> {
  if (json) {
    await print(JSON.stringify({ collection: collection.folder, root: collection.root, ...summary }));
    return;
  }
  for (const space of summary.spaces) await print(spaceText(space));
  if (summary.metadata) await print(metadataText(summary.metadata));
  const failed = Math.max(0, ...summary.spaces.map((space) => space.failed));
  if (failed > 0 && errors === undefined)
    note(`${plural(failed, 'file')} failed and will be tried again when changed, or with --retry`);
  if (summary.interrupted) {
    note('interrupted; what was embedded is kept, and the same command goes on');
    return;
  }
  if (again) return;
  await print(dim(`the collection lies in ${collection.folder}`));
  const items = summary.spaces.at(-1)?.items ?? 0;
  if (items > 0) {
    const where = collection.root === process.cwd() ? '' : ` --collection ${quote(collection.folder)}`;
    await print(dim(`next: ${programName()} search "a dog on a beach"${where}`));
  } else note(`no images were found in ${collection.root}`);
}

/** `mini-clip: 120 images, 12 embedded, 3 moved or copied, 2 removed (4.1 s, 30/s)`. */
function spaceText(space: SpaceSummary): string {
  const { model, items, embedded, reused, touched, removed, failed, failedBefore, seconds } = space;
  const parts = [
    plural(items, 'image'),
    embedded > 0 ? `${count(embedded)} embedded` : '',
    reused > 0 ? `${count(reused)} known by their content (moved, copied or back)` : '',
    touched > 0 ? `${count(touched)} with a new time only` : '',
    removed > 0 ? `${count(removed)} removed` : '',
    failed > 0 ? `${count(failed)} failed` : '',
    failedBefore > 0 ? `${count(failedBefore)} failed before` : '',
  ].filter((part) => part !== '');
  if (parts.length === 1 && items > 0) parts.push('nothing new');
  const speed = embedded > 0 ? `, ${rate(embedded / seconds)}` : '';
  return `${model}: ${parts.join(', ')} ${dim(`(${duration(seconds)}${speed})`)}`;
}

function metadataText(report: MetadataReport): string {
  const { file, columns, renamed, matched, changed, unmatched, example, joinedBy } = report;
  const lines = [
    `${file}: ${plural(matched, 'row')} matched by "${joinedBy}", ${plural(changed, 'image')} changed`,
    columns.length > 0 ? `columns: ${columns.map(({ name, type }) => `${name} (${type})`).join(', ')}` : '',
    ...renamed.map(([from, to]) => `"${from}" is another column already; yours is "${to}"`),
    unmatched > 0 ? `${plural(unmatched, 'row')} named no image, or several; the first: ${example}` : '',
  ];
  return lines.filter((line) => line !== '').join('\n');
}
