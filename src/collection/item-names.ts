/** @file Which item a row of a table is about. */
import path from 'node:path';
import { FormatError } from '../errors.js';
import { isImageName } from '../image/expand-names.js';

/** Columns that say which image a row is about, in the order in which they are looked for. */
const JOINS = ['id', 'path', 'file', 'filename', 'file_name', 'filepath', 'image', 'image_path'];

/**
 * The column of a table that names the images: `id`, `path`, `file`, `filename` or `image`, else the first that holds
 * the name of an image file.
 * @throws FormatError when there is none.
 */
export function joinColumn(file: string, record: Record<string, unknown>): string {
  const names = Object.keys(record);
  const usual = JOINS.find((name) => names.includes(name));
  const found = usual ?? names.find((name) => typeof record[name] === 'string' && isImageName(record[name]));
  if (found !== undefined) return found;
  throw new FormatError(file, `no column says which image a row is about; there are ${names.join(', ')}`, {
    hint: `call it ${JOINS.slice(0, 4).join(', ')} or image`,
  });
}

/**
 * Finds the item that a name stands for, however its accents are composed: that of this path, else of this file name,
 * else of this file name without its ending, where there is just one. Holds all ids.
 * @param root the folder of images, where there is one: names may lead there, too
 */
export function itemFinder(
  all: Iterable<string>,
  root: string | undefined,
): (name: string) => string | undefined {
  const ids = new Map<string, string>();
  for (const id of all) ids.set(id.normalize(), id);
  let byName: ReadonlyMap<string, string | null> | undefined;
  const base = root === undefined ? '' : `${slashes(root).replace(/\/+$/, '')}/`;
  const folder = path.posix.basename(base);
  return (given) => {
    let name = slashes(given).replace(/^(\.\/)+/, '');
    if (base !== '' && name.startsWith(base)) name = name.slice(base.length);
    const below = name.startsWith(`${folder}/`) ? name.slice(folder.length + 1) : name;
    const found = ids.get(name) ?? ids.get(below);
    if (found !== undefined) return found;
    byName ??= namesOf(ids);
    return byName.get(path.posix.basename(name)) ?? undefined;
  };
}

/** Ids by the names of their files with and without ending; null for a name that several have. */
function namesOf(ids: ReadonlyMap<string, string>): Map<string, string | null> {
  const names = new Map<string, string | null>();
  for (const [written, id] of ids) {
    const name = path.posix.basename(written);
    for (const called of new Set([name, path.posix.parse(name).name]))
      names.set(called, names.has(called) ? null : id);
  }
  return names;
}

/** A longer list of numbers is a vector, and not metadata. */
const LONGEST_LIST = 16;

/** A row without what is a vector and no metadata. */
export function withoutVectors(record: Record<string, unknown>): Record<string, unknown> {
  const isVector = (value: unknown) =>
    (Array.isArray(value) || ArrayBuffer.isView(value)) && (value as unknown[]).length > LONGEST_LIST;
  return Object.fromEntries(Object.entries(record).filter(([, value]) => !isVector(value)));
}

function slashes(name: string): string {
  return name.normalize().replaceAll('\\', '/');
}
