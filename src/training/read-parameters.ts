/** @file Reads the numbers of parameters, whatever they are bound to and in whatever element type they are stored. */
import { type Bind, Graph, openSession, type Parameter, type Tensor } from '../graph/index.js';

/**
 * The numbers of parameters as float32.
 * @param into arrays to fill, where there are some already
 */
export async function readParameters(
  parameters: Iterable<Parameter>,
  bind: Bind,
  into: (name: string) => Float32Array | undefined = () => undefined,
): Promise<Map<string, Float32Array>> {
  const graph = new Graph('numbers');
  const own = new Map<string, Parameter>();
  const outputs: Record<string, Tensor> = {};
  const numbers = new Map<string, Float32Array>();
  for (const p of parameters) {
    const copy = graph.parameter(`:${p.name}`, p.shape); // an output needs a name that no parameter has
    own.set(copy.name, p);
    graph.output(p.name, copy);
    const data = into(p.name) ?? new Float32Array(p.shape.reduce((n, d) => n * d, 1));
    numbers.set(p.name, data);
    outputs[p.name] = { data, dims: p.shape };
  }
  if (numbers.size === 0) return numbers;
  const session = await openSession(graph, (p) => bind(own.get(p.name)!), { inline: true });
  await session.run({}, outputs);
  await session.release();
  return numbers;
}
