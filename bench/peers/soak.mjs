// Embeds N images with the bundled model and prints the peak memory of this process. node soak.mjs FOLDER N
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { loadEmbedder } from '../../dist/embedding/index.js';

const [folder, count] = process.argv.slice(2);
const files = readdirSync(folder).map((f) => path.join(folder, f));
function* inputs() {
  for (let i = 0; i < Number(count); i++) yield { id: String(i), input: files[i % files.length] };
}
const embedder = await loadEmbedder();
const start = performance.now();
let done = 0;
for await (const r of embedder.streamImages(inputs())) if ('vector' in r) done++;
const rate = done / ((performance.now() - start) / 1000);
await embedder.close();
if (done !== Number(count)) throw new Error(`${done} of ${count} images`);
console.log(JSON.stringify({ peak: process.resourceUsage().maxRSS * 1024, rate }));
