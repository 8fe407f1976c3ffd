// Duplicates: near pairs among a million vectors with planted copies, and copies of real pictures (compressed, reduced,
// brightened, cropped), beside ImageHash's phash alone and a fixed cosine of 0.9. BENCH_ROWS sets the number of vectors.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = new URL('../../dist/', import.meta.url);
const load = (file) => import(new URL(file, dist));
const DIMENSION = 512;
const NEIGHBOURS = 8;
/** One vector in this many has a copy. */
const PLANTED = 50;

export async function duplicates({ data, log }) {
  const rows = [];
  for (const n of (process.env.BENCH_ROWS ?? '1000000').split(',').map(Number)) {
    log(`duplicates: ${n} vectors`);
    const text = execFileSync(process.execPath, [fileURLToPath(import.meta.url), String(n)], {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    });
    const { minutes, peak, recall, precision, threshold } = JSON.parse(text.trim().split('\n').at(-1));
    rows.push([
      `near pairs of ${n.toLocaleString('en-US')} × ${DIMENSION}, cosine ≥ ${threshold.toFixed(3)}`,
      share(recall),
      share(precision),
      `${minutes.toFixed(1)} min`,
      `${(peak / 1e9).toFixed(1)} GB`,
    ]);
  }
  for (const [name, count] of [
    ['flickr8k/images', 1500],
    ['clothing', 1500],
  ]) {
    const folder = path.join(data, name);
    if (!existsSync(folder)) continue;
    rows.push(...(await realPictures(folder, name.split('/')[0], count, log)));
  }
  return {
    head: ['what', 'recall', 'precision', 'time', 'peak memory'],
    rows,
    note:
      `Duplicates. Vectors: clusters, one in ${PLANTED} with a copy at a cosine of 0.93 to 0.99; the threshold is measured on ` +
      'them (at most one wrong item expected in all), time and memory are those of neighbours, threshold and pairs. Pictures: ' +
      'four kinds of copies, a twentieth of the pictures each (JPEG of quality 50; half the size; 1.2 times as bright; 85 % by 88 % of ' +
      'the picture), pairs of the planted copies with their originals; any other pair counts as wrong, although some are of one scene.',
  };
}

const share = (x) => `${(100 * x).toFixed(1)} %`;

/** In a process of its own, for its memory: clustered vectors, copies planted, searched. */
async function synthetic(count) {
  const { Random } = await load('random.js');
  const { approximateNeighbourGraph } = await load('vectors/approximate-neighbours.js');
  const { nearPairs } = await load('vectors/near-pairs.js');
  const { nearestNull, distanceOfShare } = await load('vectors/near-pairs-null.js');
  const random = new Random(1, 'bench-duplicates');
  const noise = Float32Array.from({ length: 2 ** 21 }, () => random.normal()); // a table: half a billion draws take minutes
  const clusters = 2000;
  const centres = Float32Array.from({ length: clusters * DIMENSION }, () => random.normal());
  const data = new Float32Array(count * DIMENSION);
  const planted = Math.floor(count / PLANTED);
  const truth = new Set();
  for (let row = 0; row < count; row++) {
    const copyOf = row >= count - planted ? random.integer(count - planted) : -1;
    const source = copyOf < 0 ? centres : data;
    const from = (copyOf < 0 ? random.integer(clusters) : copyOf) * DIMENSION;
    const spread = copyOf < 0 ? 1.2 : random.uniform(0.14, 0.39) / Math.sqrt(DIMENSION);
    const at = random.integer(noise.length - DIMENSION);
    const also = random.integer(noise.length - DIMENSION); // so that no two rows have the same noise
    let square = 0;
    for (let d = 0; d < DIMENSION; d++) {
      const x = source[from + d] + spread * (noise[at + d] + noise[also + d]) * Math.SQRT1_2;
      data[row * DIMENSION + d] = x;
      square += x * x;
    }
    const length = Math.sqrt(square);
    for (let d = 0; d < DIMENSION; d++) data[row * DIMENSION + d] /= length;
    if (copyOf >= 0) truth.add(copyOf * count + row);
  }
  const start = performance.now();
  const graph = await approximateNeighbourGraph(data, DIMENSION, NEIGHBOURS);
  const sample = Array.from({ length: 20_000 }, () => random.integer(count));
  const angles = sample.flatMap((row) =>
    Array.from(graph.scores.subarray(row * NEIGHBOURS, (row + 1) * NEIGHBOURS), (c) =>
      Math.acos(Math.min(1, c)),
    ),
  );
  const threshold = Math.cos(distanceOfShare(nearestNull(angles, NEIGHBOURS), 1 / count));
  const { pairs, cosines } = await nearPairs(data, DIMENSION, { graph, threshold });
  const minutes = (performance.now() - start) / 60_000;
  let right = 0;
  let siblings = 0; // two copies of one vector are near each other, too
  const original = new Map([...truth].map((key) => [key % count, Math.floor(key / count)]));
  for (let i = 0; i < cosines.length; i++) {
    const [a, b] = [pairs[2 * i], pairs[2 * i + 1]];
    if (truth.has(a * count + b)) right++;
    else if ((original.get(a) ?? a) === (original.get(b) ?? b)) siblings++;
  }
  const peak = process.resourceUsage().maxRSS * 1024;
  const precision = (right + siblings) / cosines.length;
  console.log(JSON.stringify({ minutes, peak, recall: right / truth.size, precision, threshold }));
}

const KINDS = {
  compressed: (image) => image.jpeg({ quality: 50 }),
  reduced: (image, { width }) => image.resize({ width: Math.round(width / 2) }).webp({ quality: 80 }),
  brightened: (image) => image.modulate({ brightness: 1.2 }).jpeg({ quality: 85 }),
  cropped: (image, { width, height }) =>
    image
      .extract({
        left: Math.round(0.05 * width),
        top: Math.round(0.08 * height),
        width: Math.round(0.85 * width),
        height: Math.round(0.88 * height),
      })
      .jpeg({ quality: 85 }),
};

async function realPictures(source, name, count, log) {
  const { default: sharp } = await import('sharp');
  const { Random } = await load('random.js');
  const { openVectorSet, findDuplicates } = await load('analysis/index.js');
  const { decodeImage, readSource } = await load('image/index.js');
  const { perceptualHash, hashDistance } = await load('image/perceptual-hash.js');
  const folder = mkdtempSync(path.join(tmpdir(), 'afterimage-duplicates-'));
  try {
    const all = readdirSync(source, { recursive: true }).filter((file) => /\.(webp|jpe?g|png)$/i.test(file));
    const files = new Random(1, 'bench-duplicates').shuffle(all.sort()).slice(0, count);
    const truth = new Map();
    for (const [i, file] of files.entries()) {
      const original = `${i}.webp`;
      cpSync(path.join(source, file), path.join(folder, original));
      const kind = Object.keys(KINDS)[i % 20];
      if (kind === undefined) continue;
      const image = sharp(path.join(folder, original));
      const copy = `${i}-${kind}.${kind === 'reduced' ? 'webp' : 'jpg'}`;
      await KINDS[kind](image, await image.metadata()).toFile(path.join(folder, copy));
      truth.set(`${original} ${copy}`, kind);
    }
    log(`duplicates: ${files.length} pictures of ${name}, ${truth.size} copies`);
    const set = await openVectorSet(folder);
    const ids = set.ids.map((id) => path.basename(id));
    const key = (a, b) => [ids[a], ids[b]].sort((x, y) => x.length - y.length || (x < y ? -1 : 1)).join(' ');
    const start = performance.now();
    const found = await findDuplicates(set);
    const seconds = (performance.now() - start) / 1000;
    for (const sentence of found.explanation) log(`duplicates: ${sentence}`);
    const own = found.groups.flatMap(({ members: [keeper, ...others] }) =>
      others.map(({ row }) => key(keeper.row, row)),
    );
    const hashes = [];
    for (let row = 0; row < set.count; row++)
      hashes.push(perceptualHash(await decodeImage(await readSource(set.file(row)))));
    const unit = set.unit();
    const byHash = [];
    const byCosine = [];
    for (let a = 0; a < set.count; a++)
      for (let b = a + 1; b < set.count; b++) {
        if (hashDistance(hashes[a], hashes[b]) <= 10) byHash.push(key(a, b));
        let cosine = 0;
        for (let d = 0; d < unit.dimension; d++)
          cosine += unit.data[a * unit.dimension + d] * unit.data[b * unit.dimension + d];
        if (cosine >= 0.9) byCosine.push(key(a, b));
      }
    await set.close();
    const line = (what, pairs, time) => {
      const right = new Set(pairs.filter((pair) => truth.has(pair)));
      const each = Object.keys(KINDS).map((kind) => {
        const all = [...truth].filter(([, k]) => k === kind);
        return `${kind} ${share(all.filter(([pair]) => right.has(pair)).length / all.length)}`;
      });
      return [
        `${name}: ${what}`,
        `${share(right.size / truth.size)} (${each.join(', ')})`,
        share(right.size / pairs.length),
        time,
        '',
      ];
    };
    return [
      line('Afterimage, as it comes', own, `${seconds.toFixed(0)} s`),
      line('ImageHash’s phash, 64 bits, at most 10 differ', byHash, ''),
      line('cosine ≥ 0.9', byCosine, ''),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await synthetic(Number(process.argv[2]));
