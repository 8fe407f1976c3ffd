/** @file Aligned columns. */
import { bold, visible } from './terminal.js';

/**
 * Rows under headings, columns padded to their widest cell. Cells of columns whose heading ends in ` >` are set to
 * the right.
 */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  indent = '',
): string {
  const right = headings.map((h) => h.endsWith(' >'));
  const titles = headings.map((h) => h.replace(/ >$/, ''));
  const widths = titles.map((t, i) => Math.max(visible(t), ...rows.map((r) => visible(r[i] ?? ''))));
  const line = (cells: readonly string[]): string =>
    indent +
    cells
      .map((cell, i) => {
        const gap = ' '.repeat(widths[i]! - visible(cell));
        return right[i] ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd();
  return [bold(line(titles)), ...rows.map(line)].join('\n');
}

/** Names with their values, values aligned. */
export function pairs(rows: readonly (readonly [string, string])[], indent = ''): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows
    .map(
      ([name, value]) =>
        `${indent}${name.padEnd(width)}${value.replaceAll('\n', `\n${indent}${' '.repeat(width)}`)}`,
    )
    .join('\n');
}
