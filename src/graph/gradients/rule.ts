/** @file What a rule of differentiation is. */
import type { Node, Value } from '../types.js';

/**
 * The vector–Jacobian product of one operator: from the gradients of the outputs (null where the loss does not depend
 * on one) those of the inputs, in the operator's order. Only inputs with `need` are asked for; null stands for the rest.
 */
export type Rule = (
  node: Node,
  dys: readonly (Value | null)[],
  need: readonly boolean[],
) => readonly (Value | null)[];
