/** @file The derivative of bicubic resampling, which is linear: the transposed weights. */
import { GraphError } from '../../errors.js';
import type { Node, Value } from '../types.js';
import type { Rule, Rules } from './rule.js';
import { applySeparable, type Matrix, transposed } from './separable.js';

interface Cubic {
  /** The coefficient a of Keys' kernel (1981). */
  a: number;
  alignCorners: boolean;
  /** Widens the kernel when it shrinks. */
  antialias: boolean;
  /** Leaves weights outside the grid out, instead of repeating the border. */
  excludeOutside: boolean;
}

function cubicOf({ attributes }: Node): Cubic {
  const coordinates = attributes.coordinate_transformation_mode;
  if (attributes.mode !== 'cubic' || (coordinates !== 'half_pixel' && coordinates !== 'align_corners'))
    throw new GraphError(`Resize: ${attributes.mode} with ${coordinates} has no derivative`);
  return {
    a: (attributes.cubic_coeff_a as { float: number }).float,
    alignCorners: coordinates === 'align_corners',
    antialias: attributes.antialias === 1,
    excludeOutside: attributes.exclude_outside === 1,
  };
}

/** Keys' cubic convolution kernel. */
function kernel(t: number, a: number): number {
  const x = Math.abs(t);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/** The matrix [to, from] that resamples a row. */
function resampling(from: number, to: number, cubic: Cubic): Matrix {
  const data = new Float32Array(to * from);
  const scale = cubic.alignCorners ? (to > 1 ? (from - 1) / (to - 1) : 0) : from / to;
  const width = cubic.antialias ? Math.max(scale, 1) : 1;
  for (let i = 0; i < to; i++) {
    const centre = cubic.alignCorners ? i * scale : (i + 0.5) * scale - 0.5;
    const weights = new Float64Array(from);
    let total = 0;
    for (let j = Math.floor(centre - 2 * width); j <= Math.ceil(centre + 2 * width); j++) {
      if (cubic.excludeOutside && (j < 0 || j >= from)) continue;
      const weight = kernel((j - centre) / width, cubic.a);
      weights[Math.min(Math.max(j, 0), from - 1)]! += weight;
      total += weight;
    }
    weights.forEach((w, j) => {
      data[i * from + j] = w / total;
    });
  }
  return { rows: to, columns: from, data };
}

const resizeRule: Rule = (node, [dy]) => {
  const [x] = node.inputs as readonly [Value];
  const cubic = cubicOf(node);
  const [rows, columns] = [2, 3].map((axis) =>
    transposed(resampling(x.shape[axis] as number, dy!.shape[axis] as number, cubic)),
  ) as [Matrix, Matrix];
  return [applySeparable(dy!, rows, columns), null, null, null];
};

export const resizeRules: Rules = { Resize: resizeRule };
