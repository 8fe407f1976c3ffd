// Embeds files with Afterimage. node ours.mjs NAME FOLDER THREADS BATCH; protocol as pytorch.py.
import { createInterface } from 'node:readline';
import { loadEmbedder } from '../../dist/embedding/index.js';

const [, folder, threads, batch] = process.argv.slice(2);
const embedder = await loadEmbedder(folder, { threads: Number(threads), batchSize: Number(batch) });
console.log(JSON.stringify({ ready: `afterimage, output ${embedder.identity.output}` }));
for await (const line of createInterface({ input: process.stdin })) {
  const files = JSON.parse(line);
  const start = performance.now();
  await embedder.embedImages(files);
  console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000 }));
}
await embedder.close();
