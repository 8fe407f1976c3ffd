/** @file Ends a sequence on request. */

/**
 * The same items, until `stop` is aborted: then it ends at once, even while the source is still looking for its next
 * item (a list that someone types, say).
 */
export async function* until<T>(source: AsyncIterable<T>, stop: AbortSignal | undefined): AsyncGenerator<T> {
  if (!stop) {
    yield* source;
    return;
  }
  const iterator = source[Symbol.asyncIterator]();
  let stopped: () => void = () => undefined;
  const end = new Promise<IteratorResult<T>>((resolve) => {
    stopped = () => resolve({ done: true, value: undefined });
  });
  stop.addEventListener('abort', stopped);
  try {
    while (!stop.aborted) {
      const result = await Promise.race([iterator.next(), end]);
      if (result.done) return;
      yield result.value;
    }
  } finally {
    stop.removeEventListener('abort', stopped);
    // Not awaited: it would wait for an item that the source may never find.
    iterator.return?.()?.catch(() => undefined);
  }
}
