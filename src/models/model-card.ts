/**
 * @file The publisher's model card, stored beside the weights: its licence and what else its head declares.
 *
 * A card is a `README.md` that may begin with YAML between `---` lines
 * (https://huggingface.co/docs/hub/model-cards). Only plain values and lists of the outermost level are read; the
 * rest is for people.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a model card says. */
export interface ModelCard {
  /** The licence's identifier on the hub (`apache-2.0`, `mit`, `other`, …), or null where the card names none. */
  licence: string | null;
  /** The name of a licence that has no identifier. */
  licenceName: string | null;
  /** The licence's text beside the weights, or null. */
  licenceFile: string | null;
  tags: readonly string[];
  /** The card's path. */
  path: string;
}

/** Reads the card in a model's folder; null where there is none. */
export async function readModelCard(folder: string): Promise<ModelCard | null> {
  const names = await readdir(folder).catch(() => []);
  const card = names.find((name) => name.toLowerCase() === 'readme.md');
  if (card === undefined) return null;
  const path = join(folder, card);
  const head = readHead(await readFile(path, 'utf8').catch(() => ''));
  const licenceFile = names.sort().find((name) => /^(licen[cs]e|copying)(\.\w+)?$/i.test(name));
  const first = (key: string) => head.get(key)?.[0] ?? null;
  return {
    licence: first('license'),
    licenceName: first('license_name'),
    licenceFile: licenceFile === undefined ? null : join(folder, licenceFile),
    tags: head.get('tags') ?? [],
    path,
  };
}

/** Keys of the YAML head's outermost level with their values; a plain value is a list of one. */
function readHead(text: string): Map<string, string[]> {
  const values = new Map<string, string[]>();
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  if (lines[0]?.trimEnd() !== '---') return values;
  let key: string | undefined;
  for (const line of lines.slice(1)) {
    if (/^(---|\.\.\.)\s*$/.test(line)) return values;
    const pair = /^([\w-]+):(?:\s+(.*))?$/.exec(line);
    const item = /^\s*-\s+(.*)$/.exec(line);
    if (pair) {
      key = pair[1]!;
      values.set(key, scalars(pair[2] ?? ''));
    } else if (item && key !== undefined) {
      values.get(key)!.push(...scalars(item[1]!));
    }
  }
  return new Map(); // the head never ends: it is none
}

/** A plain or quoted value, or a list in brackets; comments and absent values give nothing. */
function scalars(text: string): string[] {
  const plain = text.replace(/(^|\s)#.*$/, '').trim();
  const list = /^\[(.*)\]$/.exec(plain);
  const parts = list ? list[1]!.split(',') : [plain];
  return parts.map((part) => part.trim().replace(/^(["'])(.*)\1$/, '$2')).filter((part) => part !== '');
}
