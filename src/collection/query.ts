/**
 * @file What is asked of a collection: a weighted sum of texts, images, items and vectors; and its grammar, which is
 * rclip's (https://github.com/yurijmikhalevich/rclip) where that has one:
 *
 *     2:dog + ./beach.jpg - snow
 *
 * Terms are joined by `+` and `-`, each with white space around it; `N:` before a term is its weight. A term that
 * begins with `./`, `../`, `/`, `~/`, `file://` or a drive's `X:\` is the path of an image, `http(s)://` and `data:`
 * name an image, `id:PATH` an item of the collection; everything else is a text. A text in double quotes is taken as
 * it is, whatever it holds; a quote within it is doubled.
 */
import { homedir } from 'node:os';
import path from 'node:path';
import type { EmbeddingIdentity } from '../embedding/identity.js';
import { UsageError } from '../errors.js';
import type { ImageInput } from '../image/index.js';
import { type Place, pointAt } from './point.js';

/** One term of a query. */
export type QueryTerm = (
  | { text: string }
  /** A path, a URL, bytes, or whatever else an image can be read from. */
  | { image: ImageInput }
  /** An item of the collection. */
  | { id: string }
  /** A vector of the space that is searched; with its identity it finds that space, or is refused. */
  | { vector: ArrayLike<number>; identity?: EmbeddingIdentity }
) & {
  /** How much it counts, and against when negative; not 0. @default 1 */
  weight?: number;
};

/** A sum of terms; each is scaled to unit length before it is weighted. */
export type Query = readonly QueryTerm[];

type Sign = Place & { op: '+' | '-' };
/** `plain`: a text without quotes, which the next word may continue. */
type Term = Place & { term: QueryTerm; plain: boolean };
type Token = Sign | Term;

/** The weight before a term, and what looks like one. */
const WEIGHT = /^(\d+(?:\.\d+)?|\.\d+):/;
const LIKE_WEIGHT = /^-?[\d.,]*\d[\d.,]*:/;
const PATH = /^(?:\.{0,2}\/|\.{1,2}\\|~[\\/]|[a-z]:[\\/](?![\\/])|file:\/\/)/i;
const ADDRESS = /^(?:https?:\/\/|data:[^\s,]*,)/i;

/**
 * Reads a query. Given as one text, it is taken apart at every `+` and `-` that has white space (or an end) on both
 * sides. Given as the words of a command line, a word that names an image or an item is taken whole, so that
 * `"./Rome - 2019/a.jpg"` is a path; words of text that stand beside each other make one text.
 * @throws UsageError that points at the place: a term is missing, a text is empty, a weight is 0 or no number.
 */
export function parseQuery(query: string | readonly string[]): Query {
  const tokens: Token[] = [];
  const text = typeof query === 'string' ? query : query.join(' ');
  if (typeof query === 'string') split(text, 0, text.length, false, tokens);
  else {
    let at = 0;
    for (const word of query) {
      if (word.trim() === '') throw pointAt(text, { start: at, end: at + 1 }, 'query: a word is empty');
      split(text, at, at + word.length, true, tokens);
      at += word.length + 1;
    }
  }
  return joined(text, tokens);
}

/** Writes a query as it would be typed. */
export function queryText(query: Query): string {
  return query
    .map((term, i) => {
      const { weight = 1 } = term;
      const sign = weight < 0 ? '- ' : i > 0 ? '+ ' : '';
      const times = Math.abs(weight) === 1 ? '' : `${Math.abs(weight)}:`;
      return sign + times + termText(term);
    })
    .join(' ');
}

/** Writes one term as it would be typed, without its weight. */
function termText(term: QueryTerm): string {
  if ('text' in term) return `"${term.text.replaceAll('"', '""')}"`;
  if ('id' in term) return `id:${term.id}`;
  if ('image' in term) return typeof term.image === 'string' ? term.image : '<image>';
  return '<vector>';
}

/** Takes `text[start..end)` apart into operators and terms. `whole`: a reference at its beginning runs to its end. */
function split(text: string, start: number, end: number, whole: boolean, tokens: Token[]): void {
  let at = start;
  let first = true;
  for (;;) {
    while (at < end && isSpace(text[at]!)) at++;
    if (at >= end) return;
    const sign = text[at]!;
    if ((sign === '+' || sign === '-') && (at + 1 === end || isSpace(text[at + 1]!))) {
      tokens.push({ op: sign, start: at, end: at + 1 });
      at++;
      continue;
    }
    const weight = weightAt(text, at, end);
    const from = at + weight.length;
    const rest = text.slice(from, end);
    if (rest.trim() === '' || /^\s/.test(rest))
      throw pointAt(text, { start: at, end: from }, `query: expected a term after "${text.slice(at, from)}"`);
    const quoted = text[from] === '"';
    const length = quoted
      ? quotedLength(text, from, end)
      : whole && first && isReference(rest)
        ? rest.length
        : termLength(rest);
    const place = { start: at, end: from + length };
    const term = quoted
      ? {
          text: rest
            .slice(1, length - 1)
            .replaceAll('""', '"')
            .trim(),
        }
      : termOf(rest.slice(0, length).trim(), text, place);
    if ('text' in term && term.text === '') throw pointAt(text, place, 'query: the text is empty');
    const weighted = weight.value === undefined ? term : { ...term, weight: weight.value };
    tokens.push({ term: weighted, plain: !quoted && 'text' in term, ...place });
    at = place.end;
    first = false;
  }
}

/** Puts signs to terms, and words of one text together. */
function joined(text: string, tokens: readonly Token[]): Query {
  const terms: QueryTerm[] = [];
  let sign: Sign | undefined;
  let last: Term | undefined;
  for (const token of tokens) {
    if ('op' in token) {
      if (sign)
        throw pointAt(text, token, `query: expected a term after "${sign.op}" but received "${token.op}"`);
      sign = token;
      last = undefined;
      continue;
    }
    const { term } = token;
    if (last) {
      const before = last.term;
      if (!(last.plain && token.plain && 'text' in before && 'text' in term && term.weight === undefined))
        throw pointAt(
          text,
          token,
          `query: expected "+" or "-" before "${text.slice(token.start, token.end)}"`,
          'a path with spaces is put in quotes; terms are joined by + and -, as words of their own',
        );
      before.text += ` ${term.text}`;
    } else {
      if (sign?.op === '-') term.weight = -(term.weight ?? 1);
      terms.push(term);
      last = token;
    }
    sign = undefined;
  }
  if (sign) throw pointAt(text, sign, `query: expected a term after "${sign.op}" but there is none`);
  if (terms.length === 0)
    throw new UsageError('query: nothing is asked', { hint: 'name a text, an image or id:ITEM' });
  return terms;
}

function weightAt(text: string, at: number, end: number): { value?: number; length: number } {
  const rest = text.slice(at, end);
  const [written, number] = WEIGHT.exec(rest) ?? [];
  if (written === undefined) {
    const [wrong] = LIKE_WEIGHT.exec(rest) ?? [];
    if (wrong === undefined) return { length: 0 };
    throw pointAt(
      text,
      { start: at, end: at + wrong.length - 1 },
      `query: expected a weight such as 2 or 0.5 before ":" but received "${wrong.slice(0, -1)}"`,
      'what counts against is written "- TERM"; a text that begins so is put in double quotes',
    );
  }
  const value = Number(number);
  if (value === 0 || !Number.isFinite(value))
    throw pointAt(
      text,
      { start: at, end: at + written.length - 1 },
      `query: expected a weight above 0 but received ${number}`,
    );
  return { value, length: written.length };
}

function quotedLength(text: string, from: number, end: number): number {
  let close = text.indexOf('"', from + 1);
  while (close >= 0 && close + 1 < end && text[close + 1] === '"') close = text.indexOf('"', close + 2);
  if (close < 0 || close >= end)
    throw pointAt(text, { start: from, end: from + 1 }, 'query: this quote is not closed');
  return close + 1 - from;
}

/** Up to the next sign that stands alone. */
function termLength(rest: string): number {
  const sign = /\s[+-](?=\s|$)/.exec(rest);
  return sign ? sign.index : rest.length;
}

function isReference(rest: string): boolean {
  return PATH.test(rest) || ADDRESS.test(rest) || rest.startsWith('id:');
}

function termOf(written: string, text: string, place: Place): QueryTerm {
  if (written.startsWith('id:')) {
    const id = written.slice(3).trim();
    if (id === '') throw pointAt(text, place, 'query: expected the path of an item after "id:"');
    return { id };
  }
  if (/^~[\\/]/.test(written)) return { image: path.join(homedir(), written.slice(2)) };
  if (PATH.test(written) || ADDRESS.test(written)) return { image: written };
  return { text: written };
}

function isSpace(c: string): boolean {
  return /\s/.test(c);
}
