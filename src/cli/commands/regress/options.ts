/** @file Options that the commands of `regress` share. */
import type { ItemOptions } from '../../../analysis/index.js';
import { UsageError } from '../../../errors.js';
import type { OptionSpecs } from '../../command.js';

export const ITEM_OPTIONS = {
  item: {
    type: 'string',
    value: 'PATTERN|COLUMN',
    group: 'items',
    help:
      'what says which item an image belongs to, where items have several: a column, or a regular expression on the ' +
      'path, whose first group is the item and whose second is the role of the image',
  },
  role: {
    type: 'string',
    value: 'COLUMN',
    group: 'items',
    help: 'says what an image shows of its item (by default the second group of --item)',
  },
} as const satisfies OptionSpecs;

/** `--item`: a pattern where it has a group, else a column. @throws UsageError for a pattern that is none */
export function itemOf(text: string | undefined): ItemOptions['item'] {
  if (text === undefined || !text.includes('(')) return text;
  try {
    return new RegExp(text, 'u');
  } catch (cause) {
    throw new UsageError(`--item: ${(cause as Error).message}`, {
      cause,
      hint: String.raw`such as "(\d+)_(\w+)" for 12_kitchen.jpg: the item 12, the role kitchen`,
    });
  }
}
