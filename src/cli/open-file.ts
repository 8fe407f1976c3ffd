/** @file Shows a file in the program that the user's desktop has for it. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Opens a file (a page in the browser, say) and does not wait for it.
 * @returns false where there is no desktop to open it on.
 */
export function openFile(file: string): Promise<boolean> {
  const place = path.resolve(file);
  const { DISPLAY, WAYLAND_DISPLAY, SSH_CONNECTION, WSL_DISTRO_NAME } = process.env;
  if (process.platform === 'darwin') return SSH_CONNECTION ? Promise.resolve(false) : start('open', [place]);
  if (process.platform === 'win32') return start('explorer.exe', [place]);
  if (!DISPLAY && !WAYLAND_DISPLAY && !WSL_DISTRO_NAME) return Promise.resolve(false);
  return start('xdg-open', [pathToFileURL(place).href]);
}

/** Whether the program was found and started. */
function start(program: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { detached: true, stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
