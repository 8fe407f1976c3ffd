/**
 * @file CLIP's byte-pair tokenizer as a `tokenizer.json`, from any of the three forms in which it is published.
 *
 * The form that counts is transformers' (`CLIPTokenizer`): NFC, white space to one blank, lower case, the CLIP pattern,
 * bytes, byte pairs with `</w>` at the end of a word. Vocabulary order follows OpenAI's `simple_tokenizer.py`: the 256
 * bytes, the 256 bytes at a word's end, the merges, the two special tokens.
 */
import { gunzipSync } from 'node:zlib';

/** What a byte-pair tokenizer is made of. */
export interface BytePairs {
  /** Token to id. */
  vocab: Readonly<Record<string, number>>;
  /** Pairs, first merged first, each as "left right". */
  merges: readonly string[];
}

/** Names of the tokens that begin and end a text. */
export interface SpecialTokens {
  begin: string;
  end: string;
}

/** transformers' names. */
export const TRANSFORMERS_TOKENS: SpecialTokens = { begin: '<|startoftext|>', end: '<|endoftext|>' };
/** open_clip's names for the same two ids. */
export const OPEN_CLIP_TOKENS: SpecialTokens = { begin: '<start_of_text>', end: '<end_of_text>' };

/** Merges that CLIP uses of the longer list in OpenAI's file. */
const CLIP_MERGES = 49152 - 256 - 2;

/**
 * Reads OpenAI's `bpe_simple_vocab_16e6.txt.gz`, as it is or unpacked: a version line, then one merge a line.
 */
export function readBpeFile(bytes: Uint8Array): BytePairs {
  const text = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : Buffer.from(bytes);
  const merges = readMerges(text.toString('utf8')).slice(0, CLIP_MERGES);
  const tokens = byteTokens();
  const all = [
    ...tokens,
    ...tokens.map((token) => `${token}</w>`),
    ...merges.map((merge) => merge.replace(' ', '')),
  ];
  all.push(TRANSFORMERS_TOKENS.begin, TRANSFORMERS_TOKENS.end);
  return { vocab: Object.fromEntries(all.map((token, id) => [token, id])), merges };
}

/** Merges of a `merges.txt`: a version line may come first, an empty one last. */
export function readMerges(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const first = lines[0]?.includes('version') ? 1 : 0;
  return lines.slice(first).filter((line) => line.split(' ').length === 2);
}

/** The `tokenizer.json` of CLIP over the given pairs, as transformers writes it. */
export function clipTokenizerJson({ vocab, merges }: BytePairs, tokens: SpecialTokens): object {
  const begin = vocab[TRANSFORMERS_TOKENS.begin] ?? vocab[tokens.begin];
  const end = vocab[TRANSFORMERS_TOKENS.end] ?? vocab[tokens.end];
  const special = (content: string, id: number | undefined) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const pattern = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";
  const quoted = (token: string) => token.replaceAll('|', '\\|');
  return {
    version: '1.0',
    added_tokens: [special(tokens.begin, begin), special(tokens.end, end)],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        {
          type: 'Split',
          pattern: { Regex: `${quoted(tokens.begin)}|${quoted(tokens.end)}|${pattern}` },
          behavior: 'Removed',
          invert: true,
        },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: [tokens.end, end],
      cls: [tokens.begin, begin],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: tokens.end,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      vocab,
      merges,
    },
  };
}

/** The printable stand-ins of the 256 bytes, in GPT-2's order: printable bytes first, the others shifted past 255. */
function byteTokens(): string[] {
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const own = bytes.filter(printable).map((byte) => String.fromCodePoint(byte));
  const shifted = bytes.filter((byte) => !printable(byte)).map((_, i) => String.fromCodePoint(256 + i));
  return [...own, ...shifted];
}
