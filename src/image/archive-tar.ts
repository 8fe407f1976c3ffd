/**
 * @file Images in a tar archive (gzipped or not), read from front to back, with webdataset's convention: consecutive
 * members whose paths agree up to the first dot of the file name form one sample. Its `.txt` is the caption, its
 * `.json` the metadata, its `.cls` the class.
 *
 * @see https://github.com/webdataset/webdataset ("The WebDataset Format")
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import tar from 'tar-stream';
import type { ArchiveOptions } from './archive.js';
import { failingItem, type SourceItem } from './expand-item.js';
import { ByteSink, readFailure } from './source-bytes.js';

/** Captions and metadata beyond this size are not what they claim to be. */
const MAX_SIDECAR = 1024 * 1024;
/** A sample with more images than this is passed on in pieces, so that memory stays bounded. */
const MAX_IMAGES_HELD = 16;

interface Sample {
  key: string;
  images: SourceItem[];
  text?: string;
  metadata?: Record<string, unknown>;
}

/** The images of a tar archive, each with the caption and metadata of its sample; undefined for unneeded ones. */
export async function* tarItems(
  path: string,
  id: string,
  options: ArchiveOptions,
): AsyncGenerator<SourceItem | undefined> {
  const extract = tar.extract();
  const file = createReadStream(path);
  const source: [Readable, ...NodeJS.ReadWriteStream[]] = (await isGzip(path))
    ? [file, createGunzip()]
    : [file];
  // Failures reach the loop below through the last stream; the callback has nothing to add.
  pipeline([...source, extract as unknown as NodeJS.WritableStream], () => {});
  let sample: Sample | undefined;
  let failure: unknown;
  try {
    for await (const entry of extract) {
      const { name: rawName, type, size = 0 } = entry.header;
      const name = rawName.replace(/^(\.\/)+/, '');
      const { key, extension } = splitName(name);
      if (sample !== undefined && (sample.key !== key || sample.images.length >= MAX_IMAGES_HELD)) {
        yield* finish(sample);
        sample = undefined;
      }
      const member = `${id}/${name}`;
      const isFile = type === 'file' || type === 'contiguous-file';
      if (isFile && options.filter.member(name)) {
        sample ??= { key, images: [] };
        if (options.skip?.(member)) yield undefined;
        else sample.images.push(await readImage(entry, member, size, options.maxBytes));
      } else if (isFile && size <= MAX_SIDECAR && ['txt', 'json', 'cls'].includes(extension)) {
        sample ??= { key, images: [] };
        attach(sample, extension, await readAll(entry, member, MAX_SIDECAR));
      }
      entry.resume();
    }
  } catch (error) {
    failure = error;
  } finally {
    file.destroy();
  }
  if (sample !== undefined) yield* finish(sample);
  if (failure !== undefined) throw failure;
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

/** Webdataset's split: at the first dot of the last path component. */
function splitName(name: string): { key: string; extension: string } {
  const start = name.lastIndexOf('/') + 1;
  const dot = name.indexOf('.', start);
  if (dot < 0) return { key: name, extension: '' };
  return { key: name.slice(0, dot), extension: name.slice(dot + 1).toLowerCase() };
}

async function readAll(entry: AsyncIterable<unknown>, member: string, maxBytes: number): Promise<Uint8Array> {
  const sink = new ByteSink(member, maxBytes);
  for await (const chunk of entry) sink.add(chunk as Uint8Array);
  return sink.length === 0 ? new Uint8Array(0) : sink.finish();
}

/** Too large a member is passed over without being read; what breaks while reading has broken the archive. */
async function readImage(
  entry: AsyncIterable<unknown>,
  member: string,
  size: number,
  maxBytes: number,
): Promise<SourceItem> {
  try {
    const sink = new ByteSink(member, maxBytes);
    sink.check(size);
    if (size === 0) sink.finish();
  } catch (error) {
    return failingItem(member, readFailure(member, error));
  }
  return { id: member, input: await readAll(entry, member, maxBytes) };
}

function attach(sample: Sample, extension: string, bytes: Uint8Array): void {
  const text = new TextDecoder().decode(bytes).trim();
  if (extension === 'txt') sample.text = text;
  else if (extension === 'cls')
    sample.metadata = { ...sample.metadata, class: /^\d+$/.test(text) ? Number(text) : text };
  else {
    const value = parseJson(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      sample.metadata = { ...sample.metadata, ...value };
    else if (value !== undefined) sample.metadata = { ...sample.metadata, json: value };
  }
}

/** A broken `.json` says nothing about the image beside it, so it is passed over. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function* finish({ images, text, metadata }: Sample): Generator<SourceItem> {
  for (const image of images) {
    yield {
      ...image,
      ...(text === undefined ? {} : { text }),
      ...(metadata === undefined ? {} : { metadata }),
    };
  }
}
