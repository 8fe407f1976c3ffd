/** @file What a rule of differentiation is, and what the rules share. */
import { GraphError } from '../../errors.js';
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

/** Rules by ONNX operator. */
export type Rules = Readonly<Record<string, Rule>>;

/** Makes the gradients that are needed, in the order of the inputs, and leaves the others out. */
export function each(need: readonly boolean[], ...makers: readonly (() => Value)[]): (Value | null)[] {
  return makers.map((make, i) => (need[i] ? make() : null));
}

/** The rule of an operator with one input and one output. */
export function unary(derive: (dy: Value, x: Value, y: Value, node: Node) => Value): Rule {
  return (node, dys) => [derive(dys[0]!, node.inputs[0]!, node.outputs[0]!, node)];
}

const dataOf = (value: Value) => value.graph.constants.find((c) => c.value === value)?.data;

/** The number that a constant of one element holds, undefined for anything else. */
export function scalarOf(value: Value): number | undefined {
  const data = dataOf(value);
  return data?.length === 1 ? Number(data[0]) : undefined;
}

/** The numbers of an integer constant (axes, starts, steps). @throws GraphError when they depend on the run. */
export function integersOf(value: Value, what: string): number[] {
  const data = dataOf(value);
  if (!data)
    throw new GraphError(`${what}: expected a constant but "${value.name}" is computed when the graph runs`, {
      hint: 'copy the graph with trainingCopy, which fixes all sizes',
    });
  return Array.from(data as ArrayLike<number | bigint>, Number);
}
