/** @file Runs a command within the test's own process, which spares the start of one for each case. */
import type { Command } from '#src/cli/command.js';

/** What a command wrote and returned. */
export interface Captured {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command with what it writes kept from the terminal. @throws what the command throws. */
export async function capture(command: Command, argv: readonly string[]): Promise<Captured> {
  const text = { stdout: '', stderr: '' };
  const restore = (['stdout', 'stderr'] as const).map((name) => {
    const stream = process[name];
    const { write } = stream;
    stream.write = (chunk: string | Uint8Array) => {
      text[name] += String(chunk);
      return true;
    };
    return () => {
      stream.write = write;
    };
  });
  try {
    return { code: await command.run(argv), ...text };
  } finally {
    for (const back of restore) back();
  }
}
