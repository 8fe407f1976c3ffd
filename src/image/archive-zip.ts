/** @file Images in a zip archive, by its central directory; sizes, checksums and encryption are checked per member. */
import { crc32 } from 'node:zlib';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { ImageError } from '../errors.js';
import type { ArchiveOptions } from './archive.js';
import { failingItem, type SourceItem } from './expand-item.js';
import { ByteSink } from './source-bytes.js';

/** The images of a zip archive; undefined for those that need not be read. What cannot be read becomes an item that fails. */
export async function* zipItems(
  path: string,
  id: string,
  options: ArchiveOptions,
): AsyncGenerator<SourceItem | undefined> {
  // Names are only ever used as ids, never as paths on disk, so odd ones ("../a.jpg") need no refusal.
  const zip = await yauzl.openPromise(path, { decodeStrings: false });
  for await (const entry of zip.eachEntry()) {
    const name = yauzl.getFileNameLowLevel(
      entry.generalPurposeBitFlag,
      entry.fileNameRaw,
      entry.extraFields,
      false,
    );
    if (name.endsWith('/') || !options.filter.member(name)) continue;
    const member = `${id}/${name}`;
    if (options.skip?.(member)) {
      yield undefined;
      continue;
    }
    try {
      yield { id: member, input: await readMember(zip, entry, member, options.maxBytes) };
    } catch (error) {
      yield failingItem(member, memberFailure(member, error));
    }
  }
}

async function readMember(zip: ZipFile, entry: Entry, member: string, maxBytes: number): Promise<Uint8Array> {
  if (entry.isEncrypted()) {
    throw new ImageError('read', member, 'encrypted', { hint: 'unpack the archive with its password first' });
  }
  if (!entry.canDecodeFileData()) {
    throw new ImageError(
      'read',
      member,
      `packed with zip method ${entry.compressionMethod}; only stored and deflate are read`,
    );
  }
  const sink = new ByteSink(member, maxBytes);
  sink.expect(entry.uncompressedSize);
  for await (const chunk of await zip.openReadStreamPromise(entry)) sink.add(chunk as Uint8Array);
  const bytes = sink.finish();
  if (crc32(bytes) !== entry.crc32) throw new ImageError('read', member, 'damaged: its checksum differs');
  return bytes;
}

function memberFailure(member: string, error: unknown): ImageError {
  if (error instanceof ImageError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new ImageError('read', member, `damaged in the archive (${reason})`, { cause: error });
}
