/** @file DINOv2 against transformers. */
import { describe, expect, it } from 'vitest';
import { dinov2 } from '#src/models/dinov2.js';
import { vit } from '#src/models/vit.js';
import { build, expectParity, fixture } from './parity.js';

const at = (name: string) => fixture('transformers', name);

describe('DINOv2 equals transformers', () => {
  it.each([
    ['dinov2', 'positions resampled from 7 × 7 to 4 × 5'],
    ['dinov2-swiglu', 'SwiGLU with separate layers, positions resampled to 8 × 8, classifier'],
    ['dinov2-swiglu-stacked', 'SwiGLU in one stacked layer, as published'],
    ['dinov2-registers', 'register tokens, antialiased resampling'],
  ])('%s: %s', async (name) => {
    await expectParity(dinov2, at(name));
  });
});

describe('DINOv2 configuration', () => {
  it('is used at 224 pixels although it was trained at 518', () => {
    const { tensors } = build(dinov2, at('dinov2'));
    const large = new Map(tensors);
    large.set('embeddings.position_embeddings', {
      ...tensors.get('embeddings.position_embeddings')!,
      shape: [1, 4097, 32],
    });
    const config = dinov2.configure({ image_size: 512, num_attention_heads: 4 }, large)!;
    expect(dinov2.inputSize(config)).toEqual({ height: 224, width: 224 });
    expect(dinov2.image(config).outputs.get('tokens')?.shape).toEqual(['N', 28 * 28 + 1, 32]);
    const resized = dinov2.resize!(config, { height: 512, width: 512 });
    expect(dinov2.image(resized).outputs.get('tokens')?.shape).toEqual(['N', 64 * 64 + 1, 32]);
  });

  it('is not mistaken for a plain ViT, nor the other way', () => {
    expect(vit.configure({ num_attention_heads: 4 }, build(dinov2, at('dinov2')).tensors)).toBeUndefined();
    expect(dinov2.configure({ num_attention_heads: 4 }, build(vit, at('vit')).tensors)).toBeUndefined();
  });
});
