/** @file The worker thread of one session: creates it, runs it, releases it, in the order of the messages. */
import { parentPort } from 'node:worker_threads';
import { type Creation, LocalSession, type Port, type Tensor } from './runtime.js';

/** What the session asks of its worker. */
export type Request =
  | { id: number; kind: 'create'; creation: Creation }
  | { id: number; kind: 'run'; feeds: Record<string, Tensor>; outputs?: readonly string[] | undefined }
  | { id: number; kind: 'release' };

/** What the worker answers. */
export type Reply =
  | { id: number; created: { inputs: readonly Port[]; outputs: readonly Port[] } }
  | { id: number; results: Record<string, Tensor> }
  | { id: number; released: true }
  | { id: number; error: { message: string; hint: string | undefined } };

let session: LocalSession | undefined;
let queue = Promise.resolve();

async function answer(request: Request): Promise<Reply> {
  const { id } = request;
  if (request.kind === 'create') {
    session = await LocalSession.create(request.creation);
    return { id, created: { inputs: session.inputs, outputs: session.outputs } };
  }
  if (request.kind === 'run') return { id, results: await session!.run(request.feeds, request.outputs) };
  await session?.release();
  session = undefined;
  return { id, released: true };
}

/** The bytes of the model, which the runtime has copied: moved away, since an idle thread collects no garbage. */
function spent({ model }: Creation): ArrayBuffer[] {
  return typeof model === 'string' ? [] : [model.buffer as ArrayBuffer];
}

parentPort!.on('message', (request: Request) => {
  queue = queue.then(async () => {
    try {
      const reply = await answer(request);
      parentPort!.postMessage(reply, request.kind === 'create' ? spent(request.creation) : []);
    } catch (e) {
      const { message, hint } = e as { message: string; hint?: string };
      parentPort!.postMessage({ id: request.id, error: { message, hint } } satisfies Reply);
    }
  });
});
