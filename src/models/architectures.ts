/**
 * @file Every architecture that weights can be recognised as, the most particular first.
 */
import type { Architecture } from './architecture.js';
import { autoencoder } from './autoencoder.js';
import { clip } from './clip.js';
import { dinov2 } from './dinov2.js';
import { inception } from './inception.js';
import { mobilenet } from './mobilenet.js';
import { resnet } from './resnet.js';
import { siamese } from './siamese.js';
import { siglip } from './siglip.js';
import { vgg } from './vgg.js';
import { vit } from './vit.js';

export const architectures: readonly Architecture<unknown>[] = [
  siamese,
  autoencoder,
  clip,
  siglip,
  dinov2,
  vit,
  resnet,
  vgg,
  inception,
  mobilenet,
] as readonly Architecture<unknown>[];
