/** @file Derivatives: pool. */
import type { Rules } from './rule.js';

export const poolRules: Rules = {};
