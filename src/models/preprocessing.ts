/**
 * @file Finds how a model wants its images prepared, in the files that its publisher put beside the weights.
 */
import path from 'node:path';
import { ModelError } from '../errors.js';
import {
  openClipTransform,
  type TransformSpec,
  timmTransform,
  transformFromPreprocessorConfig,
} from '../image/index.js';
import type { PublisherConfig } from './architecture.js';
import { readJson } from './json.js';

type Json = Readonly<Record<string, unknown>>;

/**
 * In this order: transformers' `preprocessor_config.json`; open_clip's `open_clip_config.json`; timm's
 * `pretrained_cfg` in `config.json`; what the catalogue knows.
 * @throws ModelError when there is none of them.
 */
export async function readTransform(
  folder: string,
  config: PublisherConfig,
  known: TransformSpec | undefined,
  where: string,
): Promise<TransformSpec> {
  const file = path.join(folder, 'preprocessor_config.json');
  const preprocessor = await readJson(file);
  if (preprocessor) return transformFromPreprocessorConfig(preprocessor, file);
  const openClip = (await readJson(path.join(folder, 'open_clip_config.json'))) as {
    preprocess_cfg?: Json;
    model_cfg?: { vision_cfg?: { image_size?: number } };
  } | null;
  if (openClip?.preprocess_cfg) {
    const size = openClip.model_cfg?.vision_cfg?.image_size ?? 224;
    return openClipTransform({ size, ...openClip.preprocess_cfg } as Parameters<typeof openClipTransform>[0]);
  }
  const timm = config?.pretrained_cfg;
  if (timm && typeof timm === 'object') return timmTransform(timm as Parameters<typeof timmTransform>[0]);
  if (known) return known;
  throw new ModelError(`${where}: nothing says how images are prepared for this model`, {
    hint: 'put the preprocessor_config.json of its publisher beside the weights',
  });
}
