// How often the product says "nothing found" when it should, and when it should not: node measure.mjs CACHE [CLIP]
// CACHE is what prepare.py and `afterimage embed` wrote (README.md); CLIP a folder with image_embeddings.npy and
// text_embeddings.npy, five captions a photograph, of another model. Prints Markdown.
import { readdirSync, readFileSync } from 'node:fs';
import { likenessChance, likenessNull, textChance, textNull } from '../../dist/collection/chance-null.js';
import { BACKGROUND_TEXTS } from '../../dist/embedding/background-texts.js';
import { loadEmbedder, readEmbeddings } from '../../dist/index.js';

const [cache, clip] = process.argv.slice(2);
const rowsOf = async (file) => {
  const { vectors, dimension } = await readEmbeddings(file);
  return Array.from({ length: vectors.length / dimension }, (_, i) =>
    unit(vectors.subarray(i * dimension, (i + 1) * dimension)),
  );
};
const table = (file) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const at = line.indexOf(',');
      return at < 0 ? { text: line } : { kind: line.slice(0, at), key: line.slice(at + 1) };
    });
const unit = (v) => {
  const length = Math.hypot(...v);
  return Float32Array.from(v, (x) => x / length);
};
const dot = (a, b) => {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d] * b[d];
  return sum;
};
const flat = (rows) => {
  const all = new Float32Array(rows.length * rows[0].length);
  rows.forEach((row, i) => {
    all.set(row, i * row.length);
  });
  return all;
};
let state = 7;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const draw = (rows, count) => {
  const left = [...rows];
  return Array.from(
    { length: Math.min(count, rows.length) },
    () => left.splice(Math.floor(random() * left.length), 1)[0],
  );
};
const TOP = 20; // hits that are looked at, as a search shows them
const SAMPLE = 2000;

const kinds = table(`${cache}/kinds.csv`);
const labels = table(`${cache}/texts.csv`);
const pictures = (await rowsOf(`${cache}/images.npy`)).map((vector, i) => ({ vector, ...kinds[i] }));
const texts = (await rowsOf(`${cache}/texts.npy`)).map((vector, i) => ({ vector, ...labels[i] }));
const embedder = await loadEmbedder();
const bank = flat((await embedder.embedTexts(BACKGROUND_TEXTS)).map(unit));
const SAMPLES = new URL('../../samples/', import.meta.url).pathname;
const files = readdirSync(SAMPLES).filter((name) => !name.endsWith('.md'));
const samples = (await embedder.embedImages(files.map((name) => SAMPLES + name))).map((vector, i) => ({
  vector: unit(vector),
  key: files[i],
}));
const askedOf = async (file) => {
  const lines = table(new URL(file, import.meta.url)).map(({ text, kind, key }) => ({
    text: text ?? kind,
    key,
  }));
  const vectors = await embedder.embedTexts(lines.map(({ text }) => text));
  return lines.map((line, i) => ({ ...line, vector: unit(vectors[i]) }));
};
const inSamples = await askedOf('present-samples.csv');
const notInSamples = await askedOf('absent-samples.txt');
await embedder.close();

const of = (rows, kind) => rows.filter((row) => row.kind === kind);
const [flickr, clothing, tiny] = ['flickr', 'clothing', 'tiny'].map((kind) => of(pictures, kind));
const captions = of(texts, 'caption').map((text) => ({ ...text, photo: flickr[Number(text.key)] }));
const [clothes, classes, gibberish] = ['clothing', 'tiny', 'gibberish'].map((kind) => of(texts, kind));
const absent = [...of(texts, 'absent-flickr'), ...gibberish];
const absentClothes = [...of(texts, 'absent-clothing'), ...gibberish];
const every = (rows, n) => rows.filter((_, i) => i % n === 0);
const dog = ({ key }) => / (dog|dogs|puppy) /.test(` ${key} `);
const dogs = flickr.filter(dog);
const aboutDogs = captions.filter(({ photo }) => dog(photo));
const half = new Set(draw([...new Set(tiny.map(({ key }) => key))], 100));
const inHalf = ({ key }) => half.has(key);
const own = (photos) => {
  const there = new Set(photos);
  return captions.filter(({ photo }) => there.has(photo));
};

const TEXT = [
  ['3,000 photographs', flickr, every(captions, 4), absent],
  ['the 1,000 that the model did not see', flickr.slice(0, 1000), every(captions, 4), absent],
  ['200 photographs', flickr.slice(0, 200), own(flickr.slice(0, 200)), [...absent, ...clothes]],
  ['100 photographs', flickr.slice(0, 100), own(flickr.slice(0, 100)), [...absent, ...clothes]],
  ['30 photographs', flickr.slice(0, 30), own(flickr.slice(0, 30)), [...absent, ...clothes]],
  [
    'photographs without dogs, dogs as null',
    flickr.slice(0, 1000).filter((p) => !dog(p)),
    every(
      captions.filter(({ photo }) => !dog(photo)),
      3,
    ),
    every(aboutDogs, 2),
  ],
  ['dogs only', dogs, every(aboutDogs, 2), [...absent, ...clothes]],
  ['713 clothes', clothing, clothes, [...absentClothes, ...every(captions, 8)]],
  ['30 clothes', draw(clothing, 30), clothes, [...absentClothes, ...every(captions, 8)]],
  [
    't-shirts only',
    clothing.filter(({ key }) => key === 't-shirt'),
    clothes.filter(({ key }) => key === 't-shirt'),
    absentClothes,
  ],
  [
    'clothes and as many dogs (1/3)',
    [...clothing, ...dogs.slice(0, 350)],
    [...clothes, ...every(aboutDogs, 8)],
    gibberish,
  ],
  ['1,400 pictures of 200 classes', tiny, classes, gibberish],
  [
    '100 of these classes, the others as null',
    tiny.filter(inHalf),
    classes.filter(inHalf),
    classes.filter((c) => !inHalf(c)),
  ],
  ['all of these together', pictures, [...every(captions, 5), ...clothes, ...every(classes, 2)], gibberish],
];

function textHits(known, { vector }, items) {
  const hits = items.map((item) => ({ item, cosine: dot(vector, item.vector) }));
  hits.sort((a, b) => b.cosine - a.cosine);
  return hits
    .slice(0, TOP)
    .map(({ item, cosine }) => ({ item, cosine, p: textChance(known, cosine, item.vector, items.length) }));
}
const best = (hits) => Math.max(...hits.map(({ p }) => p));
const share = (values, test) => (values.filter(test).length / values.length).toFixed(3);
function auc(real, chance) {
  let wins = 0;
  for (const a of real) for (const b of chance) wins += a > b ? 1 : a === b ? 0.5 : 0;
  return (wins / (real.length * chance.length)).toFixed(3);
}
const meanOf = (numbers) => (numbers.reduce((a, b) => a + Number(b), 0) / numbers.length).toFixed(3);
const sampleOf = (items) => flat(draw(items, SAMPLE).map(({ vector }) => vector));

console.log(
  '| texts, collection | fit | do not | found of those that fit | "nothing" of those that do not | AUC | AUC of the cosine | AUC of its deviations within the query |\n|---|---|---|---|---|---|---|---|',
);
const found = [];
const nothing = [];
const queries = [];
for (const [name, items, real, chance] of TEXT) {
  const known = textNull(bank, sampleOf(items), items[0].vector.length);
  const sets = [real, chance].map((set) =>
    set.map((query) => {
      const cosines = items.map(({ vector }) => dot(query.vector, vector));
      const mean = cosines.reduce((a, b) => a + b, 0) / cosines.length;
      const deviation = Math.sqrt(cosines.reduce((a, b) => a + (b - mean) ** 2, 0) / cosines.length);
      const top = Math.max(...cosines);
      return { p: best(textHits(known, query, items)), cosine: top, z: (top - mean) / deviation };
    }),
  );
  const [a, b] = sets.map((set) => set.map(({ p }) => p));
  found.push(share(a, (p) => p >= 0.5));
  nothing.push(share(b, (p) => p < 0.5));
  for (const p of a) queries.push({ p, fits: true, weight: 1 / a.length });
  for (const p of b) queries.push({ p, fits: false, weight: 1 / b.length });
  const by = (key) => auc(...sets.map((set) => set.map((s) => s[key])));
  console.log(
    `| ${name} | ${a.length} | ${b.length} | ${found.at(-1)} | ${nothing.at(-1)} | ${auc(a, b)} | ${by('cosine')} | ${by('z')} |`,
  );
}
console.log(`| mean | | | ${meanOf(found)} | ${meanOf(nothing)} | | | |\n`);

const ofSamples = textNull(bank, flat(samples.map(({ vector }) => vector)), 256);
const asked = inSamples.map((query) => {
  const hits = textHits(ofSamples, query, samples);
  return { p: best(hits), first: new RegExp(query.key).test(hits[0].item.key) };
});
const notThere = notInSamples.map((query) => best(textHits(ofSamples, query, samples)));
console.log('| the 37 pictures of samples | queries | found |\n|---|---|---|');
for (const [name, rows] of [
  ['what they show, first hit of that', asked.filter(({ first }) => first)],
  ['what they show, first hit of something else', asked.filter(({ first }) => !first)],
  ['what they do not show', notThere.map((p) => ({ p }))],
])
  console.log(`| ${name} | ${rows.length} | ${rows.filter(({ p }) => p >= 0.5).length} |`);
const all = asked.map(({ p }) => p);
console.log(`\nAUC of all ${all.length} and these ${notThere.length}: ${auc(all, notThere)}.\n`);

function reliability(title, rows) {
  console.log(`${title}\n\n| probability | share | mean probability | observed |\n|---|---|---|---|`);
  const all = rows.reduce((sum, { weight }) => sum + weight, 0);
  let error = 0;
  for (let bin = 0; bin < 10; bin++) {
    const within = rows.filter(({ p }) => Math.min(9, Math.floor(p * 10)) === bin);
    const weight = within.reduce((sum, row) => sum + row.weight, 0);
    if (weight === 0) continue;
    const mean = within.reduce((sum, row) => sum + row.weight * row.p, 0) / weight;
    const observed = within.reduce((sum, row) => sum + (row.fits ? row.weight : 0), 0) / weight;
    error += (weight / all) * Math.abs(mean - observed);
    console.log(
      `| ${(bin / 10).toFixed(1)} – ${((bin + 1) / 10).toFixed(1)} | ${(weight / all).toFixed(3)} | ${mean.toFixed(2)} | ${observed.toFixed(2)} |`,
    );
  }
  console.log(`\nExpected calibration error ${error.toFixed(3)}.\n`);
}
reliability('Queries, all collections alike, half of them fitting:', queries);
for (const [name, items, asked] of [
  ['clothes', clothing, clothes],
  ['pictures of 200 classes', tiny, classes],
]) {
  const known = textNull(bank, sampleOf(items), items[0].vector.length);
  const rows = asked.flatMap((query) =>
    textHits(known, query, items).map(({ item, p }) => ({ p, fits: item.key === query.key, weight: 1 })),
  );
  reliability(`The ${TOP} best hits of each class name among ${name}; observed: of that class:`, rows);
}

console.log(
  '| sample of 3,000 photographs | level expected for all | level of all | found | "nothing" |\n|---|---|---|---|---|',
);
const level = textNull(bank, flat(flickr.map(({ vector }) => vector)), 256).level;
for (const size of [200, 500, 1500]) {
  const known = textNull(bank, flat(draw(flickr, size).map(({ vector }) => vector)), 256);
  const expected = known.level + Math.sqrt(2 * Math.log(3000)) - Math.sqrt(2 * Math.log(size));
  const [a, b] = [every(captions, 8), absent].map((set) =>
    set.map((query) => best(textHits(known, query, flickr))),
  );
  console.log(
    `| ${size} | ${expected.toFixed(2)} | ${level.toFixed(2)} | ${share(a, (p) => p >= 0.5)} | ${share(b, (p) => p < 0.5)} |`,
  );
}

const others = [...every(flickr, 20), ...every(tiny, 10)];
const strangers = [...every(clothing, 5), ...every(tiny, 10)];
const without = (kind) => [
  `clothes without ${kind}, these as null`,
  clothing.filter(({ key }) => key !== kind),
  clothing.filter(({ key }) => key === kind),
];
const IMAGE = [
  ['713 clothes', clothing, others],
  ['40 clothes', draw(clothing, 40), others],
  without('shoes'),
  without('dress'),
  [
    't-shirts only',
    clothing.filter(({ key }) => key === 't-shirt'),
    [...others, ...clothing.filter(({ key }) => key === 'shoes' || key === 'pants')],
  ],
  ['1,000 photographs', flickr.slice(0, 1000), strangers],
  ['100 photographs', flickr.slice(0, 100), strangers],
  ['1,400 pictures of 200 classes', tiny, [...every(clothing, 5), ...every(flickr, 20)]],
  [
    '100 of these classes, the others as null',
    tiny.filter(inHalf),
    every(
      tiny.filter((t) => !inHalf(t)),
      3,
    ),
  ],
];
console.log(
  '\n| images, collection | fit (each item, itself left out) | do not | found | "nothing" | AUC |\n|---|---|---|---|---|---|',
);
for (const [name, items, chance] of IMAGE) {
  const known = likenessNull(sampleOf(items), 256);
  const [a, b] = [draw(items, 400), chance].map((set) =>
    set.map((query) => {
      const nearest = Math.max(
        ...items.map((item) => (item === query ? -1 : dot(query.vector, item.vector))),
      );
      return likenessChance(known, nearest, items.length);
    }),
  );
  console.log(
    `| ${name} | ${a.length} | ${b.length} | ${share(a, (p) => p >= 0.5)} | ${share(b, (p) => p < 0.5)} | ${auc(a, b)} |`,
  );
}
const fewer = likenessNull(flat(draw(flickr, 300).map(({ vector }) => vector)), 256);
const full = likenessNull(flat(flickr.map(({ vector }) => vector)), 256);
console.log(
  `\nNearest of 3,000 photographs: median ${full.level.toFixed(3)}; expected from 300 of them ${(fewer.level + fewer.growth * (Math.sqrt(2 * Math.log(3000)) - Math.sqrt(2 * Math.log(300)))).toFixed(3)}.`,
);

if (clip) {
  const images = (await rowsOf(`${clip}/image_embeddings.npy`)).filter((_, i) => i % 5 === 0);
  const words = await rowsOf(`${clip}/text_embeddings.npy`);
  const a = [];
  const b = [];
  for (let trial = 0; trial < 10; trial++) {
    const order = draw(
      images.map((_, i) => i),
      images.length,
    );
    const said = (photos) =>
      photos.flatMap((i) => words.slice(5 * i, 5 * i + 5).map((vector) => ({ vector })));
    const items = order.slice(0, 15).map((i) => ({ vector: images[i] }));
    const known = textNull(
      flat(said(order.slice(15, 35)).map(({ vector }) => vector)),
      flat(items.map(({ vector }) => vector)),
      512,
    );
    a.push(...said(order.slice(0, 15)).map((query) => best(textHits(known, query, items))));
    b.push(...said(order.slice(35)).map((query) => best(textHits(known, query, items))));
  }
  console.log(
    `\nCLIP ViT-B/32, 15 of 50 photographs, the captions of 20 others as the bank, those of the last 15 as null: found ${share(a, (p) => p >= 0.5)}, "nothing" ${share(b, (p) => p < 0.5)}, AUC ${auc(a, b)}.`,
  );
}
