/** @file Where the reading of an SQL condition stands: its words, one after the other. */
import type { Column } from './columns.js';
import { lex, type Token } from './where-lexer.js';
import { Checker } from './where-types.js';

/** How deep parentheses and `not` may stand within each other. */
const MAX_DEPTH = 200;
/** Characters. */
const MAX_LENGTH = 20_000;

/** The words of a condition and the one that comes next. */
export class Cursor {
  protected readonly check: Checker;
  protected readonly tokens: readonly Token[];
  /** Index of the word that comes next. */
  protected next = 0;
  private depth = 0;

  constructor(text: string, columns: readonly Column[]) {
    this.check = new Checker(text, columns);
    if (text.length > MAX_LENGTH)
      throw this.check.error(
        { start: MAX_LENGTH, end: MAX_LENGTH + 1 },
        `expected at most ${MAX_LENGTH} characters but received ${text.length}`,
      );
    this.tokens = lex(text);
  }

  protected expected(what: string): Error {
    const token = this.tokens[this.next]!;
    return this.check.error(
      token,
      `expected ${what} but received ${token.kind === 'end' ? 'nothing' : this.check.written(token)}`,
    );
  }

  protected deeper<T>(work: () => T): T {
    if (++this.depth > MAX_DEPTH)
      throw this.check.error(this.tokens[this.next]!, `expected at most ${MAX_DEPTH} levels of parentheses`);
    const result = work();
    this.depth--;
    return result;
  }

  protected isWord(word: string): boolean {
    const token = this.tokens[this.next]!;
    return token.kind === 'word' && token.lower === word;
  }

  protected takeWord(word: string): boolean {
    const is = this.isWord(word);
    if (is) this.next++;
    return is;
  }

  protected takeSign(sign: string): boolean {
    const token = this.tokens[this.next]!;
    const is = token.kind === 'sign' && token.text === sign;
    if (is) this.next++;
    return is;
  }
}
