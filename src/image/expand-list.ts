/** @file Lists of inputs: one path or URL a line, or separated by NUL as `find -print0` writes them. */
import type { Readable } from 'node:stream';

/** A line longer than this is no path: most likely an image was given where a list was meant. */
const MAX_LINE = 1024 * 1024;

/**
 * The entries of a list, as they arrive. When the first piece read holds a NUL, entries end with NUL and are taken as they
 * are; otherwise they are lines (LF or CRLF, UTF-8 with or without a mark), and blank lines and lines that begin with
 * `#` are passed over.
 * @throws {RangeError} when an entry is longer than a mebibyte.
 */
export async function* listEntries(stream: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  let separator: string | undefined;
  const entry = (raw: string): string | undefined => {
    if (separator === '\0') return raw === '' ? undefined : raw;
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    const start = line.trimStart();
    return start === '' || start.startsWith('#') ? undefined : line;
  };
  for await (const chunk of stream as AsyncIterable<Uint8Array | string>) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    separator ??= ['\0', '\n'].find((candidate) => rest.includes(candidate));
    if (separator !== undefined) {
      const parts = rest.split(separator);
      rest = parts.pop()!;
      for (const part of parts) {
        const found = entry(part);
        if (found !== undefined) yield found;
      }
    }
    if (rest.length > MAX_LINE)
      throw new RangeError('this is not a list of paths: an entry is longer than a mebibyte');
  }
  rest += decoder.decode();
  const last = entry(rest);
  if (last !== undefined) yield last;
}
