/** @file The version of this package, from its own package.json. */
import { readFile } from 'node:fs/promises';

/** For example `1.2.3`. */
export async function packageVersion(): Promise<string> {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version;
}
