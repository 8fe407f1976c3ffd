/** @file Vision Transformers against transformers, timm and torchvision. */
import { describe, expect, it } from 'vitest';
import { ModelError } from '#src/errors.js';
import { headsOf } from '#src/models/transformer-layers-config.js';
import { vit } from '#src/models/vit.js';
import { build, expectParity, fixture } from './parity.js';

const at = (name: string) => fixture('transformers', name);

describe('ViT equals its reference', () => {
  it.each([
    ['vit', 'transformers, published names, non-square image'],
    ['vit-model', 'transformers 5 names, pooler, tanh GELU, no qkv bias, resampled positions'],
    ['vit-timm', 'timm, fused qkv'],
    ['vit-timm-registers', 'timm, register tokens, LayerScale, antialiased resampling of positions'],
    ['vit-timm-mean', 'timm, no class token, mean pooling with fc_norm'],
    ['vit-timm-clip', 'timm, norm before the blocks, QuickGELU'],
    ['vit-timm-distilled', 'timm, distillation token with a classifier of its own'],
    ['vit-torchvision', 'torchvision, an inner layer wide enough to be computed in strips'],
  ])('%s: %s', async (name) => {
    await expectParity(vit, at(name));
  });

  it('reads the older names of torchvision', () => {
    const { tensors } = build(vit, at('vit-torchvision'));
    const renamed = new Map(
      [...tensors].map(([n, t]) => [
        n.replace('mlp.0.', 'mlp.linear_1.').replace('mlp.3.', 'mlp.linear_2.'),
        t,
      ]),
    );
    const config = vit.configure({ num_attention_heads: 4 }, renamed);
    expect(config?.tower.encoder.hidden).toBe(1024);
  });
});

describe('ViT outputs', () => {
  it('has those that the weights have', () => {
    const outputs = (name: string, without?: RegExp) => [
      ...build(vit, at(name), without ? { without } : {}).graph.outputs.keys(),
    ];
    expect(outputs('vit')).toEqual(['cls', 'mean', 'tokens', 'logits']);
    expect(outputs('vit', /^classifier/)).toEqual(['cls', 'mean', 'tokens']);
    expect(outputs('vit-model')).toEqual(['cls', 'mean', 'tokens', 'pooler']);
    expect(outputs('vit-timm-mean')).toEqual(['mean', 'tokens', 'logits']);
  });

  it('takes the pooled vector of its training as the embedding', () => {
    expect(vit.defaultOutput(build(vit, at('vit')).config)).toBe('cls');
    expect(vit.defaultOutput(build(vit, at('vit-timm-mean')).config)).toBe('mean');
  });
});

describe('ViT configuration', () => {
  it("takes its library's defaults for what the configuration leaves out", () => {
    const encoder = (name: string, more = {}) =>
      build(vit, at(name), { config: { num_attention_heads: 4, ...more } }).config.tower.encoder;
    expect(() => encoder('vit')).toThrow(/no grid/); // 4 × 6 patches: nothing says so
    expect(encoder('vit', { image_size: [32, 48] })).toMatchObject({ epsilon: 1e-12, activation: 'gelu' });
    expect(encoder('vit-timm')).toMatchObject({ epsilon: 1e-6, activation: 'gelu' });
    expect(encoder('vit-timm-clip')).toMatchObject({ epsilon: 1e-5, activation: 'gelu' });
    expect(encoder('vit-torchvision')).toMatchObject({ epsilon: 1e-6, activation: 'gelu' });
  });

  it('knows the heads of published widths', () => {
    const heads = (width: number) => headsOf(null, width);
    expect([192, 384, 768, 1024, 1280, 1152].map(heads)).toEqual([3, 6, 12, 16, 16, 16]);
    expect(() => heads(100)).toThrow(/1.5625 heads/);
  });

  it('is for images of the trained size, or of another on request', () => {
    const { config } = build(vit, at('vit'));
    expect(vit.inputSize(config)).toEqual({ height: 32, width: 48 });
    const larger = vit.resize!(config, { height: 64, width: 64 });
    expect(vit.image(larger).outputs.get('tokens')?.shape).toEqual(['N', 65, 32]);
    expect(() => vit.resize!(config, { height: 4, width: 64 })).toThrow(ModelError);
  });

  it('refuses variants that it would compute wrongly', () => {
    const { tensors } = build(vit, at('vit-timm'));
    const timm = (more: object) => () =>
      vit.configure({ global_pool: 'token', model_args: { num_heads: 4 }, ...more }, tensors);
    expect(timm({ global_pool: 'map' })).toThrow(/pooling "map"/);
    expect(timm({ model_args: { num_heads: 4, pool_include_prefix: true } })).toThrow(/pool_include_prefix/);
    expect(timm({ model_args: { num_heads: 5 } })).toThrow(/5 heads/);
    const normed = new Map<string, { shape: number[] }>([...tensors]).set('blocks.0.attn.q_norm.weight', {
      shape: [8],
    });
    expect(() => vit.configure({ model_args: { num_heads: 4 } }, normed)).toThrow(/q_norm/);
  });

  it('leaves other networks alone', () => {
    expect(vit.configure(null, new Map([['conv1.weight', { shape: [64, 3, 7, 7] }]]))).toBeUndefined();
    expect(vit.configure(null, new Map())).toBeUndefined();
  });
});
