/**
 * @file The picture of a run: that what is drawn lies where its numbers say, and that both files can be opened.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { Random } from '#src/random.js';
import { curvesSvg, writeCurves } from '#src/training/curves.js';
import { linearAxis, logAxis } from '#src/training/curves-axis.js';
import { type LogRecord, TrainingLog } from '#src/training/log.js';

const folder = mkdtempSync(path.join(tmpdir(), 'curves-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A run whose loss falls from `from` to `to` by the same factor in every step. */
function run(epochs: number, perEpoch: number, from: number, to: number, noise = 0): LogRecord[] {
  const random = new Random(1, 'curve');
  const steps = epochs * perEpoch;
  return Array.from({ length: steps }, (_, i): LogRecord[] => {
    const step = i + 1;
    const epoch = Math.floor(i / perEpoch) + 1;
    const loss = from * (to / from) ** (i / Math.max(1, steps - 1)) * Math.exp(noise * random.normal());
    const record = { step, epoch, loss, seconds: step };
    const metrics = { psnr: 10 + epoch, 'map@r': epoch / 10, 'precision@1': null, loss: loss * 1.1 };
    return step % perEpoch === 0
      ? [
          { ...record, type: 'step', lr: 0.01, gradNorm: 1 },
          { ...record, type: 'epoch', metrics, best: epoch === 3 },
        ]
      : [{ ...record, type: 'step', lr: 0.01, gradNorm: 1 }];
  }).flat();
}

/** The points of the lines of a colour, in pixels. */
const lines = (svg: string, colour: string) =>
  [...svg.matchAll(new RegExp(`<path d="(M[^"]*)" fill="none" stroke="${colour}"`, 'g'))].map(([, d]) =>
    d!
      .slice(1)
      .split('L')
      .map((pair) => pair.split(' ').map(Number) as [number, number]),
  );
/** Labels with their places. */
const texts = (svg: string) =>
  [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</g)].map(([, x, y, label]) => ({
    x: Number(x),
    y: Number(y),
    label: label!,
  }));

it.each(['linear', 'log'] as const)('draws the loss where the %s axis says', (scale) => {
  const records = run(4, 10, 8, 1);
  const svg = curvesSvg(records, { scale });
  const training = lines(svg, '#0072b2')[0]!;
  expect(training.length).toBe(40);
  // The axis as a reader takes it from two of its labels, which are 4 pixels below their lines.
  const label = (name: string) => texts(svg).find((t) => t.label === name && t.x < 76)!.y - 4;
  const [a, b] = scale === 'log' ? ['1', '5'] : ['2', '6'];
  const f = scale === 'log' ? Math.log : (x: number) => x;
  const read = (y: number) =>
    f(Number(a)) + ((y - label(a)) / (label(b) - label(a))) * (f(Number(b)) - f(Number(a)));
  const losses = records.filter((r) => r.type === 'step').map((r) => r.loss);
  training.forEach(([, y], i) => {
    expect(Math.abs(read(y) - f(losses[i]!))).toBeLessThan(0.01);
  });
  const [first, second] = ['1', '3'].map((epoch) => texts(svg).find((t) => t.label === epoch && t.x > 76)!.x);
  expect(training[9]![0]).toBeCloseTo(first!, 1);
  expect(training[29]![0]).toBeCloseTo(second!, 1);
});

it('has a panel for each kind of number and says which epoch was best', () => {
  const labels = texts(curvesSvg(run(4, 10, 8, 1), { title: 'a < b & c' })).map((t) => t.label);
  for (const label of [
    'a &lt; b &amp; c',
    'loss',
    'validation: psnr, dB',
    'validation: map@r',
    'learning rate',
    'epoch',
    'validation',
    'best epoch: 3 (dashed line)',
  ])
    expect(labels).toContain(label);
  expect(labels).not.toContain('precision@1'); // never a number
});

it('smooths noise without being late, and draws few points for many steps', () => {
  const svg = curvesSvg(run(10, 20_000, 50, 1, 0.3));
  const [noise, mean] = lines(svg, '#0072b2');
  expect(noise!.length).toBeLessThan(1300);
  // On the logarithmic axis that this run gets, the mean is a straight line.
  const [x0, y0] = mean![60]!;
  const [x1, y1] = mean!.at(-60)!;
  const off = mean!.slice(60, -60).map(([x, y]) => Math.abs(y - y0 - ((x - x0) / (x1 - x0)) * (y1 - y0)));
  expect(Math.max(...off)).toBeLessThan(6);
  expect(svg.length).toBeLessThan(100_000);
});

it('draws a run of one step, and one without a finished epoch', () => {
  for (const records of [run(1, 1, 2, 2).slice(0, 1), run(1, 50, 2, 1).slice(0, 20)]) {
    const svg = curvesSvg(records);
    expect(svg).not.toMatch(/NaN|Infinity/);
    expect(texts(svg).map((t) => t.label)).toContain('step');
  }
});

it('writes both files', async () => {
  const file = path.join(folder, 'log.jsonl');
  const base = path.join(folder, 'curves');
  const log = TrainingLog.open(file);
  await expect(writeCurves(base, file)).rejects.toThrow(/log.jsonl: expected a line for at least one step/);
  for (const record of run(4, 10, 8, 1)) log.write(record);
  log[Symbol.dispose]();
  await writeCurves(base, file);
  expect(readFileSync(`${base}.svg`, 'utf8')).toMatch(/^<svg xmlns/);
  const { width, height } = await sharp(`${base}.svg`).metadata();
  const { data, info } = await sharp(`${base}.png`).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([2 * width, 2 * height]);
  const isInk = (i: number) => data[i]! < 20 && data[i + 1]! > 90 && data[i + 1]! < 140 && data[i + 2]! > 160; // #0072b2
  let ink = 0;
  for (let i = 0; i < data.length; i += 3) if (isInk(i)) ink++;
  expect(ink).toBeGreaterThan(1000);
});

it('puts ticks at round numbers', () => {
  const ticks = (low: number, high: number, round = true) =>
    linearAxis([low, high], [0, 100], 5, round).ticks.map((t) => t.label);
  expect(ticks(0.13, 0.87)).toEqual(['0', '0.2', '0.4', '0.6', '0.8', '1.0']);
  expect(ticks(0, 0.00042)).toEqual(['0', '1e-4', '2e-4', '3e-4', '4e-4', '5e-4']);
  expect(ticks(19.2, 27.9)).toEqual(['18', '20', '22', '24', '26', '28']);
  expect(ticks(0, 23, false)).toEqual(['0', '5', '10', '15', '20']);
  expect(ticks(3, 3).length).toBeGreaterThan(1);
  expect(logAxis([0.0012, 0.6], [0, 100]).ticks.map((t) => t.label)).toEqual(['0.001', '0.01', '0.1']);
  expect(logAxis([0.012, 0.6], [0, 100]).ticks.map((t) => t.label)).toEqual([
    '0.02',
    '0.05',
    '0.1',
    '0.2',
    '0.5',
  ]);
});
