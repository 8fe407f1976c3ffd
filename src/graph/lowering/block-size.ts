/** @file Which blocked layout the runtime has here: it depends on the processor and on the build. */
import { Graph } from '../graph.js';
import { encodeModel, prune } from '../onnx.js';
import { LocalSession } from '../runtime.js';
import { BLOCKED } from './layouts.js';

const CHANNELS = 64;
let known: Promise<number> | undefined;

/** Channels in a block: 16 with AVX-512, 8 with AVX, 0 where there is no such layout. Found by trying, once. */
export function blockSize(): Promise<number> {
  known ??= probe().catch(() => 0);
  return known;
}

/** Blocks a map of two pixels and looks where the second pixel of the first channel went. */
async function probe(): Promise<number> {
  const graph = new Graph('probe');
  const x = graph.input('x', [1, CHANNELS, 1, 2]);
  graph.output('y', graph.node('ReorderInput', [x], x.shape, { domain: BLOCKED }));
  const model = encodeModel(graph.name, prune(graph), {
    bind: () => ({ data: new Float32Array(), dtype: 'float32' }),
    locate: (file) => file,
  });
  const session = await LocalSession.create({ model, device: 'cpu', threads: 1 });
  const data = Float32Array.from({ length: 2 * CHANNELS }, (_, i) => i);
  const { y } = await session.run({ x: { data, dims: [1, CHANNELS, 1, 2] } });
  await session.release();
  const block = y!.data.indexOf(1 as never);
  return [4, 8, 16, 32].includes(block) ? block : 0;
}
