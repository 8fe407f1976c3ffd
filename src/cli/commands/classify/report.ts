/** @file What was measured of a classifier, as tables. */
import type { Candidate, HeadSummary, Tried } from '../../../analysis/index.js';
import { count, plural } from '../../../units.js';
import type { ClassificationReport, Estimate } from '../../../vectors/index.js';
import { table } from '../../table.js';
import { bold } from '../../terminal.js';

/** Classes, and pairs of classes, that are printed. */
const CLASSES = 30;
const CONFUSIONS = 10;

const share = (value: number): string => (Number.isNaN(value) ? 'n/a' : value.toFixed(3));
const interval = ({ low, high }: Estimate): string => `${share(low)} to ${share(high)}`;
const within = (estimate: Estimate): string => `${share(estimate.value)} (${interval(estimate)})`;

/** A candidate as `logistic, C = 10`. */
export function candidateText({ method, regularization, neighbours }: Candidate): string {
  if (neighbours !== undefined) return `${method}, ${plural(neighbours, 'neighbour')}`;
  return `${method}, C = ${regularization}`;
}

/** Everything that was tried, what was taken, and how good it is. */
export function summaryText(summary: HeadSummary): string {
  const { tried, score, chosen, folds, repeats, names, crossValidated, tested, novelty } = summary;
  const by = { accuracy: 'accuracy', balancedAccuracy: 'balanced accuracy', logLoss: 'log loss' }[score];
  const times = repeats > 1 ? `, ${repeats} times` : '';
  return [
    bold(`tried on ${folds} folds${times}; the best ${by} decides`),
    triedTable(tried, chosen),
    '',
    bold('cross-validated; each fold with what was best on the others'),
    reportText(crossValidated, names),
    ...(tested ? ['', bold('on the items kept for the test'), reportText(tested, names)] : []),
    ...(novelty
      ? [
          '',
          `unlike anything seen: farther than ${novelty.threshold.toFixed(3)} (1 − cosine) from the ` +
            `${ordinal(novelty.k)} nearest training image, as ${percent(1 - novelty.quantile)} of them are; of held-out images ` +
            `${percent(novelty.falseAlarms)} are called so`,
        ]
      : []),
  ].join('\n');
}

function triedTable(tried: readonly Tried[], chosen: Candidate): string {
  return table(
    ['classifier', 'accuracy >', 'balanced >', 'log loss >', ''],
    tried.map((t) => [
      candidateText(t),
      share(t.accuracy),
      share(t.balancedAccuracy),
      share(t.logLoss),
      candidateText(t) === candidateText(chosen) ? 'taken' : '',
    ]),
    '  ',
  );
}

/** A report with its tables: figures, classes, confusions, calibration. */
export function reportText(report: ClassificationReport, names: readonly string[]): string {
  const figures: [string, Estimate][] = [
    ['accuracy', report.accuracy],
    ['balanced accuracy', report.balancedAccuracy],
    ['macro F1', report.macro.f1],
    ['weighted F1', report.weighted.f1],
    ...Object.entries(report.topK).map(([k, estimate]): [string, Estimate] => [
      `top-${k} accuracy`,
      estimate,
    ]),
    ['ROC-AUC, one against the rest', report.auc],
    ['log loss', report.logLoss],
    ['Brier score', report.brier],
    ['calibration error', report.calibrationError],
  ];
  return [
    table(
      [`of ${plural(report.count, 'image')}`, 'value >', '95 % interval'],
      figures.map(([name, estimate]) => [name, share(estimate.value), interval(estimate)]),
      '  ',
    ),
    '',
    ...classTable(report, names),
    ...confusionTable(report, names),
    '',
    reliabilityTable(report),
  ].join('\n');
}

function classTable({ classes }: ClassificationReport, names: readonly string[]): string[] {
  const rows = classes.map((c, i) => ({ ...c, name: names[i]! }));
  const most = rows.length > CLASSES;
  if (most) rows.sort((a, b) => a.f1.value - b.f1.value).splice(CLASSES);
  return [
    ...(most ? [`  the ${CLASSES} worst of ${count(classes.length)} classes`] : []),
    table(
      ['class', 'images >', 'precision >', 'recall >', 'F1 >', 'ROC-AUC >'],
      rows.map(({ name, support, precision, recall, f1, auc }) => [
        name,
        count(support),
        within(precision),
        within(recall),
        within(f1),
        within(auc),
      ]),
      '  ',
    ),
  ];
}

function confusionTable({ confusion, classes }: ClassificationReport, names: readonly string[]): string[] {
  const rows = confusion
    .flatMap((row, truth) => row.map((n, taken) => ({ truth, taken, n })))
    .filter(({ truth, taken, n }) => truth !== taken && n > 0)
    .sort((a, b) => b.n - a.n)
    .slice(0, CONFUSIONS);
  if (rows.length === 0) return [];
  return [
    '',
    table(
      ['is', 'taken for', 'images >', 'of its class >'],
      rows.map(({ truth, taken, n }) => [
        names[truth]!,
        names[taken]!,
        count(n),
        percent(n / classes[truth]!.support),
      ]),
      '  ',
    ),
  ];
}

function reliabilityTable({ reliability }: ClassificationReport): string {
  const bar = (n: number) => '█'.repeat(Math.round(n * 20));
  return table(
    ['probability', 'images >', 'said >', 'right >', ''],
    reliability
      .filter((bin) => bin.count > 0)
      .map(({ from, to, count: n, confidence, accuracy }) => [
        `${from.toFixed(2)} to ${to.toFixed(2)}`,
        count(n),
        share(confidence),
        share(accuracy),
        bar(accuracy),
      ]),
    '  ',
  );
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

function ordinal(n: number): string {
  const ending = n % 100 > 10 && n % 100 < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return n === 1 ? '' : `${n}${ending}`;
}
