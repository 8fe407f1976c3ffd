// A process that writes to a store, or reads it, until it is killed: node lance-process.mjs WHAT FOLDER [SEED]
import { LanceStore } from '../../dist/collection/lance/lance-store.js';

const [what, folder, seed = '0'] = process.argv.slice(2);
const store = await LanceStore.open(folder);
const table = await store.open('items');
const D = table.dimension;

function batch(first, count, mark) {
  const ids = Array.from({ length: count }, (_, i) => `item ${first + i}`);
  const vectors = new Float32Array(count * D);
  for (let i = 0; i < count; i++) vectors[i * D + ((first + i) % D)] = 1;
  return { ids, vectors, values: { mark: ids.map(() => mark) } };
}

if (what === 'upsert') {
  // Each batch has new rows, and those of the batch before once more.
  for (let n = Number(seed); ; n++) {
    await table.upsert(batch(n * 50, 100, n));
    process.stdout.write(`${n}\n`);
  }
} else if (what === 'optimize') {
  for (let n = Number(seed); ; n++) {
    await table.upsert(batch(n * 50, 100, n));
    process.stdout.write(`${n}\n`);
    if (n % 4 === 3) {
      await table.indexVectors();
      await table.optimize();
    }
  }
} else if (what === 'same') {
  await table.upsert(batch(0, 300, Number(seed)));
} else if (what === 'count') {
  for (;;) {
    let rows = 0;
    for await (const { ids } of table.scan({ vectors: true })) rows += ids.length;
    process.stdout.write(`${rows}\n`);
  }
} else if (what === 'open') {
  try {
    process.stdout.write(`${await table.count()} rows\n`);
    await table.upsert(batch(0, 1, 0));
  } catch (error) {
    process.stdout.write(`${error.name}: ${error.message}\n${error.hint}\n`);
  }
}
await store.close();
