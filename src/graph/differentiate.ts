/**
 * @file Reverse-mode differentiation (Linnainmaa, 1970): appends to a graph the gradients of a scalar.
 *
 * The rules, one per operator, are in `gradients/`; here is the walk. Only nodes on a path from what is differentiated
 * to the loss are visited, so a frozen part of a network costs nothing.
 */
import { GraphError } from '../errors.js';
import { RULES } from './gradients/index.js';
import { add } from './ops/elementwise.js';
import { sizeOf } from './shape.js';
import type { Value } from './types.js';

/**
 * The gradients of `loss`, a float32 value of one element, with respect to each of `wrt`: values of the same graph in
 * the same shapes. Shapes on the way must be without symbols.
 * @throws GraphError when the loss does not depend on one of them, or when an operator on the way has no derivative.
 */
export function gradients(loss: Value, wrt: readonly Value[]): Value[] {
  const { graph } = loss;
  if (sizeOf(loss.shape, 'loss') !== 1)
    throw new GraphError(`loss: expected one element but received [${loss.shape.join(', ')}]`);
  const nodes = [...graph.nodes];
  const live = new Set<Value>(wrt);
  for (const node of nodes)
    if (node.inputs.some((v) => v && live.has(v))) for (const v of node.outputs) live.add(v);

  const one = graph.constant(Float32Array.of(1), loss.shape as readonly number[], 'float32');
  const found = new Map<Value, Value>([[loss, one]]);
  for (const node of nodes.reverse()) {
    const need = node.inputs.map((v) => v !== null && v.dtype === 'float32' && live.has(v));
    const dys = node.outputs.map((v) => found.get(v) ?? null);
    if (!need.includes(true) || dys.every((dy) => dy === null)) continue;
    const rule = RULES.get(node.op);
    if (!rule)
      throw new GraphError(`${node.op} has no derivative`, { hint: 'it cannot be part of what is trained' });
    const dxs = rule(node, dys, need);
    node.inputs.forEach((v, i) => {
      const dx = dxs[i];
      if (!v || !need[i] || !dx) return;
      const before = found.get(v);
      found.set(v, before ? add(before, dx) : dx);
    });
  }
  return wrt.map((v) => {
    const gradient = found.get(v);
    if (!gradient) throw new GraphError(`the loss does not depend on "${v.name}"`);
    return gradient;
  });
}
