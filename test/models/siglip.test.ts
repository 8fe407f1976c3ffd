/** @file SigLIP against transformers, both towers. */
import { describe, expect, it } from 'vitest';
import { clip } from '#src/models/clip.js';
import { siglip } from '#src/models/siglip.js';
import { build, expectParity, fixture } from './parity.js';

const at = (name: string) => fixture('transformers', name);

describe('SigLIP equals transformers', () => {
  it('image, pooled by attention', async () => {
    await expectParity(siglip, at('siglip'));
  });
  it('text, pooled at the last place', async () => {
    await expectParity(siglip, at('siglip'), { tower: 'text' });
  });
});

describe('SigLIP configuration', () => {
  it.each(['image', 'text'] as const)(
    'takes what the published file leaves out as given, %s',
    async (tower) => {
      const heads = { num_attention_heads: 4 };
      const config = { model_type: 'siglip', text_config: heads, vision_config: heads };
      await expectParity(siglip, at('siglip'), { tower, config });
      const encoder = build(siglip, at('siglip'), { config }).config[tower === 'image' ? 'vision' : 'text']
        ?.tower.encoder;
      expect(encoder).toMatchObject({ epsilon: 1e-6, activation: 'gelu-tanh' });
    },
  );

  it('asks for texts padded to the full context', () => {
    const { graph } = build(siglip, at('siglip'), { tower: 'text' });
    expect(graph.inputs.map((v) => [v.name, ...v.shape])).toEqual([['input_ids', 'N', 10]]);
  });

  it('is not mistaken for CLIP, nor the other way', () => {
    expect(clip.configure(null, build(siglip, at('siglip')).tensors)).toBeUndefined();
    expect(siglip.configure(null, build(clip, at('clip')).tensors)).toBeUndefined();
  });

  it('knows scale and bias of the logits', () => {
    expect(build(siglip, at('siglip')).config).toMatchObject({
      logitScale: 'logit_scale',
      logitBias: 'logit_bias',
    });
  });
});
