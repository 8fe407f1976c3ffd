/**
 * @file The file that a run keeps of the items that failed: JSON Lines of `{id, stage, reason}`, on the disk with each
 * batch. A run that starts or resumes writes it anew, since items that failed before are tried again.
 */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { type ItemFailure, UsageError } from '../errors.js';

/** An open error file. */
export class ErrorLog {
  private constructor(private readonly file: FileHandle) {}

  /**
   * @throws UsageError when the file cannot be written, or holds something other than error records, which is never
   *   overwritten.
   */
  static async create(name: string): Promise<ErrorLog> {
    try {
      return await ErrorLog.open(name);
    } catch (cause) {
      if (cause instanceof UsageError) throw cause;
      throw new UsageError(`${name}: the error file cannot be written (${(cause as Error).message})`, {
        cause,
        hint: 'choose another place for the error file',
      });
    }
  }

  private static async open(name: string): Promise<ErrorLog> {
    const before = await beginning(name);
    if (before.trim() !== '' && !before.startsWith('{"id":'))
      throw new UsageError(`${name}: the error file would replace a file that holds something else`, {
        hint: 'choose another name for the error file',
      });
    await mkdir(path.dirname(name), { recursive: true });
    return new ErrorLog(await open(name, 'w'));
  }

  /** Adds records; when it resolves they are on the disk. */
  async append(failures: readonly ItemFailure[]): Promise<void> {
    if (failures.length === 0) return;
    await this.file.appendFile(
      failures.map(({ id, stage, reason }) => `${JSON.stringify({ id, stage, reason })}\n`).join(''),
    );
    await this.file.datasync();
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

/** The first characters of a file; nothing when there is none. */
async function beginning(name: string): Promise<string> {
  const file = await open(name, 'r').catch(() => undefined);
  if (!file) return '';
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
