/** @file Batches through a small network: single failures, and a session that is gone. */
import { describe, expect, it } from 'vitest';
import { inBatches, type Outcome, type Prepared } from '#src/embedding/batches.js';
import { RuntimeError } from '#src/errors.js';
import { Graph, openSession, ops, type Session } from '#src/graph/index.js';

async function plusOne(): Promise<Session> {
  const graph = new Graph();
  graph.output('y', ops.add(graph.input('x', ['N', 2]), 1));
  return openSession(graph, () => expect.unreachable(), { inline: true, threads: 1 });
}

/** Items are numbers; the number 13 becomes a row of another width, which the network refuses. */
async function prepare(item: number): Promise<Prepared<number>> {
  const width = item === 13 ? 3 : 2;
  return { item, feed: { x: { data: new Float32Array(width).fill(item), dims: [width] } } };
}

describe('inBatches', () => {
  it('gives every item its own answer when one of its batch is refused', async () => {
    const session = await plusOne();
    const outcomes: Outcome<number>[] = [];
    const source = [10, 13, 11, 12, 14, 15];
    for await (const batch of inBatches(session, 'y', { source, prepare, batchSize: 4, ahead: 8 }))
      outcomes.push(...batch);
    await session.release();
    expect(outcomes.map((o) => ('values' in o ? [...o.values] : o.item))).toEqual([
      [11, 11],
      13,
      [12, 12],
      [13, 13],
      [15, 15],
      [16, 16],
    ]);
  });

  it('ends when the session is gone, instead of failing every item that is left', async () => {
    const session = await plusOne();
    let taken = 0;
    function* endless() {
      for (;;) yield taken++ % 10;
    }
    const run = (async () => {
      for await (const _ of inBatches(session, 'y', { source: endless(), prepare, batchSize: 2, ahead: 4 }))
        if (taken > 10) await session.release();
    })();
    await expect(run).rejects.toThrow(new RuntimeError('the session was released'));
    expect(taken).toBeLessThan(40);
  });
});
