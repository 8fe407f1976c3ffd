/** @file Files of vectors for tests. */
import { writeFileSync } from 'node:fs';

/** Writes vectors as JSON Lines; returns the file. */
export function jsonLines(file: string, rows: readonly { id: string; vector: readonly number[] }[]): string {
  writeFileSync(
    file,
    rows.map((row) => `${JSON.stringify({ id: row.id, embedding: row.vector })}\n`).join(''),
  );
  return file;
}
