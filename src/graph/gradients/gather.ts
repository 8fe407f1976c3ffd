/** @file Derivatives: gather. */
import type { Rules } from './rule.js';

export const gatherRules: Rules = {};
