/**
 * @file Bicubic resampling of [N, C, H, W], as PyTorch's `interpolate(mode='bicubic')` computes it.
 *
 * Meant for learned grids such as position embeddings: on a parameter the runtime computes it once, when the session
 * starts. Images are resampled by the image room, which follows Pillow.
 */
import { GraphError } from '../../errors.js';
import { show } from '../shape.js';
import type { Value } from '../types.js';

/**
 * PyTorch's variants: `half-pixel` is its default (cubic coefficient −0.75, borders repeated), `antialias` widens the
 * kernel when it shrinks (coefficient −0.5, weights outside the grid left out), `align-corners` maps corner to corner.
 */
export type Bicubic = 'half-pixel' | 'antialias' | 'align-corners';

/** Resamples to `height` × `width`. @throws GraphError when `x` is not [N, C, H, W]. */
export function resizeBicubic(x: Value, height: number, width: number, variant: Bicubic): Value {
  if (x.shape.length !== 4 || x.shape.some((d) => typeof d === 'string'))
    throw new GraphError(`Resize: expected a fixed [N, C, H, W] but received ${show(x.shape)}`);
  const shape = [x.shape[0]!, x.shape[1]!, height, width] as number[];
  const antialias = variant === 'antialias';
  return x.graph.node('Resize', [x, null, null, x.graph.ints(shape)], shape, {
    attributes: {
      mode: 'cubic',
      coordinate_transformation_mode: variant === 'align-corners' ? 'align_corners' : 'half_pixel',
      cubic_coeff_a: { float: antialias ? -0.5 : -0.75 },
      exclude_outside: antialias ? 1 : 0,
      antialias: antialias ? 1 : 0,
    },
  });
}
