/** @file Derivatives: activation. */
import type { Rules } from './rule.js';

export const activationRules: Rules = {};
