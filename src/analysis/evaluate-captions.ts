/** @file How well texts and images find each other where captions are known. */
import { itemFinder, joinColumn } from '../collection/item-names.js';
import { tableRecords } from '../collection/table-records.js';
import type { Embedder } from '../embedding/embedder.js';
import { nearestName, UsageError } from '../errors.js';
import { plural } from '../units.js';
import { crossModalRanks, rankSummary } from '../vectors/metrics/cross-modal.js';
import type { MeasureOptions } from './evaluate-labels.js';
import type { Score, ScorePart } from './score.js';
import { rowsOf } from './targets.js';
import type { VectorSet } from './vector-set.js';

/** Texts about items of a set. */
export interface Captions {
  texts: string[];
  /** The row in the set of the image of each. */
  rows: number[];
}

/** Columns that hold captions, in the order in which they are looked for. */
const CAPTIONS = ['caption', 'captions', 'text', 'sentence', 'description', 'title'];

/** Where captions are. */
export interface CaptionsFrom {
  /** A table with a line for each caption: several lines may be about one image. */
  file: string;
  /** @default caption, captions, text, sentence, description or title */
  column?: string | undefined;
  /** The column that names the images. @default id, path, file, filename, image, or the first with names of images */
  idColumn?: string | undefined;
}

/**
 * Captions from a file.
 * @throws UsageError when a column is not there, or no caption is about an item; FormatError as the readers.
 */
export async function captionsOf(
  set: VectorSet,
  { file, column, idColumn }: CaptionsFrom,
  note: (text: string) => void,
): Promise<Captions> {
  const find = itemFinder(set.ids, undefined);
  const rowOf = new Map(set.ids.map((id, row) => [id, row]));
  const found: Captions = { texts: [], rows: [] };
  let [by, from] = [idColumn, column];
  let [lines, first]: [number, string | undefined] = [0, undefined];
  for await (const record of tableRecords(file)) {
    by ??= joinColumn(file, record);
    from ??= CAPTIONS.find((name) => name in record && name !== by);
    for (const [name, what] of [
      [by, 'names the images'],
      [from, 'holds captions'],
    ] as const)
      if (name === undefined || !(name in record)) throw noColumn(file, name, what, Object.keys(record));
    lines++;
    const text = String(record[from!] ?? '').trim();
    if (text === '') continue;
    const id = find(String(record[by]));
    if (id === undefined) first ??= String(record[by]);
    else {
      found.texts.push(text);
      found.rows.push(rowOf.get(id)!);
    }
  }
  if (found.texts.length === 0)
    throw new UsageError(
      `${file}: none of its ${plural(lines, 'caption')} is about an image of ${set.source}`,
      {
        hint: `its column "${by}" should hold ids such as ${set.ids[0]}${first === undefined ? '' : `, and holds ${first}`}`,
      },
    );
  if (first !== undefined)
    note(
      `${file}: ${lines - found.texts.length} of ${plural(lines, 'caption')} are about no image that there is, such as "${first}"`,
    );
  return found;
}

function noColumn(file: string, name: string | undefined, what: string, names: string[]): UsageError {
  const near = name === undefined ? undefined : nearestName(name, names);
  return new UsageError(
    name === undefined ? `${file}: no column ${what}` : `${file}: there is no column "${name}"`,
    { hint: near ? `did you mean "${near}"?` : `there are ${names.join(', ')}` },
  );
}

/** The set's own column `caption` or `text`, if it has one with texts. */
export async function captionsWithin(set: VectorSet): Promise<Captions | undefined> {
  const column = set.columns.find(
    ({ name, type }) => type === 'text' && (name === 'caption' || name === 'text'),
  );
  if (column === undefined) return undefined;
  const { cells } = await set.column(column.name);
  const found: Captions = { texts: [], rows: [] };
  for (const [row, cell] of cells.entries())
    if (typeof cell === 'string' && cell.trim() !== '') {
      found.texts.push(cell.trim());
      found.rows.push(row);
    }
  return found.texts.length > 1 ? found : undefined;
}

/** Recall@k, median rank and mean reciprocal rank in both directions, among the images that have captions. */
export async function captionScores(
  set: VectorSet,
  embedder: Embedder,
  { texts, rows }: Captions,
  options: MeasureOptions,
): Promise<Score[]> {
  const { k = [1, 5, 10], resamples, seed, signal, onStep } = options;
  onStep?.(`embedding ${plural(texts.length, 'caption')}`);
  const distinct = [...new Set(texts)];
  const vectors = await embedder.embedTexts(distinct, { signal });
  const place = new Map(distinct.map((text, i) => [text, i]));
  const { dimension } = set;
  const data = new Float32Array(texts.length * dimension);
  for (const [i, text] of texts.entries()) data.set(vectors[place.get(text)!]!, i * dimension);
  const images = [...new Set(rows)].sort((a, b) => a - b);
  const imageOf = Int32Array.from(
    rows,
    (() => {
      const placeOf = new Map(images.map((row, i) => [row, i]));
      return (row: number) => placeOf.get(row)!;
    })(),
  );
  onStep?.('ranking captions');
  const ranks = await crossModalRanks({ data: rowsOf(set, images), dimension }, { data, dimension }, imageOf);
  return [
    ...direction('text → image', ranks.textToImage, imageOf),
    ...direction('image → text', ranks.imageToText, undefined),
  ];

  function direction(part: ScorePart, all: Int32Array, groups: Int32Array | undefined): Score[] {
    const summary = rankSummary(all, k, { resamples, seed, groups });
    const to = part === 'text → image' ? 'a caption’s image' : 'one of an image’s captions';
    const each = (value: (rank: number) => number) => ({
      values: Float64Array.from(all, value),
      ...(groups && { groups }),
    });
    const of = summary.queries;
    return [
      ...k.map(
        (n): Score => ({
          part,
          name: `recall@${n}`,
          ...summary.recallAtK[n]!,
          of,
          meaning: n === 1 ? `${to} comes first` : `${to} is among the first ${n}`,
          each: each((rank) => (rank <= n ? 1 : 0)),
        }),
      ),
      {
        part,
        name: 'median rank',
        ...summary.medianRank,
        of,
        meaning: `where ${to} comes, of ${part === 'text → image' ? plural(images.length, 'image') : plural(texts.length, 'caption')}`,
      },
      {
        part,
        name: 'mrr',
        ...summary.meanReciprocalRank,
        of,
        meaning: `1 / the rank of ${to}`,
        each: each((rank) => 1 / rank),
      },
    ];
  }
}
