/**
 * @file The two streams of a command: results on stdout, everything else on stderr. Colour only where a person looks
 * and has not set NO_COLOR (https://no-color.org).
 */
import { once } from 'node:events';

/** Writes a result to stdout, waiting when the reader is slower. */
export async function print(text: string): Promise<void> {
  const line = text.endsWith('\n') ? text : `${text}\n`;
  if (!process.stdout.write(line)) await once(process.stdout, 'drain');
}

let status = '';

/** Writes a line to stderr, above the status line where there is one. */
export function note(text: string): void {
  process.stderr.write(status ? `\r\x1b[K${text}\n${status}` : `${text}\n`);
}

/** Replaces the status line at the bottom of the terminal; an empty text takes it away. */
export function showStatus(text: string): void {
  if (!process.stderr.isTTY) return;
  const width = (process.stderr.columns || 80) - 1;
  const line = text.length > width ? `${text.slice(0, width - 1)}…` : text;
  if (line === status) return;
  process.stderr.write(`\r\x1b[K${line}`);
  status = line;
}

/** A reader that goes away (`| head`) ends the program quietly. */
export function endQuietlyWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

const style =
  (open: number, close: number, stream: NodeJS.WriteStream) =>
  (text: string): string =>
    stream.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
      ? `\x1b[${open}m${text}\x1b[${close}m`
      : text;

export const bold = style(1, 22, process.stdout);
export const dim = style(2, 22, process.stdout);
export const green = style(32, 39, process.stdout);
export const red = style(31, 39, process.stdout);
/** Red on stderr. */
export const alarm = style(31, 39, process.stderr);

/** Breaks text at spaces into lines of at most `width` columns; lines after the first begin with `indent`. */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/ (?! )/)) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (visible(joined) > width && line.trim() !== '') {
      lines.push(line);
      line = indent + word;
    } else line = joined;
  }
  return [...lines, line].join('\n');
}

/** The columns that a text takes, styles aside. */
export function visible(text: string): number {
  return [...text.replace(/\x1b\[\d+m/g, '')].length;
}
