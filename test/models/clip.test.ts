/** @file CLIP against transformers and open_clip, both towers. */
import { describe, expect, it } from 'vitest';
import { ModelError } from '#src/errors.js';
import { openSession } from '#src/graph/index.js';
import { clip } from '#src/models/clip.js';
import { build, compare, expectParity, fixture } from './parity.js';

const at = (name: string) => fixture('transformers', name);

describe('CLIP equals its reference', () => {
  const both = [
    ['clip', 'transformers, QuickGELU, pooled at the largest id'],
    ['clip-end', 'transformers, GELU, pooled at the first end of text'],
    ['open-clip', 'open_clip, QuickGELU'],
    ['open-clip-custom', 'open_clip, GELU, LayerScale, text tower under a prefix'],
  ] as const;
  it.each(both)('image, %s: %s', async (name) => {
    await expectParity(clip, at(name));
  });
  it.each(both)('text, %s: %s', async (name) => {
    await expectParity(clip, at(name), { tower: 'text' });
  });

  it('an image tower alone', async () => {
    await expectParity(clip, at('clip-vision'));
    const { config } = build(clip, at('clip-vision'));
    expect(config.text).toBeNull();
    expect(clip.text!(config)).toBeUndefined();
  });
});

describe('CLIP texts', () => {
  it('give the same vector however far they are padded', async () => {
    const { graph, bind } = build(clip, at('clip'), { tower: 'text' });
    const session = await openSession(graph, bind, { outputs: ['projection'], threads: 1 });
    try {
      const embed = async (length: number) => {
        const ids = new BigInt64Array(length);
        ids.set([58n, 7n, 21n, 59n]);
        const { projection } = await session.run({ input_ids: { data: ids, dims: [1, length] } });
        return projection!.data as Float32Array;
      };
      const short = await embed(4);
      const long = await embed(12);
      expect(compare(short, long, short.length).relative).toBeLessThan(1e-5);
    } finally {
      await session.release();
    }
  });
});

describe('CLIP configuration', () => {
  it('knows where the logit scale is', () => {
    expect(build(clip, at('clip')).config.logitScale).toBe('logit_scale');
    expect(build(clip, at('clip-vision')).config.logitScale).toBeNull();
  });

  it("takes transformers' defaults for what the configuration leaves out", () => {
    const { config } = build(clip, at('clip'), {
      config: { vision_config: { num_attention_heads: 4 }, text_config: { num_attention_heads: 2 } },
    });
    expect(config.vision?.tower.encoder).toMatchObject({ epsilon: 1e-5, activation: 'quick-gelu' });
    expect(config.text).toMatchObject({ end: null });
  });

  it("reads open_clip's configuration beside weights in transformers' layout", () => {
    const model_cfg = { vision_cfg: { width: 32, head_width: 8 }, text_cfg: { heads: 2 } };
    const { config } = build(clip, at('clip'), { config: { model_cfg } });
    expect(config.vision?.tower.encoder).toMatchObject({ heads: 4, activation: 'gelu' });
    expect(config.text?.tower.encoder).toMatchObject({ heads: 2, activation: 'gelu' });
  });

  it('does not guess the activation of open_clip weights', () => {
    expect(() => build(clip, at('open-clip'), { config: null })).toThrow(/activation/);
  });

  it('refuses variants that it would compute wrongly', () => {
    const text_cfg = { heads: 2, no_causal_mask: true };
    const vision_cfg = { width: 32, head_width: 8 };
    expect(() => build(clip, at('open-clip'), { config: { model_cfg: { vision_cfg, text_cfg } } })).toThrow(
      /no_causal_mask/,
    );
    const { tensors } = build(clip, at('clip'));
    const more = new Map<string, { shape: number[] }>([...tensors]).set('vision_model.adapter.weight', {
      shape: [3],
    });
    expect(() => clip.configure(null, more)).toThrow(ModelError);
  });
});
