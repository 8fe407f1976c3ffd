/** @file A whole file of embeddings through a projection, in bounded memory. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { IdentityError, UsageError } from '../errors.js';
import { formatFromPath, type OutputFormat, openWriter, scanEmbeddings } from './formats/index.js';
import { journalPath } from './formats/journal.js';
import { loadProjection } from './projection.js';

/** Options of {@link projectFile}. */
export interface ProjectFileOptions {
  /** @default as the name of the output says */
  format?: OutputFormat | undefined;
  /** Replace what is there. @default false */
  overwrite?: boolean | undefined;
  /** Told after every batch. */
  onProgress?: ((done: number) => void) | undefined;
}

/**
 * Projects every vector of a file and writes another, with the ids and what else is known of each row.
 * @param projection the folder of a projection
 * @returns how many vectors there were, and their dimension now
 * @throws IdentityError for vectors of another model than the projection was trained on, UsageError, FormatError.
 */
export async function projectFile(
  input: string,
  projection: string,
  output: string,
  options: ProjectFileOptions = {},
): Promise<{ count: number; dimension: number }> {
  const format = options.format ?? formatFromPath(output);
  if (format === undefined)
    throw new UsageError(`${output}: expected a name that ends in .npy, .parquet, .jsonl or .csv`, {
      hint: 'or name the format',
    });
  const { overwrite = false } = options;
  if (!overwrite && existsSync(output))
    throw new UsageError(`${output} exists`, { hint: 'name another file, or replace it with overwrite' });
  await using learned = await loadProjection(projection);
  const scan = await scanEmbeddings(input);
  const { identity } = scan;
  if (!identity) throw new IdentityError(`${input}: the file does not say which model its vectors come from`);
  await learned.project(new Float32Array(0), identity); // vectors of another model: before anything is written
  const { writer } = await openWriter(output, format, { identity: learned.identity, overwrite });
  const { dimension } = learned;
  let count = 0;
  try {
    for await (const rows of scan.batches()) {
      const all = new Float32Array(rows.length * scan.dimension);
      rows.forEach(({ vector }, i) => {
        all.set(vector, i * scan.dimension);
      });
      const projected = await learned.project(all, identity);
      await writer.append(
        rows.map((row, i) => ({ ...row, vector: projected.subarray(i * dimension, (i + 1) * dimension) })),
      );
      count += rows.length;
      options.onProgress?.(count);
    }
    await writer.close();
  } catch (error) {
    await writer.suspend();
    await rm(journalPath(output), { force: true }); // seconds of work, which nothing goes on with
    throw error;
  }
  return { count, dimension };
}
