/** @file The derivative of every operator against PyTorch's in float64 (fixtures/graph/make_gradients.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Graph, gradients, openSession, ops, type Value } from '#src/graph/index.js';
import { differences, dtypeOf, float32, type Packed, tensor } from './packed.js';

interface Case {
  op: keyof typeof ops;
  /** `{ $: i }` stands for input i, at any depth. */
  args: unknown[];
  inputs: Packed[];
  dys: (Packed | null)[];
  gradients: (Packed | null)[];
}
const cases = JSON.parse(
  readFileSync(new URL('../fixtures/graph/gradients.json', import.meta.url), 'utf8'),
) as Case[];

function withInputs(argument: unknown, inputs: Value[]): unknown {
  if (Array.isArray(argument)) return argument.map((a) => withInputs(a, inputs));
  if (typeof argument !== 'object' || argument === null) return argument;
  if ('$' in argument) return inputs[argument.$ as number];
  return Object.fromEntries(Object.entries(argument).map(([k, v]) => [k, withInputs(v, inputs)]));
}

/** Σ dy · y over the results that have a dy. */
function weightedSum(results: Value[], dys: (Value | null)[]): Value {
  return results
    .flatMap((y, i) => (dys[i] ? [ops.sum(ops.mul(y, dys[i]), [...y.shape.keys()])] : []))
    .reduce((a, b) => ops.add(a, b));
}

function title({ op, args, inputs }: Case): string {
  const options = args.filter((a) => typeof a !== 'object' || (a !== null && !('$' in a)));
  return `${op} ${inputs.map((i) => `[${i.shape}]`).join(' ')} ${JSON.stringify(options)}`;
}

describe('gradients equal those of PyTorch in float64', () => {
  it.each(cases.map((c, i) => [`${i} ${title(c)}`, c] as const))('%s', async (_, c) => {
    const graph = new Graph(c.op);
    const inputs = c.inputs.map((t, i) => graph.input(`x${i}`, t.shape, dtypeOf(t)));
    const dys = c.dys.map((t, i) => t && graph.input(`dy${i}`, t.shape));
    const build = ops[c.op] as unknown as (...args: unknown[]) => Value | Value[];
    const results = [build(...(c.args.map((a) => withInputs(a, inputs)) as never[]))].flat();
    const wrt = inputs.filter((_, i) => c.gradients[i]);
    gradients(weightedSum(results, dys), wrt).forEach((g, i) => {
      expect(g.shape).toEqual(wrt[i]!.shape);
      graph.output(`d${wrt[i]!.name}`, g);
    });

    const session = await openSession(graph, () => expect.unreachable(), { inline: true, threads: 1 });
    const feeds = Object.fromEntries(session.inputs.map(({ name }) => [name, tensor(fed(c, name))]));
    const found = await session.run(feeds);
    await session.release();
    c.gradients.forEach((expected, i) => {
      if (expected) expect(differences(found[`dx${i}`]!, float32(expected))).toBeLessThan(2e-6);
    });
  });
});

function fed(c: Case, name: string): Packed {
  return name.startsWith('dy') ? c.dys[Number(name.slice(2))]! : c.inputs[Number(name.slice(1))]!;
}

describe('what has no derivative', () => {
  it('stops where it is told to', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const loss = ops.sum(ops.mul(x, ops.stopGradient(ops.exp(x))), [0]);
    graph.output('dx', gradients(loss, [x])[0]!);
    const session = await openSession(graph, () => expect.unreachable(), { inline: true, threads: 1 });
    const { dx } = await session.run({ x: { data: Float32Array.of(0, 1), dims: [2] } });
    await session.release();
    expect([...(dx!.data as Float32Array)]).toEqual([1, Math.fround(Math.E)]);
  });

  it.each([
    [
      'a loss of several numbers',
      (x: Value) => gradients(x, [x]),
      /expected one element but received \[2, 3\]/,
    ],
    [
      'a value that the loss does not need',
      (x: Value) => gradients(ops.sum(x, [0, 1]), [x.graph.parameter('w', [1])]),
      /the loss does not depend on "w"/,
    ],
    [
      'an operator without a rule',
      (x: Value) => gradients(ops.sum(x.graph.node('Floor', [x], x.shape), [0, 1]), [x]),
      /Floor has no derivative/,
    ],
  ])('refuses %s', (_, build, message) => {
    expect(() => build(new Graph().input('x', [2, 3]))).toThrow(message);
  });
});
