/** @file Derivatives: resize. */
import type { Rules } from './rule.js';

export const resizeRules: Rules = {};
