/** @file Derivatives: attention. */
import type { Rules } from './rule.js';

export const attentionRules: Rules = {};
