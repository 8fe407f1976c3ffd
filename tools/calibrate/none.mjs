// How well "none of these" tells pictures that a label fits from others: node none.mjs DATA
// DATA holds `flickr8k`, `clothing` (test) and `houses`, as in prepare.py. Prints Markdown (README.md).
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { classify, labelBank, loadEmbedder } from '../../dist/embedding/index.js';

const [data] = process.argv.slice(2);
if (!data) throw new Error('usage: node none.mjs DATA');
const embedder = await loadEmbedder();

const filesOf = (folder) =>
  readdirSync(path.join(data, folder), { recursive: true })
    .filter((name) => name.endsWith('.webp'))
    .map((name) => path.join(data, folder, name))
    .sort();
const nth = (files, n) => files.filter((_, i) => i % n === n - 1);
const embed = async (files) =>
  (await embedder.embedImages(files)).map((vector, i) => ({
    vector,
    name: path.basename(files[i]),
    kind: path.basename(path.dirname(files[i])),
  }));

const captions = new Map();
for (const line of readFileSync(path.join(data, 'flickr8k', 'captions.csv'), 'utf8').split('\n')) {
  const at = line.indexOf(',');
  const name = line.slice(0, at);
  captions.set(name, `${captions.get(name) ?? ''} ${line.slice(at + 1).toLowerCase()}`);
}
const clothes = await embed(filesOf('clothing/test'));
const photographs = await embed(nth(filesOf('flickr8k/images'), 10).slice(0, 600));
const rooms = await embed(nth(filesOf('houses'), 5));

const KINDS = [
  'dress',
  'hat',
  'long sleeve',
  'outerwear',
  'pants',
  'shirt',
  'shoes',
  'shorts',
  'skirt',
  't-shirt',
];
const ROOMS = ['bathroom', 'bedroom', 'kitchen', 'house front'];
const ANIMALS = ['dog', 'cat', 'horse'];
const FIRST = new Set(['dress', 'hat', 'longsleeve', 'outwear', 'pants']);
const first = clothes.filter(({ kind }) => FIRST.has(kind));
const others = clothes.filter(({ kind }) => !FIRST.has(kind));
const says = (words, wanted = true) =>
  photographs.filter(({ name }) => new RegExp(`\\b(${words})s?\\b`).test(captions.get(name)) === wanted);
const dogs = says('dog|puppy');

const TASKS = [
  ['clothes; photographs', KINDS, clothes, photographs],
  ['clothes; rooms', KINDS, clothes, rooms],
  ['rooms; photographs', ROOMS, rooms, photographs],
  ['rooms; clothes', ROOMS, rooms, clothes],
  ['dog, cat, horse; photographs without', ANIMALS, dogs, says('dog|puppy|cat|horse', false)],
  ['dog, cat, horse; clothes', ANIMALS, dogs, clothes],
  [
    'snow, bicycle, football; clothes',
    ['snow', 'bicycle', 'football'],
    says('snow|snowy|ski|skier|snowboarder'),
    clothes,
  ],
  ['child, man, woman; clothes', ['child', 'man', 'woman'], says('man|woman|boy|girl|child'), clothes],
  ['clothes of five kinds; of the other five', KINDS.slice(0, 5), first, others],
  ['clothes of the other five; of the five', KINDS.slice(5), others, first],
];

function auc(fit, strange) {
  let wins = 0;
  for (const a of fit) for (const b of strange) wins += a > b ? 1 : a === b ? 0.5 : 0;
  return wins / (fit.length * strange.length);
}
const share = (values, test) => values.filter(test).length / values.length;

console.log('| labels fit; do not | fit | do not | AUC | accepted | rejected |\n|---|---|---|---|---|---|');
const rows = [];
for (const [name, labels, fit, strange] of TASKS) {
  const bank = await labelBank(embedder, labels, { none: true });
  const margins = [fit, strange].map((set) =>
    classify(
      set.map(({ vector }) => vector),
      bank,
    ).map((choices) => {
      const none = choices.find(({ text }) => text === null).score;
      return choices.find(({ text }) => text !== null).score - none;
    }),
  );
  const row = [auc(...margins), share(margins[0], (m) => m > 0), share(margins[1], (m) => m <= 0)];
  rows.push(row);
  console.log(
    `| ${name} | ${fit.length} | ${strange.length} | ${row[0].toFixed(3)} | ${row[1].toFixed(2)} | ${row[2].toFixed(2)} |`,
  );
}
const mean = (column) => rows.reduce((sum, row) => sum + row[column], 0) / rows.length;
console.log(`| mean | | | ${mean(0).toFixed(3)} | ${mean(1).toFixed(2)} | ${mean(2).toFixed(2)} |`);
await embedder.close();
