/** @file Derivatives: norm. */
import type { Rules } from './rule.js';

export const normRules: Rules = {};
