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
  // One promise an item: racing every item against one promise that lives as long would keep them all.
  let end: () => void = () => undefined;
  const next = (): Promise<IteratorResult<T>> =>
    new Promise((resolve, reject) => {
      end = () => resolve({ done: true, value: undefined });
      iterator.next().then(resolve, reject);
    });
  const onAbort = (): void => end();
  stop.addEventListener('abort', onAbort);
  try {
    while (!stop.aborted) {
      const result = await next();
      if (result.done) return;
      yield result.value;
    }
  } finally {
    stop.removeEventListener('abort', onAbort);
    // Not awaited: it would wait for an item that the source may never find.
    iterator.return?.()?.catch(() => undefined);
  }
}
