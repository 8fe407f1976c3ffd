/**
 * @file Dropout (Srivastava et al., 2014) with its mask as an input, so that whoever draws it decides what a seed means.
 */
import { GraphError } from '../../errors.js';
import type { Value } from '../types.js';
import { mul } from './elementwise.js';

/**
 * x · keep / (1 − p), where `keep` holds ones and zeros (drawn with probabilities 1 − p and p) and broadcasts to `x`.
 * As PyTorch's `Dropout` in training mode, which in expectation is the identity.
 * @throws GraphError when p is not in [0, 1).
 */
export function dropout(x: Value, keep: Value, p: number): Value {
  if (!(p >= 0 && p < 1)) throw new GraphError(`Dropout: expected a probability in [0, 1) but received ${p}`);
  return p === 0 ? x : mul(x, mul(keep, 1 / (1 - p)));
}
