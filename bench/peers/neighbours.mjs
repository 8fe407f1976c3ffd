// The neighbour graph of the vectors in a file, exact or through cells, in a process of its own: one JSON line.
// node neighbours.mjs exact|cells FILE DIMENSION K THREADS
import { readFileSync } from 'node:fs';
import { approximateNeighbourGraph, graphRecall, neighbourGraph } from '../../dist/vectors/index.js';

const [kind, file, ...numbers] = process.argv.slice(2);
const [dimension, k, threads] = numbers.map(Number);
const bytes = readFileSync(file);
const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const session = { threads };
const start = performance.now();
const before = process.cpuUsage();
const graph =
  kind === 'exact'
    ? { ...(await neighbourGraph(data, dimension, k, { session })), recall: 1, probes: 0 }
    : await approximateNeighbourGraph(data, dimension, k, { session, exactBelow: 1000 });
const { user, system } = process.cpuUsage(before);
const seconds = (performance.now() - start) / 1000;
const megabytes = process.resourceUsage().maxRSS / 1024;
const recall = await graphRecall(data, dimension, graph, k, { seed: 1, session });
console.log(JSON.stringify({ seconds, cpu: (user + system) / 1e6, megabytes, recall, probes: graph.probes }));
