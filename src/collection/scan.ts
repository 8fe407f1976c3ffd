/** @file The images of a collection's folder, with what tells whether one has changed: size and time. */
import { lstat, stat } from 'node:fs/promises';
import path from 'node:path';
import { type NameOptions, nameFilter } from '../image/expand-names.js';
import { walkFolder } from '../image/expand-walk.js';

/** One file as it was when it was looked at. */
export interface ScannedFile {
  /** Path below the root, with `/`. */
  id: string;
  bytes: number;
  /** When it was last changed, whole milliseconds since 1970. */
  modified: number;
  /** When it was looked at. */
  seen: number;
}

/** Files that are looked at together. */
const TOGETHER = 256;

/** One walk through a folder. Archives are not entered. */
export class FolderScan {
  /** Folders that cannot be read, relative to the root: nothing is known of what lies below them. */
  private readonly unreadable: string[] = [];
  /** Files that are there but cannot be looked at. */
  private readonly hidden = new Set<string>();

  /**
   * @param own the collection's own folder, which is never entered
   * @param onSkip told of folders that cannot be read
   */
  constructor(
    private readonly root: string,
    private readonly own: string,
    private readonly names: NameOptions,
    private readonly onSkip: (folder: string, reason: string) => void,
  ) {}

  /** The files, a group at a time, in the order of their names. */
  async *files(): AsyncGenerator<ScannedFile[]> {
    const { root } = this;
    const filter = nameFilter(this.names);
    const own = slashes(path.relative(root, this.own));
    const walk = walkFolder(root, {
      file: filter.file,
      folder: (relative) => relative !== own && filter.folder(relative),
      onSkip: (where, reason) => {
        this.unreadable.push(slashes(path.relative(root, where)));
        this.onSkip(where, reason);
      },
    });
    let ids: string[] = [];
    for await (const { relative } of walk) {
      ids.push(relative);
      if (ids.length < TOGETHER) continue;
      yield await this.look(ids);
      ids = [];
    }
    if (ids.length > 0) yield await this.look(ids);
  }

  /** After the walk: whether a file that was not found is gone, and not merely out of reach. */
  isGone(id: string): boolean {
    if (this.hidden.has(id)) return false;
    return !this.unreadable.some((folder) => folder === '' || id.startsWith(`${folder}/`));
  }

  private async look(ids: readonly string[]): Promise<ScannedFile[]> {
    const files = await Promise.all(
      ids.map(async (id): Promise<ScannedFile | undefined> => {
        const seen = Date.now();
        const file = path.join(this.root, id);
        // A link that leads nowhere is looked at itself, and fails when it is read.
        const info = await stat(file)
          .catch(() => lstat(file))
          .catch(({ code }: NodeJS.ErrnoException): undefined => {
            if (code !== 'ENOENT' && code !== 'ENOTDIR') this.hidden.add(id);
          });
        return info && { id, bytes: info.size, modified: Math.floor(info.mtimeMs), seen };
      }),
    );
    return files.filter((file) => file !== undefined);
  }
}

/** The id of a file below a folder; undefined for the folder itself, and for files elsewhere. */
export function idBelow(root: string, file: string): string | undefined {
  const way = path.relative(root, file);
  const outside = way === '' || way === '..' || way.startsWith(`..${path.sep}`) || path.isAbsolute(way);
  return outside ? undefined : slashes(way);
}

function slashes(file: string): string {
  return path.sep === '\\' ? file.replaceAll('\\', '/') : file;
}
