/** @file An index run that is killed at any moment loses at most the batch in hand, and the next one goes on. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';
import { picture, put, temporaryFolder } from './pictures.js';

it('loses nothing and repeats nothing when it is killed', async () => {
  await using place = await temporaryFolder();
  for (let i = 0; i < 240; i++) await put(path.join(place.folder, `${i % 7}/${i}.png`), await picture(i));
  const script = path.join(import.meta.dirname, 'kill-index.mjs');
  // The script itself fails when an item is lost or there twice, or more than a batch has to be computed again.
  const said = execFileSync(process.execPath, [script, place.folder, '4', '240', '7'], { encoding: 'utf8' });
  expect(said.match(/killed after/g)?.length).toBeGreaterThanOrEqual(2);
  expect(said).toContain('240 items of 240 pictures');
});
