/** @file Derivatives: shape. */
import type { Rules } from './rule.js';

export const shapeRules: Rules = {};
