/**
 * @file Which names in a folder or archive are images that the user meant. Names only choose candidates; what a file
 * really is is decided by its content when it is decoded.
 */
import picomatch from 'picomatch';

const IMAGE_EXTENSIONS = new Set(
  (
    'jpg jpeg jpe jfif pjpeg pjp png apng webp gif tif tiff avif avifs heic heics heif heifs hif svg bmp dib ' +
    // Not decodable today; listed so that such pictures are reported as failures rather than silently passed over.
    'jp2 j2k jpf jpx jxl'
  ).split(' '),
);

// Folders and files that file managers, operating systems and tools leave beside pictures.
const CLUTTER_FOLDERS = new Set([
  '.git',
  'node_modules',
  '@eadir',
  '__macosx',
  'system volume information',
  '$recycle.bin',
]);
const CLUTTER_FILE = /^(\._.*|thumbs\.db|desktop\.ini)$/i;

/** Whether the name ends like an image's, in any case. */
export function isImageName(name: string): boolean {
  return IMAGE_EXTENSIONS.has(name.slice(name.lastIndexOf('.') + 1).toLowerCase());
}

/** The kind of archive that a name ends like. */
export function archiveKind(name: string): 'zip' | 'tar' | undefined {
  if (/\.zip$/i.test(name)) return 'zip';
  return /\.(tar|tar\.gz|tgz)$/i.test(name) ? 'tar' : undefined;
}

/** What a caller can say about names. */
export interface NameOptions {
  /**
   * Globs of which a file must match at least one, relative to the folder or archive; without a slash they match the
   * file name at any depth. Upper and lower case are the same.
   * @default every file with a known image extension
   * @example ['*.jpg', 'holidays/**']
   */
  include?: string[];
  /** Globs that leave out files and whole folders, with the same rules. @example ['thumbnails', '*-small.jpg'] */
  exclude?: string[];
  /** Take files and folders whose names begin with a dot. @default false */
  includeHidden?: boolean;
  /**
   * Pass over what tools leave behind: `.git`, `node_modules`, `@eaDir`, `__MACOSX`, `System Volume Information`,
   * `$RECYCLE.BIN`, `._*`, `Thumbs.db`.
   * @default true
   */
  defaultIgnores?: boolean;
}

/** Answers for names below one root; paths are relative with `/`. */
export interface NameFilter {
  /** Whether to take the file. */
  file(relative: string): boolean;
  /** Whether to enter the folder. */
  folder(relative: string): boolean;
  /** The same as `file`, with the folders above checked too: for archives, whose members come as whole paths. */
  member(relative: string): boolean;
}

/** Compiles the options into a filter. */
export function nameFilter(options: NameOptions): NameFilter {
  const { includeHidden = false, defaultIgnores = true } = options;
  const included = options.include && options.include.length > 0 ? matcher(options.include) : undefined;
  const excluded = options.exclude && options.exclude.length > 0 ? matcher(options.exclude) : undefined;
  const file = (relative: string): boolean => {
    const name = relative.slice(relative.lastIndexOf('/') + 1);
    if (!includeHidden && name.startsWith('.')) return false;
    if (defaultIgnores && CLUTTER_FILE.test(name)) return false;
    if (!isImageName(name)) return false;
    return (included?.(relative) ?? true) && !excluded?.(relative);
  };
  const folder = (relative: string): boolean => {
    const name = relative.slice(relative.lastIndexOf('/') + 1);
    if (!includeHidden && name.startsWith('.')) return false;
    if (defaultIgnores && CLUTTER_FOLDERS.has(name.toLowerCase())) return false;
    return !excluded?.(relative);
  };
  const member = (relative: string): boolean => {
    for (let slash = relative.indexOf('/'); slash >= 0; slash = relative.indexOf('/', slash + 1)) {
      if (slash > 0 && !folder(relative.slice(0, slash))) return false;
    }
    return file(relative);
  };
  return { file, folder, member };
}

/** Matches any of the globs; those without a slash match the last part of a path. */
function matcher(globs: string[]): (relative: string) => boolean {
  const tests = globs.map((glob) => {
    const pattern = glob.replace(/^\.\//, '').replace(/\/+$/, '');
    return picomatch(pattern, { nocase: true, dot: true, basename: !pattern.includes('/') });
  });
  return (relative) => tests.some((test) => test(relative));
}
