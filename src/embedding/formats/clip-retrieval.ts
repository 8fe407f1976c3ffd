/**
 * @file The folder layout of clip-retrieval, which autofaiss and embedding-reader also read:
 * `img_emb/img_emb_0000.npy`, `text_emb/text_emb_0000.npy` and `metadata/metadata_0000.parquet` with `image_path` and
 * `caption`, row by row in step; and our `identity.json`.
 *
 * The layout knows texts only as the captions of images. When every text row has the id of an image row, that is what
 * is written. Otherwise texts stand for themselves: `metadata/` describes the images, and the texts are described by
 * `text_metadata/`, an addition of ours that other readers pass over.
 *
 * @see https://github.com/rom1504/clip-retrieval
 */
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { FormatError } from '../../errors.js';
import { AtomicFile, readFailure, readIdentity, writeIdentity } from './files.js';
import { npyHeader, npyVectors, readNpyHeader } from './npy.js';
import { vectorBytes } from './numbers.js';
import { parquetRecords } from './parquet-read.js';
import { cellColumn, metadataText, type ParquetColumn, ParquetTable } from './parquet-write.js';
import { type EmbeddingRow, type EmbeddingScan, infoFromRecord, type RowSource } from './row.js';

type Group = 'img_emb' | 'text_emb' | 'metadata' | 'text_metadata';

/** The `index`th part of one of the layout's groups. */
function partPath(folder: string, group: Group, index: number): string {
  const extension = group.endsWith('metadata') ? 'parquet' : 'npy';
  return path.join(folder, group, `${group}_${String(index).padStart(4, '0')}.${extension}`);
}

/** Writes the folder; parts of an earlier run that are not replaced are removed. */
export async function writeClipRetrieval(folder: string, source: RowSource): Promise<void> {
  const layout = await planLayout(source);
  const columns = metadataColumns(source, layout.captions);
  const images = new PartWriter(folder, 'img_emb', 'metadata', columns, layout.images, source);
  const textMetadata = layout.images === 0 ? 'metadata' : layout.captions ? undefined : 'text_metadata';
  const texts = new PartWriter(folder, 'text_emb', textMetadata, columns, layout.texts, source);
  try {
    for await (const rows of source.batches()) {
      for (const row of rows) {
        if (row.kind !== 'text') await images.add(row);
        else if (!layout.captions) await texts.add(row);
      }
    }
    // Captions follow the order of their images, whatever order they were computed in.
    if (layout.captions)
      for await (const row of inOrderOfImages(source, layout.captions)) await texts.add(row);
    await images.finish();
    await texts.finish();
  } catch (error) {
    await images.discard();
    await texts.discard();
    throw error;
  }
  await removeParts(folder, 'img_emb', images.parts);
  await removeParts(folder, 'text_emb', texts.parts);
  await removeParts(folder, 'metadata', layout.images === 0 ? texts.parts : images.parts);
  await removeParts(folder, 'text_metadata', textMetadata === 'text_metadata' ? texts.parts : 0);
  await writeIdentity(path.join(folder, 'identity.json'), source.identity);
}

interface Layout {
  images: number;
  texts: number;
  /** For each image id its position and its caption, when all texts are captions. */
  captions: Map<string, { position: number; text: string | undefined }> | undefined;
}

/** Looks at all rows once, to know the sizes of the parts and whether texts and images go in step. */
async function planLayout(source: RowSource): Promise<Layout> {
  const images = new Map<string, string | undefined>();
  const texts = new Map<string, string | undefined>();
  let imageRows = 0;
  let textRows = 0;
  let paired = true;
  for await (const rows of source.batches()) {
    for (const { id, kind, text, metadata } of rows) {
      if (kind === 'text') {
        textRows++;
        texts.set(id, text);
        if (metadata !== undefined) paired = false;
      } else {
        imageRows++;
        images.set(id, text);
      }
    }
  }
  paired &&= textRows > 0 && texts.size === textRows && images.size === imageRows && textRows === imageRows;
  const captions = new Map<string, { position: number; text: string | undefined }>();
  for (const [id, own] of images) {
    if (!paired) break;
    paired = texts.has(id) && (own === undefined || own === texts.get(id));
    captions.set(id, { position: captions.size, text: texts.get(id) });
  }
  return { images: imageRows, texts: textRows, captions: paired ? captions : undefined };
}

/**
 * The text rows sorted by their images. Usually they are in that order already; those that come early wait.
 */
async function* inOrderOfImages(
  source: RowSource,
  captions: Map<string, { position: number }>,
): AsyncGenerator<EmbeddingRow> {
  const waiting = new Map<number, EmbeddingRow>();
  let next = 0;
  for await (const rows of source.batches()) {
    for (const row of rows) {
      if (row.kind !== 'text') continue;
      waiting.set(captions.get(row.id)!.position, row);
      for (let ready = waiting.get(next); ready; ready = waiting.get(next)) {
        yield ready;
        waiting.delete(next++);
      }
    }
  }
}

function metadataColumns(
  { facts, columns: more = [] }: RowSource,
  captions: Layout['captions'],
): ParquetColumn[] {
  const caption = (row: EmbeddingRow) =>
    row.text ?? (row.kind === 'text' ? undefined : captions?.get(row.id)?.text);
  // Where a file is known by a shorter name, the layout's readers still want to open it.
  const paths = more.some(({ name }) => name === 'path');
  const columns: ParquetColumn[] = [
    { name: 'image_path', type: 'string', value: (row) => (row.cells?.path as string | null) ?? row.id },
    ...(paths ? [{ name: 'id', type: 'string' as const, value: (row: EmbeddingRow) => row.id }] : []),
    { name: 'caption', type: 'string', value: caption },
  ];
  if (facts.width) columns.push({ name: 'width', type: 'int', value: (row) => row.width });
  if (facts.height) columns.push({ name: 'height', type: 'int', value: (row) => row.height });
  if (facts.format) columns.push({ name: 'format', type: 'string', value: (row) => row.format });
  for (const column of more)
    if (column.name !== 'path' && column.name !== 'text') columns.push(cellColumn(column));
  if (facts.metadata) columns.push({ name: 'metadata', type: 'string', value: metadataText });
  return columns;
}

/** Vectors and their descriptions, split into parts that are in step. */
class PartWriter {
  /** Parts finished so far. */
  parts = 0;
  #inPart = 0;
  #left: number;
  #vectors: AtomicFile | undefined;
  #table: ParquetTable | undefined;

  constructor(
    readonly folder: string,
    readonly group: 'img_emb' | 'text_emb',
    readonly metadata: 'metadata' | 'text_metadata' | undefined,
    readonly columns: ParquetColumn[],
    total: number,
    readonly source: RowSource,
  ) {
    this.#left = total;
  }

  async add(row: EmbeddingRow): Promise<void> {
    if (this.#vectors === undefined) {
      const rows = Math.min(this.#left, this.source.rowsPerPart);
      this.#vectors = await AtomicFile.create(partPath(this.folder, this.group, this.parts));
      await this.#vectors.write(npyHeader(rows, this.source.identity.dimension));
      if (this.metadata) {
        this.#table = await ParquetTable.create(
          partPath(this.folder, this.metadata, this.parts),
          this.columns,
        );
      }
    }
    await this.#vectors.write(vectorBytes(row.vector));
    await this.#table?.add([row]);
    this.#left--;
    if (++this.#inPart === this.source.rowsPerPart) await this.finish();
  }

  async finish(): Promise<void> {
    if (this.#vectors === undefined) return;
    await this.#table?.commit();
    await this.#vectors.commit();
    this.#table = undefined;
    this.#vectors = undefined;
    this.#inPart = 0;
    this.parts++;
  }

  async discard(): Promise<void> {
    await this.#vectors?.discard();
    await this.#table?.discard();
  }
}

/** Parts of a group in the folder, by number. */
async function listParts(folder: string, group: Group): Promise<{ index: number; file: string }[]> {
  const names = await readdir(path.join(folder, group)).catch((): string[] => []);
  const pattern = new RegExp(`^${group}_(\\d+)\\.(npy|parquet)$`);
  return names
    .flatMap((name) => {
      const index = pattern.exec(name)?.[1];
      return index === undefined ? [] : [{ index: Number(index), file: path.join(folder, group, name) }];
    })
    .sort((a, b) => a.index - b.index);
}

async function removeParts(folder: string, group: Group, from: number): Promise<void> {
  for (const { index, file } of await listParts(folder, group)) if (index >= from) await rm(file);
}

/** Opens such a folder, whoever wrote it. */
export async function scanClipRetrieval(folder: string): Promise<EmbeddingScan> {
  const images = await listParts(folder, 'img_emb');
  const texts = await listParts(folder, 'text_emb');
  const identity = await readIdentity(path.join(folder, 'identity.json'));
  if (images.length === 0 && texts.length === 0 && identity === null) {
    throw new FormatError(folder, 'this folder holds no embeddings', {
      hint: 'expected clip-retrieval’s layout: img_emb/img_emb_0.npy, metadata/metadata_0.parquet',
    });
  }
  let count = 0;
  let dimension = identity?.dimension ?? 0;
  for (const { file } of [...images, ...texts]) {
    const { rows, columns } = await readNpyHeader(file);
    if (dimension !== 0 && columns !== dimension) {
      throw new FormatError(file, `expected ${dimension} columns as in the other parts but found ${columns}`);
    }
    dimension = columns;
    count += rows;
  }
  const infos = await listParts(folder, 'metadata');
  const ownInfos = await listParts(folder, 'text_metadata');
  return {
    identity,
    dimension,
    count,
    async *batches() {
      yield* parts(images, infos, undefined);
      yield* parts(texts, ownInfos.length > 0 ? ownInfos : infos, 'text');
    },
  };
}

async function* parts(
  vectors: { index: number; file: string }[],
  infos: { index: number; file: string }[],
  kind: 'text' | undefined,
): AsyncGenerator<EmbeddingRow[]> {
  let index = 0;
  for (const part of vectors) {
    const described = infos.find((info) => info.index === part.index);
    const records = described ? eachRecord(described.file) : undefined;
    for await (const batch of npyVectors(part.file)) {
      const rows: EmbeddingRow[] = [];
      for (const vector of batch) {
        const record = records ? await records.next() : undefined;
        if (record?.done) throw new FormatError(described!.file, 'has fewer rows than its vectors');
        const info = infoFromRecord(record?.value ?? {}, index++);
        // A caption's row knows its text; size, format and metadata are its image's.
        const { id, text } = info;
        if (kind === undefined) rows.push({ ...info, vector });
        else rows.push({ id, kind, ...(text !== undefined && { text }), ...own(info, infos), vector });
      }
      yield rows;
    }
    if (records && !(await records.next()).done)
      throw new FormatError(described!.file, 'has more rows than its vectors');
  }
}

/** What a text row of `text_metadata` holds of its own. */
function own({ metadata }: { metadata?: Record<string, unknown> }, infos: { file: string }[]): object {
  const isOwn = infos[0] !== undefined && path.basename(infos[0].file).startsWith('text_');
  return isOwn && metadata !== undefined ? { metadata } : {};
}

async function* eachRecord(file: string): AsyncGenerator<Record<string, unknown>> {
  try {
    for await (const records of parquetRecords(file)) {
      for (const record of records) {
        const { metadata } = record;
        yield typeof metadata === 'string' ? { ...record, metadata: parseMetadata(metadata) } : record;
      }
    }
  } catch (error) {
    throw readFailure(file, error);
  }
}

function parseMetadata(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
