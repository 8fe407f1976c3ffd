/** @file Derivatives: linear. */
import type { Rules } from './rule.js';

export const linearRules: Rules = {};
