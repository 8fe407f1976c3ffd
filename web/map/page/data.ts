/** @file Reads what the page carries; see `src/pages/map-page-payload.ts`. Blocks are decoded when they are first asked for. */
import type { Block, MapPayload, PayloadColumn } from '../../../src/pages/map-page-payload.js';
import type { Tiles } from '../types.js';

/** A column, decoded. */
export type PageColumn =
  | { name: string; kind: 'kinds'; values: readonly string[]; codes: ArrayLike<number> }
  | { name: string; kind: 'numbers'; numbers: ArrayLike<number>; time: boolean };

/** The atlases of small pictures, and their addresses for style sheets. */
export interface PageTiles extends Tiles {
  urls: readonly string[];
}

/** The page's data. */
export class PageData {
  readonly payload: MapPayload;
  readonly columns: readonly PageColumn[];

  constructor(private readonly document: Document) {
    this.payload = JSON.parse(document.getElementById('map')!.textContent!) as MapPayload;
    this.columns = this.payload.columns.map((column) => this.decode(column));
  }

  get count(): number {
    return this.payload.count;
  }

  /** What an item is called: its id without what all have in common. */
  name(item: number): string {
    return this.payload.names[item]!;
  }

  /** Where an item's file is. */
  link(item: number): string {
    const { base, links, names } = this.payload;
    return base + (links ? links[item]! : encodeURI(names[item]!));
  }

  /** A cell as it is shown; undefined where it is empty. */
  cell(column: PageColumn, item: number): string | undefined {
    if (column.kind === 'kinds') return column.values[column.codes[item]! - 1];
    const value = column.numbers[item]!;
    return Number.isNaN(value) ? undefined : formatNumber(value, column.time);
  }

  bytes(block: Block): Uint8Array<ArrayBuffer> {
    const element = this.document.getElementById(`block-${block}`)!;
    const text = atob(element.textContent!);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
  }

  floats(block: Block): Float32Array<ArrayBuffer> {
    return new Float32Array(this.bytes(block).buffer);
  }

  /** Decodes the pictures. */
  async tiles(): Promise<PageTiles | undefined> {
    const { pictures } = this.payload;
    if (pictures === null) return undefined;
    const urls = pictures.atlases.map((block) =>
      URL.createObjectURL(new Blob([this.bytes(block)], { type: 'image/webp' })),
    );
    return {
      images: await Promise.all(urls.map(decoded)),
      urls,
      cell: pictures.cell,
      columns: pictures.columns,
      slots: new Int32Array(this.bytes(pictures.slots).buffer),
      sizes: this.bytes(pictures.sizes),
    };
  }

  private decode(column: PayloadColumn): PageColumn {
    if (column.kind === 'kinds') {
      const { name, kind, values } = column;
      const { buffer } = this.bytes(column.codes);
      return {
        name,
        kind,
        values,
        codes: new { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[column.bytes](buffer),
      };
    }
    const { name, kind, time } = column;
    const { buffer } = this.bytes(column.data);
    return {
      name,
      kind,
      time,
      numbers: column.bytes === 4 ? new Float32Array(buffer) : new Float64Array(buffer),
    };
  }
}

function decoded(url: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error('a block of pictures in this page is damaged'));
    image.src = url;
  });
}

/** `1,234`, `0.0123`; times as `2023-05-01 12:30`. */
export function formatNumber(value: number, time: boolean): string {
  if (time) return new Date(value).toISOString().slice(0, 16).replace('T', ' ').replace(' 00:00', '');
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return Number(value.toPrecision(4)).toLocaleString('en-US', { maximumSignificantDigits: 4 });
}
