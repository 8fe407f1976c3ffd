/**
 * @file A picture of a training run from its log: loss, validation metrics and learning rate over the epochs, as SVG
 * that stands alone and as PNG.
 */
import sharp from 'sharp';
import { writeFailure } from '../embedding/formats/files.js';
import { FormatError } from '../errors.js';
import { writeAtomically } from '../models/cache.js';
import { drawPanel, FRAME, type Panel, type Point, type Series, text } from './curves-panel.js';
import { type EpochLogRecord, type LogRecord, readLog, type StepRecord } from './log.js';

/** How curves are drawn. */
export interface CurveOptions {
  /** @default 'Training curves' */
  title?: string | undefined;
  /** Of the loss. @default log where the loss falls to less than a twentieth */
  scale?: 'linear' | 'log' | undefined;
}

/** Colours that people with any colour vision tell apart (Okabe & Ito, 2008). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7a5c00', '#444444'];
/** More points than this are drawn as the least and greatest of each group. */
const MAX_POINTS = 1200;
/** PNG pixels for one of the SVG's. */
const PNG_SCALE = 2;

/**
 * Writes `<base>.svg` and `<base>.png` from a log of `TrainingLog`.
 * @throws FormatError when the log cannot be read or has no record, or the pictures cannot be written.
 */
export async function writeCurves(base: string, log: string, options: CurveOptions = {}): Promise<void> {
  const records = readLog(log);
  if (records.length === 0) throw new FormatError(log, 'expected a line for at least one step');
  const svg = curvesSvg(records, options);
  const png = await sharp(Buffer.from(svg), { density: 72 * PNG_SCALE })
    .png({ palette: true })
    .toBuffer();
  for (const [file, content] of [
    [`${base}.svg`, svg],
    [`${base}.png`, png],
  ] as const)
    await writeAtomically(file, content).catch((error) => {
      throw writeFailure(file, error);
    });
}

/** The picture as SVG. */
export function curvesSvg(records: readonly LogRecord[], options: CurveOptions = {}): string {
  const steps = records.filter((r): r is StepRecord => r.type === 'step');
  const epochs = records.filter((r): r is EpochLogRecord => r.type === 'epoch');
  const perEpoch = epochs.length > 0 ? epochs[0]!.step / epochs[0]!.epoch : 1;
  const x = ({ step }: LogRecord) => step / perEpoch;
  const panels = [
    lossPanel(steps, epochs, x, options.scale),
    ...metricPanels(epochs, x),
    ratePanel(steps, x),
  ];
  const best = epochs.findLast((r) => r.best);
  const range = [0, x(records.at(-1)!)] as const;

  let top = 56;
  const drawn = panels
    .filter(({ series }) => series.some(({ points }) => points.length > 0))
    .map((panel) => {
      const svg = drawPanel(panel, range, top, best && x(best));
      top += FRAME.title + panel.height + FRAME.ticks;
      return svg;
    });
  const unit = epochs.length > 0 ? 'epoch' : 'step';
  const middle = (FRAME.left + FRAME.width - FRAME.right) / 2;
  const note = best ? `best epoch: ${best.epoch} (dashed line)` : '';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${FRAME.width}" height="${top + 24}" viewBox="0 0 ${FRAME.width} ${top + 24}" font-family="Helvetica Neue, Arial, Liberation Sans, DejaVu Sans, sans-serif">
<rect width="100%" height="100%" fill="#fff"/>
${text(FRAME.left, 34, options.title ?? 'Training curves', { size: 20, weight: 600 })}
${text(FRAME.width - 16, 34, note, { anchor: 'end', fill: '#616e7c' })}
${drawn.join('\n')}
${text(middle, top + 10, unit, { anchor: 'middle', fill: '#616e7c' })}
</svg>
`;
}

function lossPanel(
  steps: readonly StepRecord[],
  epochs: readonly EpochLogRecord[],
  x: (record: LogRecord) => number,
  scale: CurveOptions['scale'],
): Panel {
  const training = steps.map((r): Point => [x(r), r.loss]);
  const validation = metricPoints(epochs, x, 'loss');
  const window = Math.round(training.length / 150);
  const isPositive = [...training, ...validation].every(([, y]) => y > 0);
  const means = thinned(smoothed(training, window, isPositive)).map(([, y]) => y);
  const falls = isPositive && Math.max(...means) > 20 * Math.min(...means);
  const chosen = isPositive ? (scale ?? (falls ? 'log' : 'linear')) : 'linear';
  const colour = COLOURS[0]!;
  const series: Series[] =
    window < 2
      ? [{ name: 'training', colour, points: training }]
      : [
          { name: 'each step', colour, points: thinned(training), style: 'faint' },
          { name: 'training', colour, points: thinned(smoothed(training, window, chosen === 'log')) },
        ];
  if (validation.length > 0)
    series.push({ name: 'validation', colour: COLOURS[1]!, points: validation, style: 'marked' });
  return { title: 'loss', series, scale: chosen, height: 250 };
}

/** Metrics from 0 to 1 share a panel; every other has its own. */
function metricPanels(epochs: readonly EpochLogRecord[], x: (record: LogRecord) => number): Panel[] {
  const names = [...new Set(epochs.flatMap(({ metrics }) => Object.keys(metrics)))].filter(
    (n) => n !== 'loss',
  );
  const curves = names
    .map((name) => ({ name, points: metricPoints(epochs, x, name) }))
    .filter(({ points }) => points.length > 0);
  const shared = curves.filter(({ points }) => points.every(([, y]) => y >= 0 && y <= 1));
  const groups = [...curves.filter((c) => !shared.includes(c)).map((c) => [c]), shared];
  return groups
    .filter((members) => members.length > 0)
    .map((members) => ({
      title: members.length === 1 ? `validation: ${titleOf(members[0]!.name)}` : 'validation',
      scale: 'linear',
      height: Math.max(170, 20 * members.length),
      series: members.map(({ name, points }, i) => ({
        name,
        points,
        colour: COLOURS[(i + 1) % COLOURS.length]!,
        style: 'marked',
      })),
    }));
}

function titleOf(metric: string): string {
  return metric === 'psnr' ? 'psnr, dB' : metric;
}

function ratePanel(steps: readonly StepRecord[], x: (record: LogRecord) => number): Panel {
  const points = thinned(steps.map((r): Point => [x(r), r.lr]));
  const highest = Math.max(...points.map(([, y]) => y));
  const series = [{ name: 'learning rate', colour: COLOURS[7]!, points }];
  return { title: 'learning rate', series, scale: 'linear', height: 90, limits: [0, highest] };
}

function metricPoints(
  epochs: readonly EpochLogRecord[],
  x: (record: LogRecord) => number,
  name: string,
): Point[] {
  return epochs.flatMap((r) => {
    const value = r.metrics[name];
    return typeof value === 'number' ? [[x(r), value] as const] : [];
  });
}

/**
 * Means weighted by exp(−distance / window), so that the curve is not late; of logarithms where the axis has them.
 */
function smoothed(points: readonly Point[], window: number, ofLogarithms: boolean): Point[] {
  const values = points.map(([, y]) => (ofLogarithms ? Math.log(y) : y));
  const before = decayingSums(values, window);
  const after = decayingSums(values.toReversed(), window).reverse();
  return points.map(([x], i) => {
    const mean = (before[i]!.sum + after[i]!.sum - values[i]!) / (before[i]!.weight + after[i]!.weight - 1);
    return [x, ofLogarithms ? Math.exp(mean) : mean];
  });
}

/** Of each value and those before it. */
function decayingSums(values: readonly number[], window: number): { sum: number; weight: number }[] {
  const keep = window > 0 ? Math.exp(-1 / window) : 0;
  let sum = 0;
  let weight = 0;
  return values.map((value) => {
    sum = keep * sum + value;
    weight = keep * weight + 1;
    return { sum, weight };
  });
}

/** At most about {@link MAX_POINTS} points, with the least and the greatest of each group in their order. */
function thinned(points: readonly Point[]): readonly Point[] {
  if (points.length <= MAX_POINTS) return points;
  const size = Math.ceil((2 * points.length) / MAX_POINTS);
  const kept: Point[] = [];
  for (let begin = 0; begin < points.length; begin += size) {
    const group = points.slice(begin, begin + size);
    const least = group.reduce((a, b) => (b[1] < a[1] ? b : a));
    const greatest = group.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(least === greatest ? [least] : [least, greatest].sort((a, b) => a[0] - b[0])));
  }
  return kept;
}
