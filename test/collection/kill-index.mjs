// Kills an index run at random moments, again and again, and shows that nothing is lost and nothing twice.
//
//   node test/collection/kill-index.mjs FOLDER [KILLS] [IMAGES] [SEED]
//
// Links IMAGES pictures of FOLDER into a temporary folder, starts indexing it in a process of its own, ends that with
// SIGKILL after a random time, opens the collection again; KILLS times. Then one run goes to the end. Needs `dist`.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { openCollection } from '../../dist/collection/collection.js';
import { indexFolder } from '../../dist/collection/index-folder.js';

const WORKER = `
import { openCollection } from '${new URL('../../dist/collection/collection.js', import.meta.url)}';
import { indexFolder } from '${new URL('../../dist/collection/index-folder.js', import.meta.url)}';
const root = process.argv[1];
const collection = await openCollection(root + '/.afterimage', { create: true, root });
process.stdout.write('open\\n');
await indexFolder(collection, { onProgress: ({ done }) => done % 8 === 0 && process.stdout.write(done + '\\n') });
await collection.close();
`;

/** Rows by id; throws where an id is there twice. */
export async function itemsOf(collection) {
  const ids = new Set();
  if (collection.spaces.length === 0) return ids;
  const { items } = await collection.tablesOf(collection.space());
  for await (const batch of items.scan())
    for (const id of batch.ids) {
      if (ids.has(id)) throw new Error(`${id} is there twice`);
      ids.add(id);
    }
  return ids;
}

/** Indexes `root` in another process and kills it once it has dealt with about `after` files more. */
export async function killedRun(root, after) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', WORKER, root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let done = 0;
  child.stdout.on('data', (text) => {
    done = Number(String(text).trim().split('\n').at(-1)) || done;
    if (done >= after) child.kill('SIGKILL');
  });
  const signal = await new Promise((resolve) => child.on('exit', (_, by) => resolve(by)));
  return { killed: signal === 'SIGKILL', done };
}

async function main([folder, kills = '10', images = '2000', seed = '1']) {
  if (folder === undefined) throw new Error('name a folder of pictures');
  const root = await mkdtemp(path.join(tmpdir(), 'afterimage-kill-'));
  try {
    const names = (await readdir(folder, { recursive: true })).filter((name) =>
      /\.(jpe?g|png|webp)$/i.test(name),
    );
    const chosen = names.sort().slice(0, Number(images));
    for (const [i, name] of chosen.entries())
      await symlink(path.resolve(folder, name), path.join(root, `${i}${path.extname(name)}`));
    let state = Number(seed);
    const random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    let before = new Set();
    for (let kill = 1; kill <= Number(kills); kill++) {
      const { killed, done } = await killedRun(
        root,
        Math.round(random() * (chosen.length / Number(kills)) * 1.6),
      );
      const collection = await openCollection(path.join(root, '.afterimage'));
      const items = await itemsOf(collection);
      await collection.close();
      const lost = [...before].filter((id) => !items.has(id)).length;
      console.log(
        `${kill}: ${killed ? 'killed' : 'ended'} after ${done} files of this run; ${items.size} items (${items.size - before.size} new), ${lost} lost`,
      );
      if (lost > 0) throw new Error('items were lost');
      if (killed && items.size < before.size + done - 64 - 16) throw new Error('more than a batch was lost');
      before = items;
    }
    const collection = await openCollection(path.join(root, '.afterimage'));
    const { spaces } = await indexFolder(collection);
    const items = await itemsOf(collection);
    await collection.close();
    const { embedded, reused, unchanged, failed } = spaces[0];
    console.log(
      `to the end: ${embedded} embedded, ${reused} reused, ${unchanged} unchanged, ${failed} failed`,
    );
    console.log(`${items.size} items of ${chosen.length} pictures`);
    if (items.size + failed !== chosen.length) throw new Error('some are missing');
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2));
