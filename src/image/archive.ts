/**
 * @file The images inside an archive, read one at a time in the archive's own order. A damaged archive gives the
 * members up to the damage and then one item that fails with the reason.
 */
import { ImageError } from '../errors.js';
import { failingItem, type SourceItem } from './expand-item.js';
import { archiveKind, type NameFilter } from './expand-names.js';
import { errorCode, readFailure } from './source-bytes.js';

/** Which members are wanted and how large they may be. */
export interface ArchiveOptions {
  /** The largest member, in bytes. */
  maxBytes: number;
  filter: NameFilter;
  /** Ids that need not be read; asked once for each image. */
  skip?: ((id: string) => boolean) | undefined;
}

/** The images of the archive at `path`; their ids begin with `id`. */
export async function* archiveItems(
  path: string,
  id: string,
  options: ArchiveOptions,
): AsyncGenerator<SourceItem> {
  let images = 0;
  try {
    // Loaded when there is an archive: most runs have none.
    const items =
      archiveKind(path) === 'zip'
        ? (await import('./archive-zip.js')).zipItems(path, id, options)
        : (await import('./archive-tar.js')).tarItems(path, id, options);
    for await (const item of items) {
      images++;
      if (item !== undefined) yield item;
    }
  } catch (error) {
    yield failingItem(id, archiveFailure(id, error));
    return;
  }
  if (images === 0) yield failingItem(id, new ImageError('read', id, 'no images in this archive'));
}

function archiveFailure(id: string, error: unknown): ImageError {
  const code = errorCode(error);
  if (error instanceof ImageError || (code !== undefined && /^E[A-Z]+$/.test(code)))
    return readFailure(id, error);
  const reason = error instanceof Error ? error.message : String(error);
  return new ImageError('read', id, `the archive is damaged or of another kind (${reason})`, {
    cause: error,
  });
}
