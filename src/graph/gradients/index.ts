/** @file The rules of differentiation by operator. */
import type { Rule } from './rule.js';

/** The rule of each differentiable operator, by its ONNX name. */
export const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([]);
