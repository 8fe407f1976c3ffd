/** @file `afterimage info`: what a collection holds. */
import type { CollectionInfo, SpaceInfo } from '../../collection/info.js';
import { bytes, count, plural } from '../../units.js';
import { findCollection } from '../collection-options.js';
import { defineCommand } from '../command.js';
import { pairs, table } from '../table.js';
import { bold, dim, print } from '../terminal.js';

/** Reasons that are shown for each space. */
const REASONS = 5;

export const info = defineCommand({
  name: 'info',
  usage: '[DIR] [--failures] [--json]',
  summary: 'Says what a collection holds: items, vectors, columns, what failed.',
  details:
    'DIR is a folder that holds a collection, or the collection’s own; by default the one here or in a folder above. ' +
    'With --failures, the lines on standard output are PATH, stage and reason of each failure, with tabs between them.',
  arity: [0, 1],
  options: {
    failures: { type: 'boolean', help: 'list the files that could not be embedded' },
    model: { type: 'string', short: 'm', value: 'NAME', help: 'list the failures of this model' },
    json: { type: 'boolean', help: 'print JSON' },
  },
  examples: [
    ['afterimage info', 'the collection of this folder'],
    ['afterimage info photos/ --failures', 'what could not be read, and why'],
  ],
  async run({ failures, model, json }, [dir]) {
    const place = await findCollection(dir);
    const { openCollection } = await import('../../collection/collection.js');
    const { collectionInfo, failuresOf } = await import('../../collection/info.js');
    await using collection = await openCollection(place);
    if (failures) {
      const failed = await failuresOf(collection, collection.space(model));
      if (json) await print(JSON.stringify(failed));
      else
        for (const { id, stage, reason } of failed)
          await print([collection.fileOf(id), stage, reason].join('\t'));
      return 0;
    }
    const found = await collectionInfo(collection);
    await print(json ? JSON.stringify(found, null, 2) : told(found));
    return 0;
  },
});

function told(found: CollectionInfo): string {
  const { folder, root, taken, spaces, columns } = found;
  const day = (time: Date) => time.toISOString().slice(0, 10);
  const general: [string, string][] = [
    ['collection', `${folder} (${bytes(found.bytes)})`],
    ['images', root ?? 'none: its vectors were imported'],
    ['items', count(found.items)],
  ];
  if (taken) general.push(['taken', `${day(taken.from)} to ${day(taken.to)}`]);
  const parts = [pairs(general), ...spaces.map(spaceTold)];
  if (spaces.length === 0) parts.push('It is empty: "afterimage index FOLDER" fills it.');
  const rows = columns.map(({ name, type, filled }) => [name, type, share(filled, found.items)]);
  if (rows.length > 0) parts.push(table(['column', 'type', 'filled >'], rows));
  return parts.join('\n\n');
}

function spaceTold(space: SpaceInfo): string {
  const { identity, index, failures } = space;
  const { model, output, dtype, dimension, weights, normalized } = identity;
  const standing = [
    space.current ? 'answers' : '',
    space.state === 'building' ? 'not yet complete: index again to go on' : '',
  ].filter(Boolean);
  const rows: [string, string][] = [
    [
      'vectors',
      `${count(space.items)} of ${count(dimension)} numbers (${output}, ${dtype}${normalized ? '' : ', not normalised'})`,
    ],
    ['weights', `${weights.slice(0, 12)}…`],
    ['since', space.created.slice(0, 10)],
    ['search', index ? approximate(index) : 'exact: every vector is compared'],
  ];
  if (space.removed > 0)
    rows.push([
      'removed',
      `${plural(space.removed, 'vector')} of files that are gone, kept should they come back`,
    ]);
  if (failures.length > 0) {
    const lines = failures
      .slice(0, REASONS)
      .map(({ files, reason, stage }) => `${files} × ${reason} (${stage})`);
    if (failures.length > REASONS)
      lines.push(`${plural(failures.length - REASONS, 'other reason')}; --failures lists all`);
    rows.push(['failed', lines.join('\n')]);
  }
  return `${bold(model)}${standing.length > 0 ? dim(` ${standing.join(', ')}`) : ''}\n${pairs(rows, '  ')}`;
}

function approximate({ kind, rows, unindexed, quality }: NonNullable<SpaceInfo['index']>): string {
  const size = `${kind} of ${plural(rows, 'vector')}${unindexed > 0 ? `, ${count(unindexed)} more compared one by one` : ''}`;
  if (!quality) return `${size}; its recall has not been measured`;
  const { recallAt10, queries } = quality;
  return `${size}\nfinds ${(100 * recallAt10).toFixed(1)} % of the 10 nearest (${plural(queries, 'query', 'queries')} against exact search)`;
}

function share(filled: number, items: number): string {
  if (items === 0 || filled === 0) return '–';
  return filled === items ? 'all' : `${((100 * filled) / items).toFixed(1)} %`;
}
