/**
 * @file Texts to token ids, equal to those of Python's transformers or open_clip.
 *
 * The byte pairs (CLIP) and the unigram model (SigLIP) are run by `@huggingface/tokenizers`; here are the loading of the
 * published forms, the length rule and the padding. A text that is too long is cut and said so, never in silence.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { ModelError } from '../errors.js';
import { cleanForOpenClip } from './tokenizer-clean.js';
import {
  type BytePairs,
  clipTokenizerJson,
  OPEN_CLIP_TOKENS,
  readBpeFile,
  readMerges,
  TRANSFORMERS_TOKENS,
} from './tokenizer-clip.js';

/** How a tokenizer behaves beyond its vocabulary. */
export interface TokenizerOptions {
  /**
   * The library whose tokens are wanted. `transformers`: the text as it is, padded as the publisher's
   * `tokenizer_config.json` says (CLIP: with the end-of-text token). `open_clip`: the text is cleaned first (ftfy
   * without its mojibake repair, HTML references), CLIP is padded with 0.
   * @default 'transformers'
   */
  reference?: 'transformers' | 'open_clip';
  /** Tokens a text may have, begin and end included. @default the publisher's `model_max_length`, else 77 */
  contextLength?: number;
  /** The padding token's id, against the reference's rule. */
  padId?: number;
  /** Told when a text was cut. @default `process.emitWarning` */
  onWarning?(message: string): void;
}

/** Token ids of some texts, row by row. */
export interface EncodedTexts {
  /** [texts, length] */
  inputIds: BigInt64Array;
  /** [texts, length]: 1 for a token, 0 for padding */
  attentionMask: BigInt64Array;
  /** Tokens per row. */
  length: number;
  /** Which texts were longer than the context and lost their end. */
  truncated: boolean[];
}

const CLIP_CONTEXT = 77;
/** transformers writes 1e30 for "no limit". */
const LARGEST_CONTEXT = 100_000;

/** Turns texts into padded rows of token ids. Made by {@link loadTokenizer}. */
export class TextTokenizer {
  /** Tokens a text may have, begin and end included. */
  readonly contextLength: number;
  /** The id that fills short rows. */
  readonly padId: number;
  readonly #tokenizer: Tokenizer;
  readonly #clean: (text: string) => string;
  readonly #end: number[];
  readonly #fallback: { unknown: number; bytes: number[] };
  readonly #warn: (message: string) => void;

  /**
   * @param json content of a `tokenizer.json`
   * @param config content of a `tokenizer_config.json`, or `{}`
   */
  constructor(json: object, config: Readonly<Record<string, unknown>>, options: TokenizerOptions = {}) {
    const openClip = options.reference === 'open_clip';
    const pairs = openClip ? bytePairsOf(json) : undefined;
    this.#tokenizer = new Tokenizer(pairs ? clipTokenizerJson(pairs, OPEN_CLIP_TOKENS) : json, config);
    this.#fallback = byteFallback(json);
    this.#clean = openClip ? cleanForOpenClip : lowercases(json) ? plainSigma : (text) => text;
    const published = Number(config.model_max_length);
    this.contextLength = options.contextLength ?? (published <= LARGEST_CONTEXT ? published : CLIP_CONTEXT);
    // What is added to an empty text is what must follow a text that is cut: its last token, if there is one.
    this.#end = this.#tokenizer.encode('').ids.slice(-1);
    this.padId = options.padId ?? (pairs ? 0 : this.#publishedPadId(config)) ?? this.#end[0] ?? 0;
    this.#warn = options.onWarning ?? ((message) => process.emitWarning(message, 'AfterimageWarning'));
  }

  /** Token ids of one text with its begin and end, neither cut nor padded. */
  encodeOne(text: string): number[] {
    const { ids, tokens } = this.#tokenizer.encode(this.#clean(text)) as { ids: number[]; tokens: string[] };
    const { unknown, bytes } = this.#fallback;
    if (bytes.length === 0 || !ids.includes(unknown)) return ids;
    // What the vocabulary lacks is spelled in UTF-8 bytes (the library does this for byte pairs only).
    return ids.flatMap((id, i) =>
      id === unknown ? [...Buffer.from(tokens[i]!)].map((byte) => bytes[byte]!) : [id],
    );
  }

  /**
   * Token ids of many texts, each row cut or padded to one length. A text that is cut keeps its end-of-text token and
   * is reported through `onWarning`.
   *
   * @param padTo `context`: rows of the full context, as the references do; `longest`: of the longest text, which gives
   *   the same embedding with less work where tokens do not look ahead (CLIP), and another one where they do (SigLIP)
   */
  encode(texts: readonly string[], padTo: 'context' | 'longest' = 'context'): EncodedTexts {
    const rows = texts.map((text) => this.encodeOne(text));
    const truncated = rows.map((row) => row.length > this.contextLength);
    this.#report(texts, rows, truncated);
    const longest = Math.min(Math.max(1, ...rows.map((row) => row.length)), this.contextLength);
    const length = padTo === 'context' ? this.contextLength : longest;
    const inputIds = new BigInt64Array(rows.length * length).fill(BigInt(this.padId));
    const attentionMask = new BigInt64Array(rows.length * length);
    for (const [i, row] of rows.entries()) {
      const kept = truncated[i] ? [...row.slice(0, length - this.#end.length), ...this.#end] : row;
      inputIds.set(kept.map(BigInt), i * length);
      attentionMask.fill(1n, i * length, i * length + kept.length);
    }
    return { inputIds, attentionMask, length, truncated };
  }

  #report(texts: readonly string[], rows: number[][], truncated: boolean[]): void {
    const first = truncated.indexOf(true);
    if (first < 0) return;
    const count = truncated.filter(Boolean).length;
    const start = JSON.stringify(Array.from(texts[first]!).slice(0, 40).join(''));
    this.#warn(
      `${count} of ${texts.length} texts longer than ${this.contextLength} tokens were cut: their ends have no effect ` +
        `(the first, of ${rows[first]!.length} tokens, begins ${start})`,
    );
  }

  #publishedPadId(config: Readonly<Record<string, unknown>>): number | undefined {
    const pad = config.pad_token as string | { content?: string } | null | undefined;
    const content = typeof pad === 'string' ? pad : pad?.content;
    return content === undefined ? undefined : this.#tokenizer.token_to_id(content);
  }
}

/**
 * Loads a tokenizer from a folder or one of its files: `tokenizer.json` (any model of the Hugging Face library), else
 * `vocab.json` and `merges.txt`, else OpenAI's `bpe_simple_vocab_16e6.txt.gz`.
 *
 * @throws ModelError when there is none or it cannot be read
 */
export async function loadTokenizer(path: string, options: TokenizerOptions = {}): Promise<TextTokenizer> {
  const isFolder = await stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
  const folder = isFolder ? path : dirname(path);
  try {
    const config = ((await readJson(join(folder, 'tokenizer_config.json'))) ?? {}) as Record<string, unknown>;
    const isNamed = (name: string) => isFolder || basename(path) === name;
    const json = isNamed('tokenizer.json') ? await readJson(join(folder, 'tokenizer.json')) : undefined;
    if (json !== undefined) return new TextTokenizer(json, config, options);
    const pairs = await readPairs(path, folder, isFolder);
    if (pairs !== undefined) {
      return new TextTokenizer(clipTokenizerJson(pairs, TRANSFORMERS_TOKENS), config, options);
    }
  } catch (cause) {
    throw new ModelError(`${path}: the tokenizer cannot be read (${(cause as Error).message})`, { cause });
  }
  throw new ModelError(
    `${path}: expected tokenizer.json, vocab.json with merges.txt, or bpe_simple_vocab_16e6.txt.gz, but found none`,
    { hint: 'The model may have no text tower, or its tokenizer was not downloaded.' },
  );
}

async function readPairs(path: string, folder: string, isFolder: boolean): Promise<BytePairs | undefined> {
  const bpe = isFolder ? join(folder, 'bpe_simple_vocab_16e6.txt.gz') : path;
  const vocab = (await readJson(join(folder, 'vocab.json'))) as Record<string, number> | undefined;
  const merges = await readIfThere(join(folder, 'merges.txt'));
  const isBpeFile = !isFolder && /\.(txt|gz)$/.test(path) && basename(path) !== 'merges.txt';
  if (vocab !== undefined && merges !== undefined && !isBpeFile) {
    return { vocab, merges: readMerges(Buffer.from(merges).toString('utf8')) };
  }
  const bytes = isFolder || isBpeFile ? await readIfThere(bpe) : undefined;
  return bytes === undefined ? undefined : readBpeFile(bytes);
}

/** The ids of a unigram model's 256 byte tokens, by byte; none where it does not fall back to bytes. */
function byteFallback(json: object): { unknown: number; bytes: number[] } {
  const { model } = json as { model?: Record<string, unknown> };
  if (model?.type !== 'Unigram' || model.byte_fallback !== true) return { unknown: -1, bytes: [] };
  const ids = new Map((model.vocab as [string, number][]).map(([piece], id) => [piece, id]));
  const hex = (byte: number) => byte.toString(16).toUpperCase().padStart(2, '0');
  const bytes = Array.from({ length: 256 }, (_, byte) => ids.get(`<0x${hex(byte)}>`));
  const isComplete = bytes.every((id) => id !== undefined);
  return { unknown: Number(model.unk_id), bytes: isComplete ? (bytes as number[]) : [] };
}

/** Whether a `tokenizer.json` turns text to lower case. */
function lowercases(json: object): boolean {
  return JSON.stringify((json as { normalizer?: unknown }).normalizer ?? null).includes('"Lowercase"');
}

/** Rust lower-cases letter by letter (Σ is σ everywhere), JavaScript by word (ς at its end): done beforehand, as in Rust. */
function plainSigma(text: string): string {
  return text.replaceAll('Σ', 'σ');
}

/** The byte pairs inside a `tokenizer.json`, or undefined when it holds another kind of model. */
function bytePairsOf(json: object): BytePairs | undefined {
  const { model } = json as { model?: { type?: string; vocab?: Record<string, number>; merges?: unknown[] } };
  if (model?.vocab === undefined || model.merges === undefined || Array.isArray(model.vocab))
    return undefined;
  const merges = model.merges.map((merge) => (Array.isArray(merge) ? merge.join(' ') : String(merge)));
  return { vocab: model.vocab, merges };
}

async function readJson(path: string): Promise<object | undefined> {
  const bytes = await readIfThere(path);
  return bytes === undefined ? undefined : (JSON.parse(Buffer.from(bytes).toString('utf8')) as object);
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
