/**
 * @file DINOv2 (Oquab et al., 2023, arXiv:2304.07193) in transformers' layout: a ViT with LayerScale, with SwiGLU in
 * its giant size, and optionally with register tokens (Darcet et al., 2024). timm's files of it load as `vit`.
 *
 * Trained at 518 pixels, it is used at 224 by its publisher's processor: the 37 × 37 position embeddings are resampled
 * as transformers does.
 */
import type { Architecture, PublisherConfig, TensorShapes } from './architecture.js';
import { checkTensors } from './layers.js';
import type { BlockNames } from './transformer-layers.js';
import { activationOf, headsOf, measureEncoder, numberOf } from './transformer-layers-config.js';
import { resizeTower } from './transformer-layers-vision.js';
import { type VitConfig, vitGraph } from './vit.js';
import { classifierOf, towerOf, transformersBlock } from './vit-layouts.js';

/** The side to which the publisher's processor crops. */
const PROCESSED = 224;

function block(tensors: TensorShapes, layer: string): BlockNames {
  const has = (name: string) => tensors.has(layer.replace('{}', '0') + name);
  const mlp = (): BlockNames['mlp'] => {
    if (has('mlp.weights_in.weight'))
      return { gateAndValue: `${layer}mlp.weights_in`, down: `${layer}mlp.weights_out` };
    if (has('mlp.gate_proj.weight'))
      return { gate: `${layer}mlp.gate_proj`, value: `${layer}mlp.up_proj`, down: `${layer}mlp.down_proj` };
    return { up: `${layer}mlp.fc1`, down: `${layer}mlp.fc2` };
  };
  return {
    ...transformersBlock(tensors, layer),
    norm1: `${layer}norm1`,
    norm2: `${layer}norm2`,
    mlp: mlp(),
    scale1: `${layer}layer_scale1.lambda1`,
    scale2: `${layer}layer_scale2.lambda1`,
  };
}

function configure(config: PublisherConfig, tensors: TensorShapes): VitConfig | undefined {
  const prefix = ['', 'dinov2.', 'dinov2_with_registers.'].find(
    (p) => tensors.has(`${p}embeddings.cls_token`) && tensors.has(`${p}encoder.layer.0.layer_scale1.lambda1`),
  );
  if (prefix === undefined) return undefined;
  const patch = `${prefix}embeddings.patch_embeddings.projection`;
  const width = tensors.get(`${prefix}encoder.layer.0.norm1.weight`)?.shape[0] ?? 0;
  const encoder = measureEncoder(tensors, {
    width,
    heads: headsOf(config, width),
    epsilon: numberOf(config, 'layer_norm_eps') ?? 1e-6,
    activation: activationOf(config?.hidden_act, 'gelu'),
    block: block(tensors, `${prefix}encoder.layer.{}.`),
  });
  const special = [`${prefix}embeddings.cls_token`, `${prefix}embeddings.register_tokens`];
  const names = { patch, positions: `${prefix}embeddings.position_embeddings`, special, placed: [1] };
  const registers = tensors.has(special[1]!);
  const tower = towerOf(tensors, config, encoder, names, registers ? 'antialias' : 'half-pixel');
  const { height, width: across } = tower.input;
  const result: VitConfig = {
    tower: resizeTower(tower, { height: Math.min(height, PROCESSED), width: Math.min(across, PROCESSED) }),
    norm: `${prefix}layernorm`,
    poolNorm: null,
    pooler: null,
    classifier: classifierOf(tensors, ['classifier'], 'cls-and-mean'),
  };
  checkTensors('DINOv2', vitGraph('dinov2', result), tensors, /mask_token$/);
  return result;
}

/** DINOv2 small, base, large, giant. Outputs: `cls` (transformers' `pooler_output`), `mean`, `tokens`, `logits`. */
export const dinov2: Architecture<VitConfig> = {
  name: 'dinov2',
  configure,
  image: (config) => vitGraph('dinov2', config),
  defaultOutput: () => 'cls',
  inputSize: ({ tower }) => tower.input,
  resize: (config, size) => ({ ...config, tower: resizeTower(config.tower, size) }),
};
