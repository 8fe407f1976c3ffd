/** @file Text files line by line, in bounded memory, for lines of any length. */
import { createReadStream } from 'node:fs';
import { readFailure } from './files.js';

/** The lines of a UTF-8 file up to their LF (a CR before it is left in), with their numbers from 1. */
export async function* fileLines(file: string): AsyncGenerator<{ line: string; number: number }> {
  const stream = createReadStream(file, { highWaterMark: 1 << 20 });
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  let number = 0;
  try {
    for await (const chunk of stream) {
      const text = decoder.decode(chunk as Uint8Array, { stream: true });
      let start = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        const line = rest + text.slice(start, end);
        rest = '';
        start = end + 1;
        yield { line, number: ++number };
      }
      rest += text.slice(start);
    }
  } catch (error) {
    throw readFailure(file, error);
  } finally {
    stream.destroy();
  }
  rest += decoder.decode();
  if (rest !== '') yield { line: rest, number: ++number };
}
