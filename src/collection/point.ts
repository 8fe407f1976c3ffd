/** @file Errors that show what was written with a caret under the place that is wrong. */
import { UsageError } from '../errors.js';

/** A place in a text: from `start` up to but not including `end`. */
export interface Place {
  start: number;
  end: number;
}

/** Characters shown on either side of the place, where a line is long. */
const AROUND = 60;

/** A UsageError whose message shows the line around the place, with carets under it. */
export function pointAt(text: string, place: Place, message: string, hint?: string): UsageError {
  const lineStart = text.lastIndexOf('\n', place.start - 1) + 1;
  const lineEnd = text.indexOf('\n', place.start) < 0 ? text.length : text.indexOf('\n', place.start);
  const from = Math.max(lineStart, place.start - AROUND);
  const to = Math.min(lineEnd, place.start + AROUND);
  const before = (from > lineStart ? '…' : '') + text.slice(from, place.start);
  const shown = before + text.slice(place.start, to) + (to < lineEnd ? '…' : '');
  const carets = '^'.repeat(Math.max(1, [...text.slice(place.start, Math.min(place.end, to))].length));
  const indent = before.replace(/[^\t]/gu, ' ');
  return new UsageError(`${message}\n  ${shown}\n  ${indent}${carets}`, { hint });
}
