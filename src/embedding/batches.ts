/**
 * @file Feeds a network in batches while the next items are being prepared, in bounded memory and in order.
 */
import { setMaxListeners } from 'node:events';
import { RuntimeError } from '../errors.js';
import type { Session, Tensor } from '../graph/index.js';

/** What one item gives to one input of the network. */
export interface Feed extends Tensor {
  /** For rows of tokens: fills the shorter rows of a batch. Without it all items must have one size. */
  pad?: bigint;
}

/** One item on its way: prepared for the network, or failed on the way there. */
export type Prepared<T> = { item: T; feed: Record<string, Feed> } | { item: T; error: unknown };

export interface BatchOptions<S, T> {
  source: AsyncIterable<S> | Iterable<S>;
  /**
   * Decodes or tokenises one item; started ahead of the network, several at a time. Must not reject. `over` aborts
   * when nobody waits for the item any more.
   */
  prepare(item: S, index: number, over: AbortSignal): Promise<Prepared<T>>;
  /** Items for one run of the network. */
  batchSize: number;
  /** How many items may be in preparation or waiting at a time. */
  ahead: number;
  signal?: AbortSignal | undefined;
}

/** One item after the network, or its error. */
export type Outcome<T> = { item: T; values: Float32Array } | { item: T; error: unknown };

/**
 * Runs `source` through `session` and yields the outcomes in order. While one batch computes, the next is prepared and
 * the previous one is with the consumer. A batch that the network refuses is tried again item by item, so that one
 * bad item is the only one that fails.
 * @throws the signal's reason as soon as it is aborted; what was yielded before stands. What `source` throws, after
 *   the items that it gave before. RuntimeError when the session itself is gone, so that nothing more can be computed.
 */
export async function* inBatches<S, T>(
  session: Session,
  output: string,
  options: BatchOptions<S, T>,
): AsyncGenerator<Outcome<T>[]> {
  const { batchSize, ahead, signal } = options;
  const iterator = iterate(options.source);
  const over = new AbortController();
  setMaxListeners(0, over.signal); // every item on its way listens
  const waiting: Promise<Prepared<T>>[] = [];
  let index = 0;
  let ended = false;
  let broken: { error: unknown } | undefined;
  const take = async (): Promise<IteratorResult<S>> => {
    try {
      return await iterator.next();
    } catch (error) {
      broken = { error }; // thrown when what came before it is done
      return { done: true, value: undefined };
    }
  };
  const refill = async () => {
    while (!ended && waiting.length < ahead) {
      const { done, value } = await unlessAborted(take(), signal);
      if (done) ended = true;
      else waiting.push(options.prepare(value, index++, over.signal));
    }
  };
  let computing: Promise<Outcome<T>[]> | undefined;
  try {
    for (;;) {
      await refill();
      const batch: Prepared<T>[] = [];
      while (waiting.length > 0 && batch.length < batchSize) {
        batch.push(await unlessAborted(waiting.shift()!, signal));
        await refill();
      }
      if (batch.length === 0) break;
      const previous = computing;
      computing = compute(session, output, batch);
      computing.catch(() => undefined); // awaited in the next round
      if (previous) yield await unlessAborted(previous, signal);
    }
    if (computing) yield await unlessAborted(computing, signal);
    if (broken) throw broken.error;
  } finally {
    over.abort();
    const returned = Promise.resolve(iterator.return?.());
    if (signal?.aborted)
      returned.catch(() => undefined); // it may be waiting for an item that never comes
    else await returned;
  }
}

/** Settles as `promise` does, or rejects with the signal's reason as soon as it is aborted. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

async function compute<T>(session: Session, output: string, batch: Prepared<T>[]): Promise<Outcome<T>[]> {
  const good = batch.filter((p): p is Extract<Prepared<T>, { feed: unknown }> => 'feed' in p);
  const outcomes = new Map<Prepared<T>, Outcome<T>>();
  if (good.length > 0) {
    try {
      const rows = await run(
        session,
        output,
        good.map((p) => p.feed),
      );
      for (const [i, p] of good.entries()) outcomes.set(p, { item: p.item, values: rows[i]! });
    } catch (error) {
      if (session.failure) throw session.failure;
      for (const p of good)
        outcomes.set(p, good.length === 1 ? { item: p.item, error } : await alone(session, output, p));
    }
  }
  return batch.map((p) => outcomes.get(p) ?? { item: p.item, error: 'error' in p ? p.error : undefined });
}

async function alone<T>(
  session: Session,
  output: string,
  p: { item: T; feed: Record<string, Feed> },
): Promise<Outcome<T>> {
  try {
    const [values] = await run(session, output, [p.feed]);
    return { item: p.item, values: values! };
  } catch (error) {
    if (session.failure) throw session.failure;
    return { item: p.item, error };
  }
}

/** Stacks the feeds of single items along a new first axis, runs them, and cuts the result into rows. */
async function run(session: Session, output: string, feeds: Record<string, Feed>[]): Promise<Float32Array[]> {
  const n = feeds.length;
  const stacked = Object.fromEntries(
    Object.entries(feeds[0]!).map(([name, first]) => [
      name,
      stack(
        feeds.map((f) => f[name]!),
        first,
      ),
    ]),
  );
  const result = await session.run(stacked, [output]);
  const data = result[output]!.data as Float32Array;
  const size = data.length / n;
  return feeds.map((_, i) => data.slice(i * size, (i + 1) * size));
}

function stack(tensors: Feed[], first: Feed): Tensor {
  const { pad } = first;
  const size = pad === undefined ? first.data.length : Math.max(...tensors.map((t) => t.data.length));
  const data = new (first.data.constructor as Float32ArrayConstructor)(size * tensors.length);
  if (pad !== undefined) (data as unknown as BigInt64Array).fill(pad);
  for (const [i, t] of tensors.entries()) {
    if (t.data.length !== size && pad === undefined)
      throw new RuntimeError(`items of [${first.dims}] and [${t.dims}] do not make one batch`);
    data.set(t.data as Float32Array, i * size);
  }
  return { data, dims: [tensors.length, ...(pad === undefined ? first.dims : [size])] };
}

function iterate<S>(source: AsyncIterable<S> | Iterable<S>): AsyncIterator<S> | Iterator<S> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}
