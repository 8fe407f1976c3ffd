// How photographs come back from the bundled autoencoders.
import sharp from 'sharp';
import { isFailed } from '../../dist/embedding/index.js';
import { loadAutoencoder, psnr } from '../../dist/training/index.js';
import { threads } from '../lib.mjs';
import { bootstrap, shown } from './bootstrap.mjs';
import { photographs } from './data.mjs';
import { bundled } from './vectors.mjs';

const PHOTOGRAPHS = 300;
const decibels = (mse) => -10 * Math.log10(mse);
const MODELS = [
  { name: 'mini-autoencoder', asked: '26 dB', small: [52, 52] },
  { name: 'mini-autoencoder-128', asked: 'state', small: [7, 6] },
];

/** PSNR of photographs held out, beside a reduced picture of about as many numbers (Lanczos down, bicubic up). */
export async function reconstruction() {
  const rows = [];
  for (const { name, asked, small } of MODELS) {
    const found = bundled(name);
    if (!found) continue;
    const model = await loadAutoencoder(found.folder, { threads });
    const [own, errors, reduced] = [[], [], []];
    for await (const result of model.reconstruct(photographs().items.slice(0, PHOTOGRAPHS))) {
      if (isFailed(result)) throw new Error(`${result.id}: ${result.failure.reason}`);
      own.push(result.psnr);
      errors.push(result.mse);
      reduced.push(await throughSmall(result.original, small));
    }
    const { dimension } = model;
    await model.close();
    const numbers = 3 * small[0] * small[1];
    rows.push([
      name,
      `PSNR in dB, ${own.length} Flickr8k photographs at 64 × 64 through ${dimension} numbers, mean of the photographs'`,
      shown(bootstrap([own]), 2),
      `of the mean squared error over all ${shown(bootstrap([errors], decibels), 2)}; reduced to ${small.join(' × ')} (${numbers} numbers) ${shown(bootstrap([reduced]), 2)}`,
      '',
      asked,
    ]);
  }
  return rows;
}

/** PSNR of a picture that is made small and large again. */
async function throughSmall({ data, width, height }, [smallWidth, smallHeight]) {
  const raw = (w, h) => ({ raw: { width: w, height: h, channels: 3 } });
  const little = await sharp(data, raw(width, height))
    .resize(smallWidth, smallHeight, { fit: 'fill', kernel: 'lanczos3' })
    .raw()
    .toBuffer();
  const back = await sharp(little, raw(smallWidth, smallHeight))
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer();
  const [value] = psnr(Float32Array.from(data), Float32Array.from(back), { channels: 3, height, width }, 255);
  return value;
}
