/** @file Numbers and pictures as blocks of a page. */
import type { Block, PayloadColumn } from './map-page-payload.js';

/** A column of a map: its cells in the order of the items. */
export interface MapColumn {
  name: string;
  cells: readonly (string | number | boolean | Date | null)[];
}

/** Collects blocks, and says how large they are together. */
export class Blocks {
  private readonly all: string[] = [];

  add(
    data: Uint8Array | Float32Array | Float64Array | Int32Array | Int8Array | Uint16Array | Uint32Array,
  ): Block {
    return this.all.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')) - 1;
  }

  /** As script elements that no browser runs. */
  html(): string {
    return this.all.map((text, i) => `<script type="text/plain" id="block-${i}">${text}</script>`).join('\n');
  }

  get bytes(): number {
    return this.all.reduce((sum, text) => sum + text.length, 0);
  }
}

/** Encodes a column: numbers and times as numbers, everything else as places in a dictionary, the most frequent first. */
export function encodeColumn({ name, cells }: MapColumn, blocks: Blocks): PayloadColumn {
  const filled = cells.filter((cell) => cell !== null);
  const time = filled.length > 0 && filled.every((cell) => cell instanceof Date);
  if (filled.length > 0 && (time || filled.every((cell) => typeof cell === 'number'))) {
    const wide = Float64Array.from(cells, (cell) => (cell === null ? Number.NaN : Number(cell)));
    const narrow = Float32Array.from(wide);
    const exact = !time && narrow.every((value, i) => Object.is(value, wide[i]) || Number.isNaN(value));
    return { name, kind: 'numbers', data: blocks.add(exact ? narrow : wide), bytes: exact ? 4 : 8, time };
  }
  const counts = new Map<string, number>();
  const texts = cells.map((cell) =>
    cell === null ? null : cell instanceof Date ? cell.toISOString() : String(cell),
  );
  for (const text of texts) if (text !== null) counts.set(text, (counts.get(text) ?? 0) + 1);
  const values = [...counts.keys()].sort((a, b) => counts.get(b)! - counts.get(a)! || (a < b ? -1 : 1));
  const places = new Map(values.map((value, i) => [value, i + 1]));
  const bytes = values.length < 256 ? 1 : values.length < 65_536 ? 2 : 4;
  const kind = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[bytes];
  const codes = kind.from(texts.map((text) => (text === null ? 0 : places.get(text)!)));
  return { name, kind: 'kinds', values, codes: blocks.add(codes), bytes };
}
