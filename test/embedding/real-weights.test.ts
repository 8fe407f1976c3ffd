/**
 * @file Real networks on real photographs against Python (fixtures/embedding/make_real_weights.py). The weights are
 * not part of the repository: AFTERIMAGE_WEIGHTS names their folder.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadEmbedder } from '#src/embedding/index.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const weights = process.env.AFTERIMAGE_WEIGHTS ?? path.join(root, '..', 'shared', 'weights');
const expected = JSON.parse(
  readFileSync(path.join(root, 'test/fixtures/embedding/real-weights.json'), 'utf8'),
) as Record<string, Record<string, string>>;
const present = existsSync(weights);
if (!present) console.log(`real-weights.test.ts is skipped: no folder ${weights} (set AFTERIMAGE_WEIGHTS)`);

describe.skipIf(!present)('real networks give the vectors of Python', () => {
  it.each(Object.keys(expected))('%s', async (name) => {
    const embedder = await loadEmbedder(path.join(weights, name), { inline: true, workers: 1 });
    const photos = Object.keys(expected[name]!);
    const vectors = await embedder.embedImages(photos.map((p) => path.join(root, 'samples', p)));
    await embedder.close();
    photos.forEach((photo, i) => {
      const bytes = Buffer.from(expected[name]![photo]!, 'base64');
      const reference = new Float32Array(
        bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
      );
      const cosine = vectors[i]!.reduce((sum, x, j) => sum + x * reference[j]!, 0);
      expect(vectors[i]).toHaveLength(reference.length);
      expect(1 - cosine, photo).toBeLessThan(1e-6);
    });
  });

  it('have outputs of their own names', async () => {
    const folder = path.join(weights, 'vit_tiny_patch16_224');
    const embedder = await loadEmbedder(folder, { output: 'last_hidden_state', inline: true, workers: 0 });
    expect(embedder.shape).toEqual([197, 192]);
    await embedder.close();
  });
});
