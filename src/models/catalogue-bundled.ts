/** @file The models that ship with the package. */
import type { BundledModel } from './catalogue-types.js';

/** A model of the package, trained by this project. */
function mini(entry: Omit<BundledModel, 'aliases' | 'bundled' | 'licence' | 'text'>): BundledModel {
  Object.freeze(entry.outputs);
  const { family } = entry;
  return Object.freeze({
    ...entry,
    aliases: Object.freeze([]),
    bundled: true,
    licence: 'Apache-2.0',
    text: family === 'clip',
  });
}

/** Models that ship with the package. */
export const bundled: readonly BundledModel[] = Object.freeze([
  mini({
    name: 'mini-clip',
    family: 'clip',
    architecture: 'clip',
    layout: 'transformers',
    outputs: { projection: 256, cls: 192, mean: 192, tokens: 192 },
    defaultOutput: 'projection',
    parameters: 11_226_817,
  }),
  mini({
    name: 'mini-vit',
    family: 'vit',
    architecture: 'vit',
    layout: 'transformers',
    outputs: { cls: 192, mean: 192, tokens: 192, logits: 1000 },
    defaultOutput: 'cls',
    parameters: 5_703_016,
  }),
  mini({
    name: 'mini-cnn',
    family: 'cnn',
    architecture: 'mobilenet',
    layout: 'timm',
    outputs: { pooled: 1280, logits: 1000 },
    defaultOutput: 'pooled',
    parameters: 3_504_872,
  }),
  mini({
    name: 'mini-siamese',
    family: 'siamese',
    architecture: 'siamese',
    layout: 'afterimage',
    outputs: { embedding: 128, pooled: 1280 },
    defaultOutput: 'embedding',
    parameters: 2_387_840,
  }),
  mini({
    name: 'mini-autoencoder',
    family: 'autoencoder',
    architecture: 'autoencoder',
    layout: 'afterimage',
    outputs: { latent: 8192 },
    defaultOutput: 'latent',
    parameters: 10_147,
  }),
  mini({
    name: 'mini-autoencoder-128',
    family: 'autoencoder',
    architecture: 'autoencoder',
    layout: 'afterimage',
    outputs: { latent: 128 },
    defaultOutput: 'latent',
    parameters: 1_830_083,
  }),
]);
