// One map of the vectors in a file, by one library, in a process of its own: one JSON line.
// node map.mjs ours|tsne|umap-js FILE DIMENSION OUT SEED THREADS
import { readFileSync, writeFileSync } from 'node:fs';

const [kind, file, width, out, number, threads] = process.argv.slice(2);
const [dimension, seed] = [Number(width), Number(number)];
const bytes = readFileSync(file);
const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);

const makers = {
  async ours() {
    const { umap } = await import('../../dist/vectors/index.js');
    return () => umap({ data, dimension }, { seed, session: { threads: Number(threads) } });
  },
  async tsne() {
    const { tsne } = await import('../../dist/vectors/index.js');
    return () => tsne({ data, dimension }, { seed, session: { threads: Number(threads) } });
  },
  async 'umap-js'() {
    const { UMAP } = await import('umap-js');
    const rows = Array.from({ length: data.length / dimension }, (_, i) =>
      Array.from(data.subarray(i * dimension, (i + 1) * dimension)),
    );
    let state = seed + 1;
    const random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    // Of unit vectors the neighbours by Euclidean distance, its default, are those by cosine.
    return () => Float32Array.from(new UMAP({ nNeighbors: 15, random }).fit(rows).flat());
  },
};

const make = await makers[kind]();
const start = performance.now();
const before = process.cpuUsage();
const map = await make();
const { user, system } = process.cpuUsage(before);
writeFileSync(out, map);
console.log(
  JSON.stringify({
    seconds: (performance.now() - start) / 1000,
    cpu: (user + system) / 1e6,
    megabytes: process.resourceUsage().maxRSS / 1024,
  }),
);
