/** @file Python as the other side of a comparison, where it is installed. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

/** The interpreter: `AFTERIMAGE_PYTHON`, else `python3`. */
export const python = process.env.AFTERIMAGE_PYTHON ?? 'python3';

/** Why a comparison that needs these modules is skipped, or undefined where they are there. */
export function missing(...modules: string[]): string | undefined {
  const { status } = spawnSync(python, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' });
  return status === 0 ? undefined : `${python} has not all of ${modules.join(', ')} (set AFTERIMAGE_PYTHON)`;
}

/** Runs a program; its standard output is JSON. */
export async function runPython<T>(code: string, args: readonly string[] = []): Promise<T> {
  const env = { ...process.env, OMP_NUM_THREADS: '1' };
  const { stdout } = await promisify(execFile)(python, ['-c', code, ...args], { env, maxBuffer: 1 << 28 });
  return JSON.parse(stdout) as T;
}
