/**
 * @file What open_clip and OpenAI's CLIP do to a text before its tokens: ftfy, HTML references, white space, case.
 *
 * Follows `open_clip/tokenizer.py` (`_clean_lower`) and, character by character, ftfy 6 (https://ftfy.readthedocs.io):
 * curly quotes, ligatures, full and half width, C1 and control characters, terminal escapes, line breaks, NFC. Not
 * reproduced is ftfy's repair of mojibake ("âœ”" for "✔"): such text gets the tokens of what is written.
 * transformers' tokenizer does none of this, so the two libraries differ on, say, a curly apostrophe.
 */
import { decodeHTML, decodeHTMLStrict } from 'entities/decode';

const LIGATURES: Readonly<Record<string, string>> = {
  Ĳ: 'IJ',
  ĳ: 'ij',
  ŉ: 'ʼn',
  Ǳ: 'DZ',
  ǲ: 'Dz',
  ǳ: 'dz',
  Ǆ: 'DŽ',
  ǅ: 'Dž',
  ǆ: 'dž',
  Ǉ: 'LJ',
  ǈ: 'Lj',
  ǉ: 'lj',
  Ǌ: 'NJ',
  ǋ: 'Nj',
  ǌ: 'nj',
  ﬀ: 'ff',
  ﬁ: 'fi',
  ﬂ: 'fl',
  ﬃ: 'ffi',
  ﬄ: 'ffl',
  ﬅ: 'ſt',
  ﬆ: 'st',
};
const LIGATURE = new RegExp(`[${Object.keys(LIGATURES).join('')}]`, 'g');
const WINDOWS_1252 = new TextDecoder('windows-1252');

/** The text whose byte pairs open_clip counts. */
export function cleanForOpenClip(text: string): string {
  const fixed = decodeHTML(decodeHTML(fixText(text)));
  return fixed
    .split(/[\s\x1c-\x1f\x85]+/)
    .filter((word) => word !== '')
    .join(' ')
    .toLowerCase();
}

/** ftfy's `fix_text` without the repair of mojibake: line by line, each until nothing changes. */
function fixText(text: string): string {
  let decode = true;
  return text
    .split(/(?<=\n)/)
    .map((line) => {
      if (line.includes('<')) decode = false; // looks like markup: this line and those after keep their references
      let fixed = line;
      for (let before = ''; before !== fixed; ) {
        before = fixed;
        if (decode && fixed.includes('<')) decode = false;
        fixed = fixCharacters(decode ? decodeReferences(fixed) : fixed);
      }
      return fixed;
    })
    .join('');
}

function fixCharacters(text: string): string {
  return text
    .replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252.decode(Uint8Array.of(c.charCodeAt(0))))
    .replace(LIGATURE, (c) => LIGATURES[c]!)
    .replace(/[\uff01-\uffef]/g, (c) => c.normalize('NFKC'))
    .replaceAll('\u3000', ' ')
    .replace(/[\u02bc\u2018-\u201b]/g, "'")
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/\r\n|[\r\u2028\u2029\x85]/g, '\n')
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/\x1b\[[\d;]*[a-zA-Z]/g, '')
    .replace(/[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g, '')
    .normalize('NFC');
}

/** References that end in a semicolon only; names in capitals stand for the capital letter (`&EACUTE;`). */
function decodeReferences(text: string): string {
  return text.replace(/&#?[0-9A-Za-z]{1,24};/g, (reference) => {
    const plain = decodeHTMLStrict(reference);
    if (plain !== reference || reference !== reference.toUpperCase()) return plain;
    const lower = reference.toLowerCase();
    const small = decodeHTMLStrict(lower);
    return small === lower ? reference : small.toUpperCase();
  });
}
