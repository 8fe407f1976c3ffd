/**
 * @file Where transformers, timm and torchvision keep the tensors of a Vision Transformer.
 */
import { ModelError } from '../errors.js';
import type { PublisherConfig, TensorShapes } from './architecture.js';
import { imageSizeOf } from './layers.js';
import type { BlockNames } from './transformer-layers.js';
import {
  activationOf,
  headsOf,
  measureEncoder,
  numberOf,
  section,
  shapeOfAny,
} from './transformer-layers-config.js';
import { gridOfPositions, type Stored, type VisionTower } from './transformer-layers-vision.js';
import type { Classified, VitConfig } from './vit.js';

/** The configuration of a Vision Transformer, or undefined when the tensors are those of another network. */
export function layoutOf(config: PublisherConfig, tensors: TensorShapes): VitConfig | undefined {
  return transformersVit(config, tensors) ?? timmVit(config, tensors) ?? torchvisionVit(config, tensors);
}

/** Tensors that stand before the patches, and the rows that they are. */
export function storedTokens(tensors: TensorShapes, names: readonly string[]): Stored[] {
  return names.flatMap((name) => {
    const found = tensors.get(name);
    return found ? [{ name, shape: found.shape }] : [];
  });
}

/** Reads a tower from its tensors: patch size, position grid, input size. */
export function towerOf(
  tensors: TensorShapes,
  config: PublisherConfig,
  encoder: VisionTower['encoder'],
  names: {
    patch: string;
    positions: string;
    special: readonly string[];
    /** How many special tokens may have a position, likeliest first. @default all of them */
    placed?: readonly number[];
    preNorm?: string | null;
  },
  resample: VisionTower['positions']['resample'],
): VisionTower {
  const weight = tensors.get(`${names.patch}.weight`)?.shape;
  const table = tensors.get(names.positions)?.shape;
  if (weight?.length !== 4 || !table)
    throw new ModelError(`expected tensors "${names.patch}.weight" and "${names.positions}" but found none`);
  const size = [weight[2]!, weight[3]!] as const;
  const special = storedTokens(tensors, names.special);
  const count = special.reduce((n, t) => n + t.shape.reduce((a, b) => a * b, 1) / encoder.width, 0);
  const { height, width } = imageSizeOf(config, size[0] * Math.round(Math.sqrt(table.at(-2)!)));
  const trained = [Math.floor(height / size[0]), Math.floor(width / size[1])] as const;
  const { grid, special: placed } = gridOfPositions(table.at(-2)!, names.placed ?? [count], trained);
  const fits =
    config !== null && ('image_size' in config || 'pretrained_cfg' in config || 'input_size' in config);
  return {
    input: fits ? { height, width } : { height: grid[0] * size[0], width: grid[1] * size[1] },
    encoder,
    patch: { name: names.patch, size, bias: tensors.has(`${names.patch}.bias`) },
    special,
    positions: { name: names.positions, shape: table, special: placed, grid, resample },
    preNorm: names.preNorm ?? null,
  };
}

/** Attention, output and MLP under the names of transformers up to 4 and of its published files, or of 5 in memory. */
export function transformersBlock(tensors: TensorShapes, layer: string): BlockNames {
  const has = (name: string) => tensors.has(layer.replace('{}', '0') + name);
  const old = has('attention.attention.query.weight');
  return {
    norm1: `${layer}layernorm_before`,
    norm2: `${layer}layernorm_after`,
    attention: old
      ? {
          query: `${layer}attention.attention.query`,
          key: `${layer}attention.attention.key`,
          value: `${layer}attention.attention.value`,
        }
      : {
          query: `${layer}attention.q_proj`,
          key: `${layer}attention.k_proj`,
          value: `${layer}attention.v_proj`,
        },
    out: old ? `${layer}attention.output.dense` : `${layer}attention.o_proj`,
    mlp: has('intermediate.dense.weight')
      ? { up: `${layer}intermediate.dense`, down: `${layer}output.dense` }
      : { up: `${layer}mlp.fc1`, down: `${layer}mlp.fc2` },
  };
}

function transformersVit(config: PublisherConfig, tensors: TensorShapes): VitConfig | undefined {
  const patch = 'embeddings.patch_embeddings.projection';
  const prefix = ['', 'vit.', 'deit.'].find((p) => tensors.has(`${p}${patch}.weight`));
  if (prefix === undefined || !tensors.has(`${prefix}embeddings.cls_token`)) return undefined;
  const layers = ['encoder.layer.{}.', 'layers.{}.'].map((l) => prefix + l);
  const layer = layers.find((l) => tensors.has(`${l.replace('{}', '0')}layernorm_before.weight`));
  if (layer === undefined) return undefined; // DINOv2 calls its norms otherwise
  const width = tensors.get(`${prefix}${patch}.weight`)!.shape[0]!;
  const encoder = measureEncoder(tensors, {
    width,
    heads: headsOf(config, width),
    epsilon: numberOf(config, 'layer_norm_eps') ?? 1e-12,
    activation: activationOf(config?.hidden_act, 'gelu'),
    block: transformersBlock(tensors, layer),
  });
  const tower = towerOf(
    tensors,
    config,
    encoder,
    {
      patch: prefix + patch,
      positions: `${prefix}embeddings.position_embeddings`,
      special: [`${prefix}embeddings.cls_token`, `${prefix}embeddings.distillation_token`],
    },
    'half-pixel',
  );
  const distilled = tensors.has('cls_classifier.weight');
  const pooler = `${prefix}pooler.dense`;
  if (config?.pooler_act !== undefined && config.pooler_act !== 'tanh')
    throw new ModelError(
      `ViT: the pooler's activation ${JSON.stringify(config.pooler_act)} is not supported`,
    );
  return {
    tower,
    norm: `${prefix}layernorm`,
    poolNorm: null,
    pooler: tensors.has(`${pooler}.weight`) ? pooler : null,
    classifier: distilled
      ? classifierOf(tensors, ['cls_classifier', 'distillation_classifier'], 'cls-and-distillation')
      : classifierOf(tensors, ['classifier'], 'cls'),
  };
}

/** Poolings of timm that need no tensors of their own. */
const TIMM_POOLS: Readonly<Record<string, Classified>> = { token: 'cls', avg: 'mean' };

function timmVit(config: PublisherConfig, tensors: TensorShapes): VitConfig | undefined {
  if (!tensors.has('patch_embed.proj.weight') || !tensors.has('blocks.0.attn.qkv.weight')) return undefined;
  if (!tensors.has('pos_embed') || !tensors.has('blocks.0.norm1.weight')) return undefined;
  const args = section(config, 'model_args');
  for (const key of ['pool_include_prefix', 'qk_norm', 'scale_attn_norm', 'scale_mlp_norm', 'norm_layer'])
    if (args[key]) throw new ModelError(`ViT: timm's option ${key} is not supported`);
  const name = String(config?.architecture ?? '');
  const preNorm = tensors.has('norm_pre.weight');
  const width = tensors.get('patch_embed.proj.weight')!.shape[0]!;
  const scale = (which: string) => tensors.has(`blocks.0.${which}.gamma`);
  const encoder = measureEncoder(tensors, {
    width,
    heads: headsOf(config, width),
    epsilon: preNorm ? 1e-5 : 1e-6, // timm gives CLIP's image towers, the networks with a norm first, their own
    activation: activationOf(args.act_layer, name.includes('quickgelu') ? 'quick-gelu' : 'gelu'),
    block: {
      norm1: 'blocks.{}.norm1',
      norm2: 'blocks.{}.norm2',
      attention: { weight: 'blocks.{}.attn.qkv.weight', bias: 'blocks.{}.attn.qkv.bias' },
      out: 'blocks.{}.attn.proj',
      mlp: { up: 'blocks.{}.mlp.fc1', down: 'blocks.{}.mlp.fc2' },
      ...(scale('ls1') ? { scale1: 'blocks.{}.ls1.gamma', scale2: 'blocks.{}.ls2.gamma' } : {}),
    },
  });
  const special = ['cls_token', 'dist_token', 'reg_token'];
  const count = storedTokens(tensors, special).reduce((n, t) => n + t.shape[1]!, 0);
  const names = {
    patch: 'patch_embed.proj',
    positions: 'pos_embed',
    special,
    placed: [count, 0], // none with timm's no_embed_class
    preNorm: preNorm ? 'norm_pre' : null,
  };
  const tower = towerOf(tensors, config, encoder, names, 'antialias');
  const fcNorm = tensors.has('fc_norm.weight');
  const told =
    config?.global_pool ?? args.global_pool ?? (fcNorm || !tensors.has('cls_token') ? 'avg' : 'token');
  const pool = TIMM_POOLS[String(told)];
  if (!pool)
    throw new ModelError(`ViT: timm's pooling ${JSON.stringify(told)} is not supported`, {
      hint: `supported: ${Object.keys(TIMM_POOLS).join(', ')}`,
    });
  const distilled = tensors.has('head_dist.weight');
  return {
    tower,
    norm: tensors.has('norm.weight') ? 'norm' : null,
    poolNorm: fcNorm ? 'fc_norm' : null,
    pooler: null,
    classifier: distilled
      ? classifierOf(tensors, ['head', 'head_dist'], 'cls-and-distillation')
      : classifierOf(tensors, ['head'], pool),
  };
}

function torchvisionVit(config: PublisherConfig, tensors: TensorShapes): VitConfig | undefined {
  const layer = 'encoder.layers.encoder_layer_{}.';
  if (!tensors.has('conv_proj.weight') || !tensors.has('class_token')) return undefined;
  const width = tensors.get('conv_proj.weight')!.shape[0]!;
  const mlp = shapeOfAny(tensors, [`${layer.replace('{}', '0')}mlp.linear_1.weight`])
    ? ['linear_1', 'linear_2']
    : ['0', '3'];
  const encoder = measureEncoder(tensors, {
    width,
    heads: headsOf(config, width),
    epsilon: 1e-6,
    activation: 'gelu',
    block: {
      norm1: `${layer}ln_1`,
      norm2: `${layer}ln_2`,
      attention: {
        weight: `${layer}self_attention.in_proj_weight`,
        bias: `${layer}self_attention.in_proj_bias`,
      },
      out: `${layer}self_attention.out_proj`,
      mlp: { up: `${layer}mlp.${mlp[0]}`, down: `${layer}mlp.${mlp[1]}` },
    },
  });
  const names = { patch: 'conv_proj', positions: 'encoder.pos_embedding', special: ['class_token'] };
  return {
    tower: towerOf(tensors, config, encoder, names, 'align-corners'),
    norm: 'encoder.ln',
    poolNorm: null,
    pooler: null,
    classifier: classifierOf(tensors, ['heads.head'], 'cls'),
  };
}

/** The classifier called `names`, or null when the file has none. */
export function classifierOf(
  tensors: TensorShapes,
  names: readonly string[],
  of: Classified,
): VitConfig['classifier'] {
  const classes = tensors.get(`${names[0]}.weight`)?.shape[0];
  return classes === undefined ? null : { names, classes, of };
}
