/** @file The rules of differentiation by operator. */
import { activationRules } from './activation.js';
import { attentionRules } from './attention.js';
import { convRules } from './conv.js';
import { elementwiseRules } from './elementwise.js';
import { gatherRules } from './gather.js';
import { linearRules } from './linear.js';
import { normRules } from './norm.js';
import { poolRules } from './pool.js';
import { reduceRules } from './reduce.js';
import { resizeRules } from './resize.js';
import type { Rule } from './rule.js';
import { shapeRules } from './shape.js';

/** The rule of each differentiable operator, by its ONNX name. */
export const RULES: ReadonlyMap<string, Rule> = new Map(
  Object.entries({
    ...elementwiseRules,
    ...activationRules,
    ...shapeRules,
    ...gatherRules,
    ...reduceRules,
    ...linearRules,
    ...normRules,
    ...poolRules,
    ...resizeRules,
    ...attentionRules,
    ...convRules,
  }),
);
