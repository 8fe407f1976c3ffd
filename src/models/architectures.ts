/**
 * @file Every architecture that weights can be recognised as, the most particular first.
 */
import type { Architecture } from './architecture.js';
import { autoencoder } from './autoencoder.js';
import { clip } from './clip.js';
import { conv4 } from './conv4.js';
import { dinov2 } from './dinov2.js';
import { inception } from './inception.js';
import { mobilenet } from './mobilenet.js';
import { resnet } from './resnet.js';
import { siameseOver } from './siamese.js';
import { siglip } from './siglip.js';
import { vgg } from './vgg.js';
import { vit } from './vit.js';

/** Whatever may stand under a Siamese head. */
const backbones = [
  clip,
  siglip,
  dinov2,
  vit,
  resnet,
  vgg,
  inception,
  mobilenet,
  conv4,
] as readonly Architecture<unknown>[];

/** The Siamese network over any backbone. Output: `embedding`. */
export const siamese = siameseOver(backbones);

export const architectures = [siamese, autoencoder, ...backbones] as readonly Architecture<unknown>[];
