/** @file Labels for the items of a collection, from the vectors that it has: no image is read. */
import { type Choice, classify, type LabelBankOptions, labelBank } from '../embedding/zero-shot.js';
import { UsageError } from '../errors.js';
import type { Collection } from './collection.js';
import { RESERVED_COLUMNS } from './columns.js';
import type { Filter } from './filter.js';
import { spaceFor } from './query-space.js';

/** Options of {@link labelItems}. */
export interface LabelItemsOptions extends LabelBankOptions {
  /** The space, by its model. @default the one that answers texts */
  model?: string | undefined;
  /** Labels of each item. @default 1 */
  topK?: number | undefined;
  /** Only these items. */
  filter?: Filter | undefined;
  /**
   * A text column that receives each item's likeliest label, null for "none of these"; it is added where it is
   * missing. Its cells are on the disk before an item is given back.
   */
  save?: string | undefined;
}

/** An item with its labels, the likeliest first. */
export interface LabelledItem {
  id: string;
  labels: Choice[];
}

/**
 * Labels items in batches, in no particular order.
 * @throws UsageError when no space has texts, or `save` names a column that cannot be one of labels; and as
 *   `labelBank`.
 */
export async function* labelItems(
  collection: Collection,
  labels: readonly string[],
  options: LabelItemsOptions = {},
): AsyncGenerator<LabelledItem[]> {
  const { model, topK = 1, filter, save } = options;
  if (save !== undefined && (RESERVED_COLUMNS.has(save) || !/^[\p{L}_][\p{L}\p{N}_]*$/u.test(save)))
    throw new UsageError(`save: expected the name of a column of your own but received "${save}"`, {
      hint: 'letters, digits and _, and none of the names that every collection has',
    });
  await collection.refresh();
  const space = spaceFor(collection, [{ text: labels[0] ?? '', weight: 1 }], model);
  const bank = await labelBank(await collection.embedderOf(space), labels, options);
  const { items } = await collection.tablesOf(space);
  if (save !== undefined) await items.addColumns([{ name: save, type: 'text' }]);
  for await (const { ids, vectors } of items.scan({ vectors: true, filter })) {
    const { dimension } = items;
    const rows = ids.map((_, i) => vectors.subarray(i * dimension, (i + 1) * dimension));
    const found = classify(rows, bank, { topK }).map((choices, i) => ({ id: ids[i]!, labels: choices }));
    if (save !== undefined)
      await items.update(ids, { [save]: found.map(({ labels: [best] }) => best?.text ?? null) });
    yield found;
  }
  if (save !== undefined) await items.optimize(); // every row has been written anew
}
