/** @file What a value is computed from. */
import type { Value } from './types.js';

/** Everything that `value` depends on, itself included: inputs, parameters, constants and what lies between. */
export function dependencies(value: Value): Set<Value> {
  const needed = new Set<Value>([value]);
  const { nodes } = value.graph;
  for (let i = nodes.length - 1; i >= 0; i--) {
    const { inputs, outputs } = nodes[i]!;
    if (outputs.some((v) => needed.has(v))) for (const v of inputs) if (v) needed.add(v);
  }
  return needed;
}
