/** @file A data report as text for a terminal. */
import type { DataReport } from './check-report.js';
import { plural } from './dataset-text.js';
import { PARTS } from './types.js';

/** Classes and unreadable images beyond these are summed up. */
const SHOWN = { classes: 20, unreadable: 10 };

/**
 * The report as lines of plain text, the last with its line end: what there is, the balance of classes as a table, the
 * images that cannot be read, the warnings.
 */
export function formatDataReport(report: DataReport): string {
  const { kind, images, parts, classes, imbalance, unreadable, warnings, width, height, seconds } = report;
  const classWord = kind === 'pairs' ? '' : `, ${plural(classes.length, 'class')}`;
  const lines = [
    `${plural(images, 'image')} (${kind}${kind === 'labelled' ? classWord : ''}), checked in ${seconds.toFixed(1)} s`,
    `${kind === 'pairs' || kind === 'triplets' ? kind : 'images'}: ${PARTS.map((p) => `${parts[p]} ${p}`).join(', ')}`,
    `width ${width[0]} to ${width[2]} (median ${width[1]}), height ${height[0]} to ${height[2]} (median ${height[1]})`,
  ];
  if (classes.length > 0) lines.push('', ...classTable(report));
  if (imbalance !== null && classes.length > 1)
    lines.push('', `largest class over smallest in training: ${imbalance.toFixed(2)}`);
  if (unreadable.length > 0) {
    lines.push('', 'unreadable:');
    for (const { id, reason } of unreadable.slice(0, SHOWN.unreadable)) lines.push(`  ${id}: ${reason}`);
    const more = unreadable.length - SHOWN.unreadable;
    if (more > 0) lines.push(`  and ${more} more`);
  }
  if (warnings.length > 0) lines.push('', ...warnings.map((warning) => `warning: ${warning}`));
  return `${lines.join('\n')}\n`;
}

/** Names to the left, numbers to the right; the classes in the middle of a long table are summed up. */
function classTable({ classes, parts }: DataReport): string[] {
  const shown = PARTS.filter((part) => parts[part] > 0);
  const row = (name: string, c: DataReport['classes'][number]): string[] => [
    name,
    ...shown.map((part) => String(c[part])),
    String(c.total),
  ];
  const half = SHOWN.classes / 2;
  const long = classes.length > SHOWN.classes + 1;
  const rows = [['class', ...shown, 'total']];
  for (const c of long ? classes.slice(0, half) : classes) rows.push(row(c.name, c));
  if (long) {
    const middle = classes.slice(half, -half);
    const sum = { name: '', total: 0, train: 0, validation: 0, test: 0 };
    for (const c of middle) for (const key of [...PARTS, 'total'] as const) sum[key] += c[key];
    rows.push(row(`… ${middle.length} more`, sum));
    for (const c of classes.slice(-half)) rows.push(row(c.name, c));
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  return rows.map((cells) =>
    cells.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!))).join('  '),
  );
}
