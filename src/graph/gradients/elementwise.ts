/** @file Derivatives: elementwise. */
import type { Rules } from './rule.js';

export const elementwiseRules: Rules = {};
