/** @file JSON files beside the weights. */
import { readFile } from 'node:fs/promises';
import { ModelError } from '../errors.js';

/** A JSON object, or null when there is no such file. @throws ModelError when it is not JSON. */
export async function readJson(file: string): Promise<Record<string, unknown> | null> {
  const text = await readFile(file, 'utf8').catch((e: NodeJS.ErrnoException) => {
    if (e.code === 'ENOENT') return null;
    throw new ModelError(`${file}: ${e.message}`, { cause: e });
  });
  return text === null ? null : parseJson(text, file);
}

/** A JSON object. @throws ModelError, naming `file`, when it is not JSON. */
export function parseJson(text: string, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw new ModelError(`${file}: not valid JSON`, { cause });
  }
  throw new ModelError(`${file}: expected a JSON object`);
}
