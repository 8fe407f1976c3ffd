/**
 * @file Search without a server: texts in names and columns, and words by meaning. Words are those that were embedded
 * when the page was made; several are averaged.
 */
import type { PayloadWords } from '../../../src/pages/map-page-payload.js';
import type { PageData } from './data.js';

/** What a search has found, the best first. */
export interface Found {
  items: Uint32Array;
  /** By meaning: the cosine of each, as far as the reduced vectors tell. */
  scores?: Float32Array;
}

/** What a query is made of. */
export interface Parsed {
  /** Places of known words and phrases. */
  known: number[];
  unknown: string[];
}

/** Hits by meaning. */
const NEAREST = 48;
/** Words of a phrase, at most. */
const PHRASE = 4;
/** Words that mean nothing on their own. */
const SILENT = new Set('a an the of in on at with and or to for is are by from some'.split(' '));

/** Searches a page's items. */
export class Search {
  private readonly places: ReadonlyMap<string, number>;
  private vectors:
    | {
        items: Int8Array;
        itemScales: Float32Array;
        words: Int8Array;
        wordScales: Float32Array;
        offsets: Float32Array;
      }
    | undefined;
  private texts: string[] | undefined;

  constructor(private readonly data: PageData) {
    this.places = new Map(data.payload.words?.words.map((word, i) => [word, i]));
  }

  get words(): PayloadWords | null {
    return this.data.payload.words;
  }

  /** Cuts a query into the longest phrases that are known; plurals are found under their singular. */
  parse(query: string): Parsed {
    const words = query.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu) ?? [];
    const known: number[] = [];
    const unknown: string[] = [];
    for (let at = 0; at < words.length; ) {
      let length = Math.min(PHRASE, words.length - at);
      let place: number | undefined;
      for (; length > 0; length--) {
        place = this.placeOf(words.slice(at, at + length).join(' '));
        if (place !== undefined) break;
      }
      if (place !== undefined) known.push(place);
      else if (!SILENT.has(words[at]!)) unknown.push(words[at]!);
      at += Math.max(1, length);
    }
    return { known, unknown };
  }

  private placeOf(phrase: string): number | undefined {
    if (SILENT.has(phrase)) return undefined;
    for (const form of [
      phrase,
      phrase.replace(/s$/, ''),
      phrase.replace(/es$/, ''),
      phrase.replace(/ies$/, 'y'),
    ]) {
      const place = this.places.get(form);
      if (place !== undefined) return place;
    }
    return undefined;
  }

  /** The items nearest to the mean of some words. */
  nearest(places: readonly number[]): Found {
    const { dimension } = this.words!;
    const { items, itemScales, words, wordScales, offsets } = this.decoded();
    const query = new Float32Array(dimension);
    let offset = 0;
    for (const place of places) {
      offset += offsets[place]! / places.length;
      for (let k = 0; k < dimension; k++)
        query[k]! += (words[place * dimension + k]! * wordScales[place]! * itemScales[k]!) / places.length;
    }
    const scores = new Float32Array(this.data.count);
    for (let i = 0; i < scores.length; i++) {
      let sum = offset;
      for (let k = 0, at = i * dimension; k < dimension; k++, at++) sum += items[at]! * query[k]!;
      scores[i] = sum;
    }
    const limit = Float32Array.from(scores).sort()[Math.max(0, scores.length - NEAREST)]!;
    const best = Array.from(scores.keys()).filter((i) => scores[i]! >= limit);
    best.sort((a, b) => scores[b]! - scores[a]! || a - b);
    const found = Uint32Array.from(best.slice(0, NEAREST));
    return { items: found, scores: Float32Array.from(found, (i) => scores[i]!) };
  }

  /** Items that have a text in their name or in a column of texts, whatever its case. */
  containing(text: string): Found {
    const wanted = text.trim().toLowerCase();
    if (wanted === '') return { items: new Uint32Array(0) };
    this.texts ??= this.data.payload.names.map((name) => name.toLowerCase());
    const columns = this.data.columns.flatMap((column) => {
      if (column.kind !== 'kinds') return [];
      const hits = new Uint8Array(column.values.length + 1);
      for (const [i, value] of column.values.entries())
        if (value.toLowerCase().includes(wanted)) hits[i + 1] = 1;
      return hits.includes(1) ? [{ codes: column.codes, hits }] : [];
    });
    const found: number[] = [];
    for (let i = 0; i < this.data.count; i++)
      if (this.texts[i]!.includes(wanted) || columns.some(({ codes, hits }) => hits[codes[i]!] === 1))
        found.push(i);
    return { items: Uint32Array.from(found) };
  }

  private decoded() {
    const { data, words } = this;
    this.vectors ??= {
      items: new Int8Array(data.bytes(words!.items).buffer),
      itemScales: data.floats(words!.itemScales),
      words: new Int8Array(data.bytes(words!.vectors).buffer),
      wordScales: data.floats(words!.wordScales),
      offsets: data.floats(words!.offsets),
    };
    return this.vectors;
  }
}
