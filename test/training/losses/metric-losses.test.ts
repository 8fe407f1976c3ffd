/**
 * @file Every metric loss and miner against pytorch-metric-learning in float64: the value and the gradients
 * (fixtures/training/losses/make_losses.py); starting numbers; refusals.
 */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { GraphError, UsageError } from '#src/errors.js';
import { Graph, type Value } from '#src/graph/index.js';
import {
  type LossParameter,
  METRIC_LOSSES,
  type MetricLossOptions,
  metricLoss,
  pairContrastive,
  tripletRows,
} from '#src/training/losses/index.js';
import { compute, deviation, type Packed, unpack } from './compute.js';

interface Input {
  pattern: string;
  kind: string;
  seed: number;
  embeddings: Packed;
  labels: number[];
  classes: number;
}
interface Case {
  input: number;
  loss: MetricLossOptions['name'];
  options: Record<string, number | boolean>;
  mining?: [string, number | null];
  value: number;
  gradient: Packed;
  parameter?: Packed;
  parameterGradient?: Packed;
}
interface Rows {
  kind: 'pairs' | 'triplets';
  options: Record<string, number | boolean>;
  rows: Packed[];
  same?: number[];
  value: number;
  gradients: Packed[];
}
const { inputs, cases, rows } = JSON.parse(
  readFileSync(new URL('../../fixtures/training/losses/metric-losses.json', import.meta.url), 'utf8'),
) as { inputs: Input[]; cases: Case[]; rows: Rows[] };

const NAMES: Record<string, string> = {
  pos_margin: 'posMargin',
  neg_margin: 'negMargin',
  smooth_loss: 'smoothLoss',
  normalize: 'normalizeEmbeddings',
};

function namesOf(options: Case['options']): object {
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [NAMES[key] ?? key, value]));
}

function optionsOf({ loss, options, mining }: Pick<Case, 'loss' | 'options' | 'mining'>): MetricLossOptions {
  const result: Record<string, unknown> = { name: loss, ...namesOf(options) };
  if (mining && loss === 'multi-similarity') Object.assign(result, { mining: true, epsilon: mining[1] });
  if (mining && loss === 'triplet') Object.assign(result, { triplets: mining[0] });
  if (mining?.[0] === 'semi-hard') result.miningMargin = mining[1];
  return result as unknown as MetricLossOptions;
}

const TOLERANCE = 1e-5;

describe('metric losses equal pytorch-metric-learning', () => {
  const worst = new Map<string, [value: number, gradient: number]>();
  afterAll(() => {
    if (process.env.SHOW_DEVIATIONS) console.table([...worst].map(([name, [v, g]]) => ({ name, v, g })));
  });

  it.each(
    cases.map(
      (c) =>
        [
          c.loss,
          JSON.stringify(c.options),
          c.mining ?? '',
          inputs[c.input]!.pattern,
          inputs[c.input]!.kind,
          c,
        ] as const,
    ),
  )('%s %s %s: %s, %s', async (_loss, _options, _mining, _pattern, _kind, c) => {
    const input = inputs[c.input]!;
    const options = optionsOf(c);
    const loss = metricLoss(options, input.classes);
    const dimension = input.embeddings.shape[1]!;
    const parameters = new Map<string, LossParameter>();
    for (const [name, { shape }] of loss.parameters(dimension, 0)) {
      expect(shape).toEqual(c.parameter!.shape);
      parameters.set(name, { shape, data: unpack(c.parameter!) });
    }
    const result = await compute(
      [{ shape: input.embeddings.shape, data: unpack(input.embeddings) }],
      ([embeddings, labels]) => loss.build(embeddings!, labels!),
      { labels: input.labels, parameters },
    );
    const value = deviation([result.value], [c.value]);
    const expected = [c.gradient, ...(c.parameterGradient ? [c.parameterGradient] : [])];
    const gradient = Math.max(...expected.map((g, i) => deviation(result.gradients[i]!, unpack(g))));
    const key = [c.loss, c.mining?.[0]].filter(Boolean).join(', ');
    const before = worst.get(key) ?? [0, 0];
    worst.set(key, [Math.max(before[0], value), Math.max(before[1], gradient)]);
    expect(value).toBeLessThan(TOLERANCE);
    expect(gradient).toBeLessThan(TOLERANCE);
  });

  it.each(rows.map((r) => [r.kind, JSON.stringify(r.options), r] as const))(
    'listed %s %s',
    async (_k, _o, r) => {
      const options = namesOf(r.options);
      const result = await compute(
        r.rows.map((p) => ({ shape: p.shape, data: unpack(p) })),
        ([a, b, c]) =>
          r.kind === 'pairs' ? pairContrastive(a!, b!, c!, options) : tripletRows(a!, b!, c!, options),
        r.same ? { labels: r.same } : {},
      );
      expect(deviation([result.value], [r.value])).toBeLessThan(TOLERANCE);
      r.gradients.forEach((g, i) => {
        expect(deviation(result.gradients[i]!, unpack(g))).toBeLessThan(TOLERANCE);
      });
    },
  );
});

describe('degenerate batches', () => {
  const zero = new Float32Array(6 * 4);
  const constant = new Float32Array(6 * 4).fill(0.7);
  const labels = [0, 0, 1, 1, 2, 2];
  const variants: MetricLossOptions[] = [
    ...METRIC_LOSSES.map((name) => ({ name }) as MetricLossOptions),
    { name: 'triplet', triplets: 'batch-hard', swap: true },
    { name: 'triplet', triplets: 'semi-hard', smoothLoss: true },
    { name: 'contrastive', normalizeEmbeddings: false },
    { name: 'multi-similarity', mining: true },
  ];
  it.each(variants.map((v) => [JSON.stringify(v), v] as const))(
    '%s: finite where all embeddings are equal, and where all are zero',
    async (_, options) => {
      const loss = metricLoss(options, 3);
      for (const data of [constant, zero]) {
        const result = await compute(
          [{ shape: [6, 4], data }],
          ([embeddings, y]) => loss.build(embeddings!, y!),
          { labels, parameters: loss.parameters(4, 1) },
        );
        expect(Number.isFinite(result.value)).toBe(true);
        expect(result.gradients.every((g) => g.every(Number.isFinite))).toBe(true);
      }
    },
  );

  it('measures equal rows as equal, wherever they are in a large batch', async () => {
    const [n, d] = [97, 200];
    const data = Float32Array.from({ length: n * d }, (_, i) => Math.sin(i * 1.7) * 3);
    for (const row of [7, 50, 96]) data.copyWithin(row * d, 0, d);
    const labels97 = Array.from({ length: n }, (_, i) => ([0, 7, 50, 96].includes(i) ? 0 : i + 1));
    const loss = metricLoss({ name: 'contrastive', negMargin: 0 }, n);
    const { value } = await compute([{ shape: [n, d], data }], ([x, y]) => loss.build(x!, y!), {
      labels: labels97,
    });
    expect(value).toBe(0);
  });
});

describe('learned tensors', () => {
  it('starts proxies and directions as pytorch-metric-learning does, the same for a seed', () => {
    const deviationOf = (x: Float32Array) => Math.sqrt(x.reduce((s, v) => s + v * v, 0) / x.length);
    const proxies = metricLoss({ name: 'proxy-anchor' }, 50);
    const first = proxies.parameters(400, 3).get('loss.proxies')!;
    expect(first.shape).toEqual([50, 400]);
    expect(deviationOf(first.data)).toBeCloseTo(Math.sqrt(2 / 50), 2);
    expect(proxies.parameters(400, 3).get('loss.proxies')!.data).toEqual(first.data);
    expect(proxies.parameters(400, 4).get('loss.proxies')!.data).not.toEqual(first.data);
    const w = metricLoss({ name: 'arcface' }, 50).parameters(400, 3).get('loss.W')!;
    expect(w.shape).toEqual([400, 50]);
    expect(deviationOf(w.data)).toBeCloseTo(1, 1);
  });
});

describe('refusals', () => {
  const wrong: [MetricLossOptions, RegExp][] = [
    [
      { name: 'triplett' } as unknown as MetricLossOptions,
      /expected one of contrastive, .* but received triplett/,
    ],
    [
      { name: 'triplet', margins: 1 } as unknown as MetricLossOptions,
      /triplet loss: there is no option "margins"/,
    ],
    [{ name: 'triplet', margin: -1 }, /expected a number of at least 0 for margin but received -1/],
    [{ name: 'ntxent', temperature: 0 }, /expected a number above 0 for temperature but received 0/],
    [{ name: 'supcon', temperature: Number.NaN }, /for temperature/],
    [
      { name: 'triplet', triplets: 'easy' } as unknown as MetricLossOptions,
      /one of all, semi-hard, hard, batch-hard/,
    ],
    [{ name: 'contrastive', normalizeEmbeddings: 1 } as unknown as MetricLossOptions, /true or false/],
  ];
  it.each(wrong)('%j', (options, message) => {
    expect(() => metricLoss(options, 3)).toThrow(UsageError);
    expect(() => metricLoss(options, 3)).toThrow(message);
  });

  it('shapes and types that do not fit', () => {
    const graph = new Graph();
    const x = graph.input('x', [4, 8]);
    const loss = metricLoss({ name: 'supcon' }, 2);
    const refuse = (embeddings: Value, labels: Value) =>
      expect(() => loss.build(embeddings, labels)).toThrow(GraphError);
    refuse(x, graph.input('five', [5], 'int64'));
    refuse(x, graph.input('floats', [4]));
    refuse(graph.input('free', ['N', 8]), graph.input('y', [4], 'int64'));
    expect(() => pairContrastive(x, x, graph.input('same', [3]))).toThrow(/do not fit/);
    expect(() => tripletRows(x, x, graph.input('n', [4, 7]))).toThrow(/three equal shapes/);
    expect(() => metricLoss({ name: 'arcface' }, 0)).toThrow(UsageError);
  });
});
