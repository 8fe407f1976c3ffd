// Contact sheets of searches: the best photographs for a text, to be looked at.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';

const QUERIES = [
  'a dog running on the beach',
  'children playing football',
  'a man climbing a rock',
  'a red car',
  'snow',
  'two people kissing',
  'a bicycle race',
  'a cat',
];
const TOP = 8;
const COLUMNS = 4;
const CELL = { width: 200, height: 200 };
const GAP = 12;
const CAPTION = 20;
const TITLE = 44;

/** One PNG for each query. `score` gives for texts a row of cosines with the files each. */
export async function writeSheets(folder, files, score) {
  mkdirSync(folder, { recursive: true });
  const rows = await score(QUERIES);
  for (const [q, query] of QUERIES.entries()) {
    const best = [...rows[q].keys()].sort((a, b) => rows[q][b] - rows[q][a]).slice(0, TOP);
    const found = best.map((place) => ({ file: files[place], score: rows[q][place] }));
    await writeSheet(path.join(folder, `${query.replaceAll(' ', '-')}.png`), query, found);
  }
}

async function writeSheet(to, title, found) {
  const step = { x: CELL.width + GAP, y: CELL.height + CAPTION + GAP };
  const width = GAP + COLUMNS * step.x;
  const height = TITLE + Math.ceil(found.length / COLUMNS) * step.y;
  const place = (i) => ({
    left: GAP + (i % COLUMNS) * step.x,
    top: TITLE + Math.floor(i / COLUMNS) * step.y,
  });
  const line = (x, y, size, content) =>
    `<text x="${x}" y="${y}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif" font-size="${size}" fill="#222">${content}</text>`;
  const captions = found.map(({ score }, i) => {
    const { left, top } = place(i);
    return line(left, top + CELL.height + 15, 13, `${i + 1}. cosine ${score.toFixed(3)}`);
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${line(GAP, 30, 20, title)}${captions.join('')}</svg>`;
  const pictures = await Promise.all(
    found.map(async ({ file }, i) => ({
      input: await sharp(file)
        .rotate()
        .resize({ ...CELL, fit: 'contain', background: '#fff' })
        .png()
        .toBuffer(),
      ...place(i),
    })),
  );
  await sharp({ create: { width, height, channels: 3, background: '#fff' } })
    .composite([...pictures, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png()
    .toFile(to);
}
