/** @file What was measured of a regression, as tables. */
import type {
  Coverage,
  RegressionCandidate,
  RegressionReport,
  RegressionSummary,
} from '../../../analysis/index.js';
import { plural } from '../../../units.js';
import type { Estimate } from '../../../vectors/index.js';
import { table } from '../../table.js';
import { bold } from '../../terminal.js';

const TRIED = 10;

const share = (value: number): string => (Number.isNaN(value) ? 'n/a' : value.toFixed(3));

/** A number in its own unit: four digits that count, or all before the point. */
export function amount(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'n/a' : value > 0 ? 'any' : '-any';
  const digits = Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toLocaleString('en', {
    maximumFractionDigits: digits,
    minimumFractionDigits: Math.min(digits, 4),
  });
}

/** A candidate as `ridge, alpha = 1, images × 0.3`. */
export function candidateText(candidate: RegressionCandidate): string {
  const { method, alpha, gamma, c, neighbours, imageWeight } = candidate;
  return [
    method,
    ...(alpha === undefined ? [] : [`alpha = ${alpha}`]),
    ...(c === undefined ? [] : [`C = ${c}`]),
    ...(gamma === undefined ? [] : [`gamma = ${gamma}`]),
    ...(neighbours === undefined ? [] : [plural(neighbours, 'neighbour')]),
    ...(imageWeight === undefined ? [] : [`images × ${imageWeight}`]),
  ].join(', ');
}

/** Everything that was tried, what was taken, how good it is, and what the images have to do with it. */
export function summaryText(summary: RegressionSummary): string {
  const { tried, chosen, folds, crossValidated, gain, permuted, coverage, transform, input } = summary;
  const { all, images, columns, mean } = crossValidated;
  const named = input.columns.map(({ name }) => name).join(', ');
  const rows: [string, RegressionReport | null][] = [
    [columns ? 'images and columns' : 'images', all],
    ['images alone', images],
    ['columns alone', columns],
    [transform === 'log' ? 'mean (of logarithms)' : 'mean', mean],
  ];
  const best = [...tried].sort((a, b) => a.error - b.error).slice(0, TRIED);
  return [
    bold(
      `tried on ${plural(folds, 'fold')}${tried.length > TRIED ? `, the best ${TRIED} of ${tried.length}` : ''}`,
    ),
    table(
      ['regressor', `${transform === 'log' ? 'R² of log' : 'R²'} >`, ''],
      best.map((t) => [
        candidateText(t),
        share(1 - t.error),
        candidateText(t) === candidateText(chosen) ? 'taken' : '',
      ]),
      '  ',
    ),
    '',
    bold('cross-validated; each fold with what was best on the others'),
    figures(
      rows.flatMap(([name, report]) => (report ? [[name, report]] : [])),
      transform,
    ),
    ...(named ? [`  columns: ${named}`] : []),
    '',
    bold('what the images add'),
    `  against ${columns ? 'the columns alone' : 'the mean'}: mean error ${signed(gain.mae)}, R² ${signed(gain.r2, share)},\n  Spearman ${signed(gain.spearman, share)}`,
    ...(permuted
      ? [
          `  with images dealt to other items (${plural(permuted.r2s.length, 'time')}), R²${transform === 'log' ? ' of log' : ''} is\n  ` +
            `${share(Math.min(...permuted.r2s))} to ${share(Math.max(...permuted.r2s))}, with their own ${share(permuted.r2)}: p = ${share(permuted.p)}`,
        ]
      : []),
    '',
    bold(columns ? 'from images and columns, with intervals' : 'from images, with intervals'),
    reportText(all, coverage),
  ].join('\n');
}

/** A report of one thing. */
export function reportText(report: RegressionReport, coverage: Coverage): string {
  return [
    table(
      [`of ${plural(report.count, 'item')}`, 'value >', '95 % interval'],
      [
        ['R²', report.metrics.r2, share],
        ...(report.logR2 ? [['R² of the logarithm', report.logR2, share] as const] : []),
        ['mean absolute error', report.metrics.mae, amount],
        ['median absolute error', report.metrics.medianError, amount],
        ['root mean squared error', report.metrics.rmse, amount],
        ['mean absolute percentage error', report.metrics.mape, percent],
        ['Spearman', report.metrics.spearman, share],
        ['Pearson', report.metrics.pearson, share],
      ].map((row) => {
        const [name, { value, low, high }, text] = row as [string, Estimate, (x: number) => string];
        return [name, text(value), `${text(low)} to ${text(high)}`];
      }),
      '  ',
    ),
    '',
    coverageText(coverage),
  ].join('\n');
}

function figures(rows: readonly (readonly [string, RegressionReport])[], transform: 'none' | 'log'): string {
  return table(
    [
      'predicted from',
      ...(transform === 'log' ? ['R² of log >'] : []),
      'R² >',
      'mean error >',
      'in percent >',
      'Spearman >',
    ],
    rows.map(([name, { metrics, logR2 }]) => [
      name,
      ...(logR2 ? [share(logR2.value)] : []),
      share(metrics.r2.value),
      amount(metrics.mae.value),
      percent(metrics.mape.value),
      share(metrics.spearman.value),
    ]),
    '  ',
  );
}

function coverageText({ level, measured, width }: Coverage): string {
  return `  intervals of ${percent(level)} hold ${percent(measured.value)} (${percent(measured.low)} to ${percent(measured.high)}) of the numbers;\n  half of them are narrower than ${amount(width)}`;
}

function signed({ value, low, high }: Estimate, text: (x: number) => string = amount): string {
  const sign = (x: number) => (x > 0 ? `+${text(x)}` : text(x));
  return `${sign(value)} (${sign(low)} to ${sign(high)})`;
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
