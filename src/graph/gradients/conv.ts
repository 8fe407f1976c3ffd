/** @file Derivatives of convolution and transposed convolution. */
import type { Rules } from './rule.js';

export const convRules: Rules = {};
