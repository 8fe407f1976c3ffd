/**
 * @file Reverse-mode differentiation (Linnainmaa, 1970): appends to a graph the gradients of a scalar.
 *
 * The rules, one per operator, are in `gradients/`; here is the walk. Only nodes on a path from what is differentiated
 * to the loss are visited, so a frozen part of a network costs nothing.
 */
import { GraphError } from '../errors.js';
import { RULES } from './gradients/index.js';
import { thin } from './gradients/spread.js';
import { add } from './ops/elementwise.js';
import { sameShape, sizeOf } from './shape.js';
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
  const terms = new Map<Value, Value[]>([[loss, [one]]]);
  const gradientOf = (v: Value) => total(v, terms);
  for (const node of nodes.reverse()) {
    const need = node.inputs.map((v) => v !== null && v.dtype === 'float32' && live.has(v));
    if (!need.includes(true) || !node.outputs.some((v) => terms.has(v))) continue;
    const rule = RULES.get(node.op);
    if (!rule)
      throw new GraphError(`${node.op} has no derivative`, { hint: 'it cannot be part of what is trained' });
    const dxs = rule(node, node.outputs.map(gradientOf), need);
    node.inputs.forEach((v, i) => {
      const dx = dxs[i];
      if (v && need[i] && dx) terms.set(v, [...(terms.get(v) ?? []), dx]);
    });
  }
  return wrt.map((v) => {
    const gradient = gradientOf(v);
    if (!gradient) throw new GraphError(`the loss does not depend on "${v.name}"`);
    return gradient;
  });
}

/** The sum of what has arrived at a value, made once; null when nothing has. */
function total(v: Value, terms: Map<Value, Value[]>): Value | null {
  const list = terms.get(v);
  if (!list) return null;
  if (list.length === 1) return list[0]!;
  const thinned = list.map(thin);
  const parts = thinned.some((t) => sameShape(t.shape, v.shape)) ? thinned : list;
  const sum = parts.length === 2 ? add(parts[0]!, parts[1]!) : v.graph.node('Sum', parts, v.shape);
  terms.set(v, [sum]);
  return sum;
}
