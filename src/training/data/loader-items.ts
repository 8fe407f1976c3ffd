/** @file Images that the caller holds in memory, moved once to where all loading threads can read them. */
import { UsageError } from '../../errors.js';
import type { LoaderItem } from './loader-batch.js';

/** Several loaders over one list (training, validation) share the copy. */
const shared = new WeakMap<readonly LoaderItem[], readonly LoaderItem[]>();

/**
 * The same items, bytes and pixels among them in one block of shared memory; the list must not change afterwards.
 * @throws UsageError for an input that threads cannot be handed: a stream, a Blob.
 */
export function shareItems(items: readonly LoaderItem[]): readonly LoaderItem[] {
  const known = shared.get(items);
  if (known !== undefined) return known;
  const bytes = items.map(bytesOf);
  const block = new SharedArrayBuffer(bytes.reduce((sum, held) => sum + (held?.length ?? 0), 0));
  let end = 0;
  const moved = items.map(({ id, input }, i): LoaderItem => {
    const held = bytes[i];
    if (held === undefined || typeof input === 'string') return { id, input };
    const data = new Uint8Array(block, end, held.length);
    end += held.length;
    data.set(held);
    if (input instanceof Uint8Array) return { id, input: data };
    const { width, height, channels = 3 } = input;
    return { id, input: { data, width, height, channels } };
  });
  shared.set(items, moved);
  return moved;
}

function bytesOf({ id, input }: LoaderItem): Uint8Array | undefined {
  if (typeof input === 'string') return undefined;
  if (input instanceof Uint8Array) return input;
  if (typeof input === 'object' && input !== null && 'width' in input && input.data instanceof Uint8Array) {
    return input.data;
  }
  throw new UsageError(
    `Expected a path, a URL, bytes or pixels for the input of ${id} but received another`,
    {
      hint: 'read streams and Blobs into a Uint8Array first',
    },
  );
}
