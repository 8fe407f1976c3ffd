/** @file What a download looks like on stderr. */
import type { EmbedderOptions } from '../embedding/index.js';
import { bytes } from '../units.js';
import { note, showStatus } from './terminal.js';

/** Reports downloads: one line when a repository begins, and a moving one below it on a terminal. */
export function downloadProgress(): NonNullable<EmbedderOptions['onDownload']> {
  let begun = '';
  let last = 0;
  return ({ repo, file, allBytes, allTotal }) => {
    if (begun !== repo) {
      begun = repo;
      note(`fetching ${repo} (${bytes(allTotal)})`);
    }
    const now = performance.now();
    const ended = allBytes === allTotal;
    if (now - last < 100 && !ended) return;
    last = now;
    showStatus(ended ? '' : `${bytes(allBytes)} of ${bytes(allTotal)} · ${file}`);
  };
}
