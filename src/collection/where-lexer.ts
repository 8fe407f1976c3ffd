/** @file The words of an SQL condition, each with its place. */
import { type Place, pointAt } from './point.js';

/** A word: a keyword or bare name in lower case, a quoted name, a number, a text, or a sign. */
export type Token = Place &
  (
    | { kind: 'word'; text: string; lower: string }
    | { kind: 'name'; text: string }
    | { kind: 'number'; value: number }
    | { kind: 'text'; value: string }
    | { kind: 'sign'; text: string }
    | { kind: 'end' }
  );

const WORD = /[\p{L}_][\p{L}\p{M}\p{N}_]*/uy;
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const SIGN = /<=|>=|<>|!=|==|=|<|>|\(|\)|,|\+|-|\*|\//y;
/** Signs of other languages, and what they are called here. */
const FOREIGN: Readonly<Record<string, string>> = {
  '&&': 'and',
  '||': 'or',
  '!': 'not',
  '≠': '!=',
  '≤': '<=',
  '≥': '>=',
};

/** Takes a condition apart; the last token is `end`. @throws UsageError that points at what cannot be read. */
export function lex(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  for (;;) {
    at += match(/\s*/y)!.length;
    const start = at;
    if (at >= text.length) return [...tokens, { kind: 'end', start, end: start }];
    const first = text[at]!;
    if (first === "'" || first === '"' || first === '`') {
      const value = quoted(text, at);
      at += value.length;
      const place = { start, end: at };
      if (first === "'") tokens.push({ kind: 'text', value: value.content, ...place });
      else tokens.push({ kind: 'name', text: value.content, ...place });
      continue;
    }
    const number = match(NUMBER);
    if (number !== undefined) {
      at += number.length;
      const more = match(WORD);
      if (more !== undefined)
        throw pointAt(
          text,
          { start, end: at + more.length },
          `where: expected a number but received "${number}${more}"`,
        );
      const value = Number(number);
      if (!Number.isFinite(value)) throw pointAt(text, { start, end: at }, 'where: this number is too large');
      tokens.push({ kind: 'number', value, start, end: at });
      continue;
    }
    const word = match(WORD);
    if (word !== undefined) {
      at += word.length;
      tokens.push({ kind: 'word', text: word, lower: word.toLowerCase(), start, end: at });
      continue;
    }
    const sign = match(SIGN);
    if (sign === undefined) throw foreign(text, at);
    at += sign.length;
    tokens.push({ kind: 'sign', text: sign, start, end: at });
  }
}

/** What stands between quotes; the quote itself is written twice. */
function quoted(text: string, start: number): { content: string; length: number } {
  const quote = text[start]!;
  let content = '';
  let at = start + 1;
  for (;;) {
    const close = text.indexOf(quote, at);
    if (close < 0) throw pointAt(text, { start, end: start + 1 }, 'where: this quote is not closed');
    content += text.slice(at, close);
    if (text[close + 1] !== quote) return { content, length: close + 1 - start };
    content += quote;
    at = close + 2;
  }
}

function foreign(text: string, at: number): Error {
  const sign = Object.keys(FOREIGN).find((known) => text.startsWith(known, at));
  const shown = sign ?? String.fromCodePoint(text.codePointAt(at)!);
  const hint = /[‘’“”]/.test(shown)
    ? "text is written in straight single quotes: 'like this'"
    : sign && `write "${FOREIGN[sign]}"`;
  return pointAt(
    text,
    { start: at, end: at + shown.length },
    `where: "${shown}" is not understood here`,
    hint,
  );
}
