/** @file Derivatives: reduce. */
import type { Rules } from './rule.js';

export const reduceRules: Rules = {};
