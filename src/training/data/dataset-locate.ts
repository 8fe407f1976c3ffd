/** @file The images that a label file names: where they are, and which are not there. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { FormatError, type ItemFailure } from '../../errors.js';
import { archiveKind } from '../../image/expand-names.js';
import { listImages } from './dataset-images.js';
import { firstFew, plural } from './dataset-text.js';

/** Where named images are. */
export interface Located {
  /** Paths or bytes by the name in the label file; names that are missing are missing here. */
  inputs: Map<string, string | Uint8Array>;
  unreadable: ItemFailure[];
}

/** Files looked for at the same time. */
const AT_ONCE = 64;

/** Looks for `names` below a folder, or among the members of an archive. URLs are taken as they are. */
export async function locate(names: Iterable<string>, root: string): Promise<Located> {
  return archiveKind(root) === undefined ? locateFiles([...names], root) : locateMembers([...names], root);
}

async function locateFiles(names: readonly string[], root: string): Promise<Located> {
  const inputs = new Map<string, string>();
  let next = 0;
  const look = async (): Promise<void> => {
    for (let name = names[next++]; name !== undefined; name = names[next++]) {
      const input = isUrl(name) ? name : path.resolve(root, name);
      if (isUrl(name) || (await stat(input).catch(() => undefined))?.isFile()) inputs.set(name, input);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, look));
  return { inputs, unreadable: [] };
}

/** Members by their whole path in the archive, or by the path below its outermost folder. */
async function locateMembers(names: readonly string[], archive: string): Promise<Located> {
  const wanted = new Set(names);
  const nameOf = (member: string): string | undefined =>
    [member, member.slice(member.indexOf('/') + 1)].find((name) => wanted.has(name));
  const found = await listImages([archive], { wanted: (member) => nameOf(member) !== undefined });
  const inputs = new Map<string, string | Uint8Array>();
  for (const { id, input } of found.images) inputs.set(nameOf(id)!, input);
  return { inputs, unreadable: found.unreadable.map((failure) => ({ ...failure, id: nameOf(failure.id)! })) };
}

function isUrl(name: string): boolean {
  return /^(https?:\/\/|file:|data:)/i.test(name);
}

/** The error for images that a label file names and that are not there. */
export function missingImages(
  file: string,
  missing: readonly { name: string; where: string }[],
  all: number,
  root: string,
): FormatError {
  const few = firstFew(missing.map(({ name, where }) => `${name} (${where})`));
  const none = missing.length === all;
  return new FormatError(
    file,
    `expected every image that it names in ${root}, but ${none ? 'all' : missing.length} of ${plural(all, 'image')} ` +
      `${missing.length === 1 ? 'is' : 'are'} missing: ${few}`,
    {
      hint: none
        ? 'say with images in which folder or archive the paths start'
        : "correct the file, or leave those rows out with onMissing: 'skip'",
    },
  );
}
