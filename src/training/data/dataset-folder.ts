/**
 * @file What the folders above an image say: the part of the split, the class, the group. A folder per class is
 * torchvision's `ImageFolder`; folders `train`, `validation`, `test` above them are how such sets are published.
 */
import { UsageError } from '../../errors.js';
import type { FoundImage } from './dataset-images.js';
import { firstFew, plural } from './dataset-text.js';
import type { DataItem, DataSetOptions, Part } from './types.js';

/** What folders gave. */
export interface FolderFacts {
  items: DataItem[];
  /** Whether every item has a label. */
  labelled: boolean;
  given: Part[] | null;
}

const PART_NAMES: Record<string, Part> = {
  train: 'train',
  training: 'train',
  validation: 'validation',
  valid: 'validation',
  val: 'validation',
  dev: 'validation',
  test: 'test',
  testing: 'test',
};

/** The part of a split that a word names, in any case; undefined for other words. */
export function partNamed(word: string): Part | undefined {
  const lower = word.trim().toLowerCase();
  return Object.hasOwn(PART_NAMES, lower) ? PART_NAMES[lower] : undefined;
}

/**
 * Reads parts, classes and groups off the folders.
 *
 * - An archive's single outermost folder is passed over where there are class folders in it.
 * - The outermost folders are the split when there are several and all have names of parts.
 * - The next `classDepth` folders are the class, `/` between them; the first `groupDepth` folders are the group.
 *
 * @throws UsageError when `kind` is `labelled` and images lie outside class folders.
 */
export function folderFacts(images: readonly FoundImage[], options: DataSetOptions): FolderFacts {
  const depth = wholeDepth('classDepth', options.classDepth ?? 1);
  let folders = withoutWrappers(images, depth);
  const parts = (options.givenSplit ?? true) ? givenParts(folders) : null;
  if (parts !== null) folders = folders.map((names) => names!.slice(1));
  const outside = images.filter((_, i) => (folders[i]?.length ?? 0) < depth);
  const classes = new Set(folders.map((names) => names?.slice(0, depth).join('/')));
  if (options.kind === 'labelled' && outside.length > 0) throw outsideClasses(images, outside, depth);
  const labelled =
    options.kind === 'labelled' || (options.kind === undefined && outside.length === 0 && classes.size > 1);
  const groupDepth = options.groupDepth === undefined ? 0 : wholeDepth('groupDepth', options.groupDepth);
  const items = images.map(({ id, input }, i) => {
    const names = folders[i] ?? [];
    return {
      id,
      input,
      ...(labelled ? { label: names.slice(0, depth).join('/') } : {}),
      ...(groupDepth > 0 ? { group: names.slice(0, groupDepth).join('/') } : {}),
    };
  });
  return { items, labelled, given: parts };
}

function wholeDepth(name: string, depth: number): number {
  if (Number.isInteger(depth) && depth >= 1) return depth;
  throw new UsageError(`${name}: expected a whole number of folders from 1 but received ${depth}`);
}

type Folders = (string[] | null)[];

/** Without the one folder in which each archive was packed, as long as enough folders for a class remain in it. */
function withoutWrappers(images: readonly FoundImage[], depth: number): Folders {
  const wrappers = new Map<string, string | null>();
  for (const { archive, folders } of images) {
    if (archive === null) continue;
    const outermost = folders !== null && folders.length > depth ? folders[0]! : null;
    const known = wrappers.get(archive);
    wrappers.set(archive, known === undefined || known === outermost ? outermost : null);
  }
  return images.map(({ archive, folders }) => {
    const wrapped = archive !== null && folders !== null && wrappers.get(archive) !== null;
    return wrapped ? folders.slice(1) : folders;
  });
}

function givenParts(folders: Folders): Part[] | null {
  const parts: Part[] = [];
  for (const names of folders) {
    const part = names?.[0] === undefined ? undefined : partNamed(names[0]);
    if (part === undefined) return null;
    parts.push(part);
  }
  return new Set(parts).size > 1 ? parts : null;
}

function outsideClasses(
  all: readonly FoundImage[],
  outside: readonly FoundImage[],
  depth: number,
): UsageError {
  const expected = depth === 1 ? 'in a class folder' : `in ${depth} nested class folders`;
  return new UsageError(
    `data: expected every image ${expected} but ${outside.length} of ${plural(all.length, 'image')} ` +
      `${outside.length === 1 ? 'is' : 'are'} not: ${firstFew(outside.map(({ id }) => id))}`,
    {
      hint: 'move them into folders named for their classes, exclude them, or give a label file with labels',
    },
  );
}
