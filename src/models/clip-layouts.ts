/**
 * @file Where transformers and open_clip keep the tensors of CLIP, and what their configurations say.
 */
import { ModelError } from '../errors.js';
import type { PublisherConfig, TensorShapes } from './architecture.js';
import type { ClipConfig, ClipTower, Projection } from './clip.js';
import type { Activation, BlockNames } from './transformer-layers.js';
import { activationOf, headsOf, measureEncoder, numberOf, section } from './transformer-layers-config.js';
import type { TextTower } from './transformer-layers-text.js';
import type { VisionTower } from './transformer-layers-vision.js';
import { towerOf } from './vit-layouts.js';

type Json = Readonly<Record<string, unknown>>;

/** What the configuration says of one tower. */
interface Told {
  readonly heads: Json;
  readonly activation: Activation;
  readonly epsilon: number;
  /** The image's size, where it is told. */
  readonly size: PublisherConfig;
}

/** The configuration of a CLIP, or undefined when the tensors are those of another network. */
export function clipLayoutOf(config: PublisherConfig, tensors: TensorShapes): ClipConfig | undefined {
  return transformersClip(config, tensors) ?? openClip(config, tensors);
}

/** The block of transformers' CLIP and SigLIP. */
export function clipBlock(layer: string): BlockNames {
  return {
    norm1: `${layer}layer_norm1`,
    norm2: `${layer}layer_norm2`,
    attention: {
      query: `${layer}self_attn.q_proj`,
      key: `${layer}self_attn.k_proj`,
      value: `${layer}self_attn.v_proj`,
    },
    out: `${layer}self_attn.out_proj`,
    mlp: { up: `${layer}mlp.fc1`, down: `${layer}mlp.fc2` },
  };
}

/** A text tower as its tensors and its configuration say. */
export function textTowerOf(
  tensors: TensorShapes,
  names: { tokens: string; positions: string; block: BlockNames },
  told: Told,
  causal: boolean,
): TextTower {
  const table = tensors.get(names.tokens)?.shape;
  const positions = tensors.get(names.positions)?.shape;
  if (!table || !positions)
    throw new ModelError(`expected tensors "${names.tokens}" and "${names.positions}" but found none`);
  const [vocabulary, width] = [table[0]!, table[1]!];
  const { activation, epsilon } = told;
  const heads = headsOf(told.heads, width);
  const encoder = measureEncoder(tensors, { width, heads, epsilon, activation, block: names.block });
  return {
    encoder,
    tokens: names.tokens,
    positions: names.positions,
    vocabulary,
    context: positions[0]!,
    causal,
  };
}

/** An image tower of transformers' CLIP or SigLIP. */
export function transformersVision(tensors: TensorShapes, told: Told): VisionTower {
  const width = tensors.get('vision_model.embeddings.patch_embedding.weight')!.shape[0]!;
  const { activation, epsilon } = told;
  const block = clipBlock('vision_model.encoder.layers.{}.');
  const encoder = measureEncoder(tensors, {
    width,
    heads: headsOf(told.heads, width),
    epsilon,
    activation,
    block,
  });
  const preNorm = 'vision_model.pre_layrnorm';
  return towerOf(
    tensors,
    told.size,
    encoder,
    {
      patch: 'vision_model.embeddings.patch_embedding',
      positions: 'vision_model.embeddings.position_embedding.weight',
      special: ['vision_model.embeddings.class_embedding'],
      preNorm: tensors.has(`${preNorm}.weight`) ? preNorm : null,
    },
    'half-pixel',
  );
}

/** What transformers' `config.json` says of a tower; the older `*_config_dict` has the last word, as it has there. */
export function transformersTold(
  config: PublisherConfig,
  tower: 'vision' | 'text',
  defaults: { activation: Activation; epsilon: number },
): Told {
  const alone = /_(vision|text)_model$/.test(String(config?.model_type)) ? config : null; // one tower's own file
  const own = { ...alone, ...section(config, `${tower}_config`), ...section(config, `${tower}_config_dict`) };
  return {
    heads: own,
    activation: activationOf('hidden_act' in own ? own.hidden_act : undefined, defaults.activation),
    epsilon: numberOf(own, 'layer_norm_eps') ?? defaults.epsilon,
    size: own,
  };
}

const SCALE = (tensors: TensorShapes) => ({
  logitScale: tensors.has('logit_scale') ? 'logit_scale' : null,
  logitBias: tensors.has('logit_bias') ? 'logit_bias' : null,
});

function projectionOf(tensors: TensorShapes, name: string, transposed: boolean): Projection | null {
  const shape = tensors.get(name)?.shape;
  return shape ? { name, out: shape[transposed ? 1 : 0]!, transposed } : null;
}

function transformersClip(config: PublisherConfig, tensors: TensorShapes): ClipConfig | undefined {
  const hasVision = tensors.has('vision_model.embeddings.class_embedding');
  const hasText =
    tensors.has('text_model.embeddings.token_embedding.weight') && !tensors.has('text_model.head.weight');
  if (!hasVision && !hasText) return undefined;
  const told = (tower: 'vision' | 'text') =>
    config && 'model_cfg' in config
      ? openClipTold(config, tower)
      : transformersTold(config, tower, { activation: 'quick-gelu', epsilon: 1e-5 });
  const vision: ClipTower<VisionTower> | null = hasVision
    ? {
        tower: transformersVision(tensors, told('vision')),
        norm: 'vision_model.post_layernorm',
        projection: projectionOf(tensors, 'visual_projection.weight', false),
      }
    : null;
  if (!hasText) return { vision, text: null, ...SCALE(tensors) };
  const names = {
    tokens: 'text_model.embeddings.token_embedding.weight',
    positions: 'text_model.embeddings.position_embedding.weight',
    block: clipBlock('text_model.encoder.layers.{}.'),
  };
  const text = {
    tower: textTowerOf(tensors, names, told('text'), true),
    norm: 'text_model.final_layer_norm',
    projection: projectionOf(tensors, 'text_projection.weight', false),
    end: endOf(told('text').heads),
  };
  return { vision, text, ...SCALE(tensors) };
}

/** The id of the end; files from before transformers 4.31 say 2, which is wrong, and mean the largest id. */
function endOf(config: Json): number | null {
  const end = config.eos_token_id;
  return typeof end === 'number' && end !== 2 ? end : null;
}

/** Options of open_clip that change the network and that no tensor shows; others may be given but must be off. */
const OPEN_CLIP_OFF: Readonly<Record<'vision' | 'text', readonly string[]>> = {
  vision: [
    'timm_model_name',
    'attentional_pool',
    'final_ln_after_pool',
    'qk_norm',
    'scaled_cosine_attn',
    'scale_heads',
  ],
  text: [
    'hf_model_name',
    'embed_cls',
    'no_causal_mask',
    'final_ln_after_pool',
    'qk_norm',
    'scaled_cosine_attn',
    'scale_heads',
  ],
};

function openClipTold(config: PublisherConfig, tower: 'vision' | 'text'): Told {
  const model = section(config, 'model_cfg');
  const own = section(model, `${tower}_cfg`);
  for (const key of OPEN_CLIP_OFF[tower])
    if (own[key]) throw new ModelError(`CLIP: open_clip's option ${tower}_cfg.${key} is not supported`);
  const pool = own.pool_type ?? (tower === 'vision' ? 'tok' : 'argmax');
  if (pool !== 'tok' && pool !== 'argmax')
    throw new ModelError(`CLIP: open_clip's pooling ${JSON.stringify(pool)} is not supported`);
  const tanh = section(own, 'act_kwargs').approximate === 'tanh';
  const width = numberOf(own, 'width');
  const headWidth = numberOf(own, 'head_width') ?? 64;
  const heads = numberOf(own, 'heads') ?? (width && tower === 'vision' ? width / headWidth : undefined);
  return {
    heads: heads ? { num_heads: heads } : {},
    activation: model.quick_gelu === true ? 'quick-gelu' : tanh ? 'gelu-tanh' : 'gelu',
    epsilon: numberOf(section(own, 'norm_kwargs'), 'eps') ?? 1e-5,
    size: own,
  };
}

function openClip(config: PublisherConfig, tensors: TensorShapes): ClipConfig | undefined {
  if (!tensors.has('visual.conv1.weight') && !tensors.has('visual.trunk.patch_embed.proj.weight'))
    return undefined;
  if (!tensors.has('visual.class_embedding'))
    throw new ModelError(
      'CLIP: an image tower that is not a Vision Transformer of open_clip is not supported',
      {
        hint: "load the model in transformers' layout instead",
      },
    );
  const original = tensors.has('input_resolution') || tensors.has('context_length');
  if (!original && !(config && 'model_cfg' in config))
    throw new ModelError("CLIP: open_clip's weights do not say which activation they were trained with", {
      hint: 'put their open_clip_config.json beside them',
    });
  const told = (tower: 'vision' | 'text') =>
    openClipTold(
      original ? { ...config, model_cfg: { ...section(config, 'model_cfg'), quick_gelu: true } } : config,
      tower,
    );
  const width = tensors.get('visual.conv1.weight')!.shape[0]!;
  const { heads, activation, epsilon, size } = told('vision');
  const prefix = tensors.has('text.token_embedding.weight') ? 'text.' : '';
  const encoder = measureEncoder(tensors, {
    width,
    heads: headsOf(heads, width),
    epsilon,
    activation,
    block: openClipBlock(tensors, 'visual.transformer.resblocks.{}.'),
  });
  const names = {
    patch: 'visual.conv1',
    positions: 'visual.positional_embedding',
    special: ['visual.class_embedding'],
    preNorm: tensors.has('visual.ln_pre.weight') ? 'visual.ln_pre' : null,
  };
  const text = {
    tokens: `${prefix}token_embedding.weight`,
    positions: `${prefix}positional_embedding`,
    block: openClipBlock(tensors, `${prefix}transformer.resblocks.{}.`),
  };
  return {
    vision: {
      tower: towerOf(tensors, size, encoder, names, 'antialias'),
      norm: 'visual.ln_post',
      projection: projectionOf(tensors, 'visual.proj', true),
    },
    text: {
      tower: textTowerOf(tensors, text, told('text'), true),
      norm: `${prefix}ln_final`,
      projection: projectionOf(tensors, `${prefix}text_projection`, true),
      end: null,
    },
    ...SCALE(tensors),
  };
}

function openClipBlock(tensors: TensorShapes, layer: string): BlockNames {
  const scaled = tensors.has(`${layer.replace('{}', '0')}ls_1.gamma`);
  return {
    norm1: `${layer}ln_1`,
    norm2: `${layer}ln_2`,
    attention: { weight: `${layer}attn.in_proj_weight`, bias: `${layer}attn.in_proj_bias` },
    out: `${layer}attn.out_proj`,
    mlp: { up: `${layer}mlp.c_fc`, down: `${layer}mlp.c_proj` },
    ...(scaled ? { scale1: `${layer}ls_1.gamma`, scale2: `${layer}ls_2.gamma` } : {}),
  };
}
