/** @file Texts from a file or a stream, one a line. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { UsageError } from '../errors.js';

/** A text and what it is called in results. */
export interface TextItem {
  id: string;
  text: string;
}

/**
 * The lines of a UTF-8 file, or of standard input for `-`; blank lines are passed over. Ids are `file:line`, lines
 * counted from 1 as editors do, so that the same text may occur twice.
 * @throws UsageError when there is no such file.
 */
export async function* textLines(file: string): AsyncGenerator<TextItem> {
  if (file !== '-' && !(await stat(file).catch(() => undefined))?.isFile())
    throw new UsageError(`no file of texts "${file}"`, {
      hint: 'it holds one text a line; "-" reads standard input',
    });
  const input = file === '-' ? process.stdin : createReadStream(file);
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    const text = (number === 1 ? line.replace(/^\uFEFF/, '') : line).trim();
    if (text !== '') yield { id: `${file}:${number}`, text };
  }
}

/** How many texts {@link textLines} will give; undefined for standard input. */
export async function countTexts(file: string): Promise<number | undefined> {
  if (file === '-') return undefined;
  let count = 0;
  for await (const _ of textLines(file)) count++;
  return count;
}
