/**
 * @file A graph as a part of another: a backbone under a head, a tower inside a training step.
 */
import type { Graph } from './graph.js';
import type { Value } from './types.js';

/**
 * Copies a graph into `target` with `x` for its first input and `prefix` before the names of its parameters.
 * Returns its outputs there.
 */
export function inline(target: Graph, source: Graph, x: Value, prefix: string): Map<string, Value> {
  const map = new Map<Value, Value>([[source.inputs[0]!, x]]);
  for (const p of source.parameters.values()) map.set(p, target.parameter(prefix + p.name, p.shape, p.dtype));
  for (const { value, data } of source.constants)
    map.set(value, target.constant(data, value.shape as readonly number[], value.dtype));
  for (const node of source.nodes) {
    const inputs = node.inputs.map((v) => (v ? map.get(v)! : null));
    const outputs = target.multi(node.op, inputs, node.outputs, node);
    node.outputs.forEach((v, i) => {
      map.set(v, outputs[i]!);
    });
  }
  return new Map([...source.outputs].map(([name, v]) => [name, map.get(v)!]));
}
