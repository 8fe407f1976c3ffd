/**
 * @file The published models of the catalogue, one frozen record each.
 *
 * Facts come from the publishers' own tables: timm's `pretrained_cfg`, open_clip's `pretrained.py`, the
 * `config.json` and `preprocessor_config.json` of the repositories.
 */
import type { Filter } from '../image/index.js';
import type { PublishedModel } from './catalogue-types.js';

type Triple = readonly [number, number, number];
const IMAGENET: readonly [Triple, Triple] = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
];
const HALF: readonly [Triple, Triple] = [
  [0.5, 0.5, 0.5],
  [0.5, 0.5, 0.5],
];
const CLIP: readonly [Triple, Triple] = [
  [0.48145466, 0.4578275, 0.40821073],
  [0.26862954, 0.26130258, 0.27577711],
];

/** Freezes a record and gives it its size: float32 weights and little else. */
function model(entry: Omit<PublishedModel, 'bundled' | 'megabytes'>): PublishedModel {
  const { files, outputs, aliases, preprocessing } = entry;
  for (const part of [files, outputs, aliases, preprocessing]) Object.freeze(part);
  return Object.freeze({ ...entry, bundled: false, megabytes: Math.round((entry.parameters * 4) / 1e6) });
}

interface TimmFacts {
  licence: string;
  parameters: number;
  side?: number;
  filter: Filter;
  crop: number;
  normal: readonly [Triple, Triple];
}

/** A classifier published by timm: preparation is in its `config.json`. */
function timm(
  name: string,
  repo: string,
  entry: Pick<PublishedModel, 'family' | 'architecture' | 'outputs' | 'defaultOutput'> & {
    aliases?: string[];
  },
  { licence, parameters, side = 224, filter, crop, normal }: TimmFacts,
): PublishedModel {
  return model({
    name,
    aliases: [],
    layout: 'timm',
    ...entry,
    licence,
    parameters,
    text: false,
    repo: `timm/${repo}`,
    revision: 'main',
    files: ['model.safetensors', 'config.json'],
    preprocessing: {
      reference: 'timm',
      file: 'config.json',
      size: [side, side],
      resize: Math.floor(side / crop),
      filter,
      mean: normal[0],
      std: normal[1],
    },
  });
}

function resnet(depth: number, dimension: number, parameters: number): PublishedModel {
  return timm(
    `resnet${depth}`,
    `resnet${depth}.tv_in1k`,
    {
      aliases: [`resnet-${depth}`, `resnet${depth}.tv_in1k`],
      family: 'cnn',
      architecture: 'resnet',
      outputs: { pooled: dimension, logits: 1000 },
      defaultOutput: 'pooled',
    },
    { licence: 'BSD-3-Clause', parameters, filter: 'bilinear', crop: 0.875, normal: IMAGENET },
  );
}

function augreg(
  name: string,
  size: string,
  patch: number,
  dimension: number,
  parameters: number,
): PublishedModel {
  const repo = `vit_${size}_patch${patch}_224.augreg_in21k_ft_in1k`;
  return timm(
    name,
    repo,
    {
      aliases: [`vit_${size}_patch${patch}_224`, repo],
      family: 'vit',
      architecture: 'vit',
      outputs: { cls: dimension, mean: dimension, tokens: dimension, logits: 1000 },
      defaultOutput: 'cls',
    },
    { licence: 'Apache-2.0', parameters, filter: 'bicubic', crop: 0.9, normal: HALF },
  );
}

const CLIP_FILES = ['config.json', 'preprocessor_config.json', 'tokenizer.json', 'tokenizer_config.json'];

interface ClipFacts {
  patch: string;
  width: number;
  projection: number;
  parameters: number;
  revision: string;
  aliases: string[];
}

/** OpenAI's own weights in transformers' layout. */
function openaiClip(
  name: string,
  { patch, width, projection, parameters, revision, aliases }: ClipFacts,
): PublishedModel {
  return model({
    name,
    aliases,
    family: 'clip',
    architecture: 'clip',
    layout: 'transformers',
    licence: 'MIT',
    outputs: { projection, cls: width, mean: width, tokens: width },
    defaultOutput: 'projection',
    text: true,
    parameters,
    repo: `openai/clip-vit-${patch}`,
    revision,
    files: ['model.safetensors', ...CLIP_FILES],
    preprocessing: {
      reference: 'transformers',
      file: 'preprocessor_config.json',
      size: [224, 224],
      resize: 224,
      filter: 'bicubic',
      mean: CLIP[0],
      std: CLIP[1],
    },
  });
}

/** LAION's weights in open_clip's layout. */
function laionClip(name: string, repo: string, openClipName: string, parameters: number): PublishedModel {
  return model({
    name,
    aliases: [openClipName],
    family: 'clip',
    architecture: 'clip',
    layout: 'open_clip',
    licence: 'MIT',
    outputs: { projection: 512, cls: 768, mean: 768, tokens: 768 },
    defaultOutput: 'projection',
    text: true,
    parameters,
    repo: `laion/${repo}`,
    revision: 'main',
    files: [
      'open_clip_model.safetensors',
      'open_clip_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ],
    preprocessing: {
      reference: 'open_clip',
      file: 'open_clip_config.json',
      size: [224, 224],
      resize: 224,
      filter: 'bicubic',
      mean: CLIP[0],
      std: CLIP[1],
    },
  });
}

function dinov2(name: string, size: string, dimension: number, parameters: number): PublishedModel {
  return model({
    name,
    aliases: [`dinov2_vit${size[0]}14`, `dinov2-vit${size[0]}14`],
    family: 'vit',
    architecture: 'dinov2',
    layout: 'transformers',
    licence: 'Apache-2.0',
    outputs: { cls: dimension, mean: dimension, tokens: dimension },
    defaultOutput: 'cls',
    text: false,
    parameters,
    repo: `facebook/dinov2-${size}`,
    revision: 'main',
    files: ['model.safetensors', 'config.json', 'preprocessor_config.json'],
    preprocessing: {
      reference: 'transformers',
      file: 'preprocessor_config.json',
      size: [224, 224],
      resize: 256,
      filter: 'bicubic',
      mean: IMAGENET[0],
      std: IMAGENET[1],
    },
  });
}

/** Models on the hub. */
export const published: readonly PublishedModel[] = Object.freeze([
  resnet(18, 512, 11_689_512),
  resnet(34, 512, 21_797_672),
  resnet(50, 2048, 25_557_032),
  resnet(101, 2048, 44_549_160),
  timm(
    'vgg16',
    'vgg16.tv_in1k',
    {
      aliases: ['vgg-16'],
      family: 'cnn',
      architecture: 'vgg',
      outputs: { penultimate: 4096, pooled: 512, logits: 1000 },
      defaultOutput: 'penultimate',
    },
    { licence: 'BSD-3-Clause', parameters: 138_357_544, filter: 'bilinear', crop: 0.875, normal: IMAGENET },
  ),
  timm(
    'inception-v3',
    'inception_v3.tv_in1k',
    {
      aliases: ['inception_v3', 'inceptionv3'],
      family: 'cnn',
      architecture: 'inception',
      outputs: { pooled: 2048, logits: 1000 },
      defaultOutput: 'pooled',
    },
    {
      licence: 'Apache-2.0',
      parameters: 23_834_568,
      side: 299,
      filter: 'bicubic',
      crop: 0.875,
      normal: HALF,
    },
  ),
  timm(
    'mobilenet-v2',
    'mobilenetv2_100.ra_in1k',
    {
      aliases: ['mobilenetv2', 'mobilenet_v2', 'mobilenetv2_100'],
      family: 'cnn',
      architecture: 'mobilenet',
      outputs: { pooled: 1280, logits: 1000 },
      defaultOutput: 'pooled',
    },
    { licence: 'Apache-2.0', parameters: 3_504_872, filter: 'bicubic', crop: 0.875, normal: IMAGENET },
  ),
  augreg('vit-ti16', 'tiny', 16, 192, 5_717_416),
  augreg('vit-s16', 'small', 16, 384, 22_050_664),
  model({
    name: 'vit-b16',
    aliases: ['vit-base-patch16-224'],
    family: 'vit',
    architecture: 'vit',
    layout: 'transformers',
    licence: 'Apache-2.0',
    outputs: { cls: 768, mean: 768, tokens: 768, logits: 1000 },
    defaultOutput: 'cls',
    text: false,
    parameters: 86_567_656,
    repo: 'google/vit-base-patch16-224',
    revision: 'main',
    files: ['model.safetensors', 'config.json', 'preprocessor_config.json'],
    preprocessing: {
      reference: 'transformers',
      file: 'preprocessor_config.json',
      size: [224, 224],
      resize: 'exact',
      filter: 'bilinear',
      mean: HALF[0],
      std: HALF[1],
    },
  }),
  augreg('vit-b32', 'base', 32, 768, 88_224_232),
  augreg('vit-l16', 'large', 16, 1024, 304_326_632),
  openaiClip('clip-vit-b32', {
    patch: 'base-patch32',
    width: 768,
    projection: 512,
    parameters: 151_277_313,
    revision: 'refs/pr/15', // the branch "main" holds pickled weights only; this one adds the same as safetensors
    aliases: ['ViT-B/32', 'ViT-B-32', 'ViT-B-32/openai', 'ViT-B-32-quickgelu/openai', 'clip-ViT-B-32'],
  }),
  openaiClip('clip-vit-b16', {
    patch: 'base-patch16',
    width: 768,
    projection: 512,
    parameters: 149_620_737,
    revision: 'main',
    aliases: ['ViT-B/16', 'ViT-B-16', 'ViT-B-16/openai', 'ViT-B-16-quickgelu/openai', 'clip-ViT-B-16'],
  }),
  openaiClip('clip-vit-l14', {
    patch: 'large-patch14',
    width: 1024,
    projection: 768,
    parameters: 427_616_513,
    revision: 'main',
    aliases: ['ViT-L/14', 'ViT-L-14', 'ViT-L-14/openai', 'ViT-L-14-quickgelu/openai', 'clip-ViT-L-14'],
  }),
  laionClip(
    'clip-vit-b32-laion2b',
    'CLIP-ViT-B-32-laion2B-s34B-b79K',
    'ViT-B-32/laion2b_s34b_b79k',
    151_277_313,
  ),
  laionClip(
    'clip-vit-b16-laion2b',
    'CLIP-ViT-B-16-laion2B-s34B-b88K',
    'ViT-B-16/laion2b_s34b_b88k',
    149_620_737,
  ),
  dinov2('dinov2-small', 'small', 384, 22_056_576),
  dinov2('dinov2-base', 'base', 768, 86_580_480),
  model({
    name: 'siglip-b16',
    aliases: ['siglip-base-patch16-224'],
    family: 'clip',
    architecture: 'siglip',
    layout: 'transformers',
    licence: 'Apache-2.0',
    outputs: { projection: 768, mean: 768, tokens: 768 },
    defaultOutput: 'projection',
    text: true,
    parameters: 203_155_970,
    repo: 'google/siglip-base-patch16-224',
    revision: 'main',
    files: ['model.safetensors', ...CLIP_FILES],
    preprocessing: {
      reference: 'transformers',
      file: 'preprocessor_config.json',
      size: [224, 224],
      resize: 'exact',
      filter: 'bicubic',
      mean: HALF[0],
      std: HALF[1],
    },
  }),
]);
