/** @file Runs a page in headless Chromium, where there is one. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';

/** The browser; undefined where there is none, and then the reason has been printed. */
export const CHROMIUM = find();

function find(): string | undefined {
  const wanted = process.env.CHROMIUM ?? '/usr/bin/chromium';
  if (existsSync(wanted)) return wanted;
  console.log(`no ${wanted} (CHROMIUM names another one): what a browser draws is not tested`);
  return undefined;
}

/** The document as it is after some seconds of the page's own time. */
export async function domOf(page: string, hash = '', milliseconds = 4000): Promise<string> {
  const profile = mkdtempSync(path.join(tmpdir(), 'afterimage-chromium-'));
  try {
    const { stdout } = await promisify(execFile)(
      CHROMIUM!,
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--window-size=1000,800',
        `--user-data-dir=${profile}`,
        `--virtual-time-budget=${milliseconds}`,
        '--dump-dom',
        `${pathToFileURL(page).href}${hash}`,
      ],
      { maxBuffer: 2 ** 28, timeout: 50_000 },
    );
    return stdout;
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}

/** What a page wrote as JSON into an element of this id. */
export function resultOf<T>(dom: string, id = 'result'): T {
  const text = new RegExp(`id="${id}"[^>]*>([^<]*)<`).exec(dom)?.[1];
  if (text === undefined) throw new Error(`the page wrote no ${id}`);
  return JSON.parse(
    text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'),
  ) as T;
}

/** Bundles a script and writes a page that runs it. */
export async function pageOf(entry: string, folder: string): Promise<string> {
  await build({
    root: path.dirname(entry),
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: folder,
      emptyOutDir: false,
      lib: { entry, formats: ['iife'], name: 'page', fileName: () => 'page.js' },
    },
  });
  const page = path.join(folder, 'page.html');
  writeFileSync(page, '<!doctype html><meta charset="utf-8"><body><script src="page.js"></script></body>');
  return page;
}
