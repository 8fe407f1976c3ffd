/**
 * @file From what a user has (a folder per class, an archive, a label file, loose images) to a {@link DataSet}. Nothing
 * is decoded here: whether the images can be read is told by `checkDataSet`.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from '../../errors.js';
import { assembleDataSet } from './dataset-assemble.js';
import { folderFacts } from './dataset-folder.js';
import { listImages } from './dataset-images.js';
import { dataSetFromTable } from './dataset-rows.js';
import { isTableName, readTable } from './dataset-table.js';
import type { DataSet, DataSetOptions } from './types.js';

export type { DataItem, DataSet, DataSetKind, DataSetOptions, DataSplit, Part } from './types.js';

/**
 * Opens data for training.
 *
 * - A **folder** or an **archive** (zip, tar, tar.gz), or several: a folder per class, or images alone. Folders `train`,
 *   `validation` and `test` above the class folders are the split.
 * - A **label file** (CSV, Parquet, JSON Lines) with a column of paths, relative to its own folder or to
 *   {@link DataSetOptions.images}; columns of labels, groups and parts where it has them. Or two columns of paths and one
 *   that tells whether they belong together (pairs); or `anchor`, `positive`, `negative` (triplets). A CSV without a header
 *   is understood when its first line names images.
 * - A **glob**, an `@list.txt` of paths, or single image files: unlabelled images.
 *
 * Hidden files and what tools leave behind are passed over. The order of items does not depend on the file system.
 *
 * @throws UsageError for data that does not exist, holds no image, or is not of the kind that was asked for; FormatError
 *   for a label file with missing columns, images or cells.
 */
export async function openDataSet(
  source: string | readonly string[],
  options: DataSetOptions = {},
): Promise<DataSet> {
  const sources = typeof source === 'string' ? [source] : source;
  if (sources.length === 0)
    throw new UsageError('data: expected at least one folder or file but received none');
  const table =
    options.labels ?? (sources.length === 1 && isTableName(sources[0]!) ? sources[0]! : undefined);
  if (table !== undefined) return openTable(table, sources, options);
  if (options.images !== undefined)
    throw new UsageError(`images: expected a label file as data but received ${sources.join(', ')}`, {
      hint: 'images says where the paths of a label file start; give the label file with labels',
    });
  if (options.kind === 'pairs' || options.kind === 'triplets')
    throw new UsageError(
      `data: expected a label file of ${options.kind} but received ${sources.join(', ')}`,
      {
        hint: 'list them in a CSV, Parquet or JSONL file',
      },
    );
  const { images, unreadable, warnings } = await listImages(sources, options);
  const { items, labelled, given } = folderFacts(images, options);
  return assembleDataSet(labelled ? 'labelled' : 'unlabelled', items, { given, unreadable, warnings });
}

async function openTable(
  file: string,
  sources: readonly string[],
  options: DataSetOptions,
): Promise<DataSet> {
  const besideImages = options.labels !== undefined;
  if (besideImages && (sources.length > 1 || options.images !== undefined))
    throw new UsageError('labels: expected one folder or archive of images', {
      hint: 'give the images as data, or the label file as data and the images with images',
    });
  const root = besideImages ? sources[0]! : (options.images ?? path.dirname(file));
  for (const [name, where] of [
    ['labels', file],
    ['images', root],
  ] as const) {
    if ((await stat(where).catch(() => undefined)) === undefined)
      throw new UsageError(`${name}: there is no file or folder "${where}"`, {
        hint: 'check the spelling; relative paths start at the current folder',
      });
  }
  return dataSetFromTable(await readTable(file), root, options);
}
