/**
 * @file Opens sessions over graphs and over ready-made ONNX files.
 *
 * The runtime's calls are synchronous native code, creation and `run` alike, which would stop the event loop for as
 * long as they take. A session therefore lives in a worker thread unless `inline` is asked for (a command that has
 * nothing else to do starts faster that way).
 */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { GraphError, RuntimeError } from '../errors.js';
import { openCompiled } from './compiled.js';
import type { Graph } from './graph.js';
import { blockSize } from './lowering/block-size.js';
import { lower, needsLowering } from './lowering/lower.js';
import { type Bind, type Binding, encodeModel, type Pruned, prune, type Stored } from './onnx.js';
import { type Precision, withPrecision } from './precision.js';
import {
  type Creation,
  type Device,
  isNames,
  LocalSession,
  type Outputs,
  type Port,
  type Tensor,
} from './runtime.js';
import type { Reply, Request } from './session-worker.js';
import type { Parameter } from './types.js';

export interface SessionOptions {
  /** @default 'cpu' */
  device?: Device | undefined;
  /** Threads for one operator. @default the cores of this machine */
  threads?: number | undefined;
  /**
   * Let idle threads spin, which takes the cores from whatever else wants them; a number is for how many microseconds
   * at most. Worth it for a network of many short operators.
   * @default false
   */
  spin?: boolean | number | undefined;
  /**
   * Take the memory of a whole run at once from the second run on. Saves a hundredth of the time, and keeps the pieces
   * that the first run took besides.
   * @default true
   */
  planMemory?: boolean | undefined;
  /** Run on the calling thread, which blocks meanwhile, instead of in a worker. @default false */
  inline?: boolean | undefined;
}

export interface GraphSessionOptions extends SessionOptions {
  /** The outputs to compute; the rest of the network, weights included, is left out. @default all */
  outputs?: readonly string[] | undefined;
  /** @default 'fp32' */
  precision?: Precision | undefined;
  /** Parameters whose numbers come with every run, as inputs of their name, since they change between runs. @default none */
  fed?: readonly Parameter[] | undefined;
  /** Inputs, fed parameters and outputs of four axes that are given and taken with the second one last. @default none */
  channelsLast?: ReadonlySet<string> | undefined;
  /** Folder for optimised copies of graphs whose weights must be converted at every start otherwise. */
  cacheDir?: string | undefined;
}

/** The part of a session that is on this thread or in a worker. */
interface Backend {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly failure?: RuntimeError | undefined;
  run(feeds: Readonly<Record<string, Tensor>>, outputs?: Outputs): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/** A network that is ready to run. Calls are served in order; release it when done, since its memory is native. */
export class Session {
  private released = false;

  private constructor(private readonly backend: Backend) {}

  /** Opens a ready-made `.onnx` file (or its bytes). @throws RuntimeError when it cannot be loaded. */
  static async fromFile(model: string | Uint8Array, options: SessionOptions = {}): Promise<Session> {
    return Session.create({ model, ...creationOptions(options) }, options.inline ?? false);
  }

  /** Opens a session on a worker or here. */
  static async create(creation: Creation, inline: boolean): Promise<Session> {
    return new Session(inline ? await LocalSession.create(creation) : await WorkerSession.create(creation));
  }

  get inputs(): readonly Port[] {
    return this.backend.inputs;
  }

  get outputs(): readonly Port[] {
    return this.backend.outputs;
  }

  /**
   * Computes the outputs for one batch. Over a worker the arrays of `feeds` are moved, not copied: do not use them
   * afterwards.
   * @param outputs which to compute; with tensors under their names, an inline session writes into these.
   * @throws RuntimeError when a shape or type does not fit or the session was released.
   */
  async run(feeds: Readonly<Record<string, Tensor>>, outputs?: Outputs): Promise<Record<string, Tensor>> {
    const { failure } = this;
    if (failure) throw failure;
    for (const [name, { data, dims }] of Object.entries(feeds)) {
      if (!this.inputs.some((i) => i.name === name))
        throw new RuntimeError(
          `no input "${name}"; the network has ${this.inputs.map((i) => i.name).join(', ')}`,
        );
      if (data.length !== dims.reduce((n, d) => n * d, 1))
        throw new RuntimeError(`input "${name}": ${data.length} numbers do not fill [${dims.join(', ')}]`, {
          hint:
            data.buffer.byteLength === 0 ? 'an array that was given to run is empty afterwards' : undefined,
        });
    }
    return this.backend.run(feeds, outputs);
  }

  /** Why nothing can be computed any more (it was released, its thread died), or undefined while all is well. */
  get failure(): RuntimeError | undefined {
    return this.released ? new RuntimeError('the session was released') : this.backend.failure;
  }

  /** Frees the native memory and ends the worker. May be called twice. */
  async release(): Promise<void> {
    if (this.released) return;
    this.released = true;
    await this.backend.release();
  }
}

/**
 * Opens a session over a graph. `bind` finds the weights, which are read by the runtime from the files they lie in.
 * @throws GraphError for outputs that do not exist, RuntimeError when the runtime refuses.
 */
export async function openSession(
  graph: Graph,
  bind: Bind,
  options: GraphSessionOptions = {},
): Promise<Session> {
  const precision = options.precision ?? 'fp32';
  const files = new Set<string>();
  let converted = precision !== 'fp32';
  const real = new Map<string, string>();
  const realFile = <T extends Stored>(stored: T): T => {
    if (!('file' in stored)) return stored;
    let file = real.get(stored.file);
    if (!file) {
      file = realpathSync(stored.file);
      real.set(stored.file, file);
      files.add(file);
    }
    return { ...stored, file };
  };
  const realBind = (p: Parameter): Binding => {
    const { scale, ...binding } = bind(p);
    if (binding.dtype !== p.dtype || scale) converted = true;
    return { ...realFile(binding), scale: scale && realFile(scale) };
  };
  const cut = await lowered(feedParameters(prune(graph, options.outputs), options.fed ?? []), options);
  const roots = () => new Set([...files].map((f) => path.parse(f).root));
  const model = encodeModel(graph.name, withPrecision(cut, precision), {
    bind: realBind,
    locate: (file) => path.relative(path.parse(file).root, file).replaceAll('\\', '/'),
  });
  if (roots().size > 1)
    throw new GraphError('the weight files lie on several drives; put them in one folder');
  const [weightsFolder] = roots();
  const creation: Creation = { model, weightsFolder, ...creationOptions(options) };
  const inline = options.inline ?? false;
  if (!converted || !options.cacheDir || creation.device !== 'cpu') return Session.create(creation, inline);
  return openCompiled(creation, [...files], options.cacheDir, (c) => Session.create(c, inline));
}

/** A graph with gradients in operators that the runtime has, in the layouts in which it is fast. */
async function lowered(cut: Pruned, options: GraphSessionOptions): Promise<Pruned> {
  const { channelsLast = new Set<string>(), device = 'cpu' } = options;
  if (!needsLowering(cut) && channelsLast.size === 0) return cut;
  return lower(cut, { block: device === 'cpu' ? await blockSize() : 0, channelsLast });
}

/** Makes inputs of parameters. */
function feedParameters(cut: Pruned, fed: readonly Parameter[]): Pruned {
  const isFed = new Set(fed);
  const [inputs, parameters] = [true, false].map((side) =>
    cut.parameters.filter((p) => isFed.has(p) === side),
  );
  return { ...cut, inputs: [...cut.inputs, ...inputs!], parameters: parameters! };
}

function creationOptions(
  options: SessionOptions,
): Pick<Creation, 'device' | 'threads' | 'spin' | 'planMemory'> {
  const { device = 'cpu', threads, spin, planMemory } = options;
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1))
    throw new RuntimeError(`threads: expected a whole number of at least 1 but received ${threads}`);
  if (typeof spin === 'number' && (!Number.isInteger(spin) || spin < 1))
    throw new RuntimeError(`spin: expected a whole number of microseconds but received ${spin}`);
  return { device, threads, spin, planMemory };
}

/** A session in a thread of its own. */
class WorkerSession implements Backend {
  inputs: readonly Port[] = [];
  outputs: readonly Port[] = [];
  private next = 0;
  private readonly waiting = new Map<number, { resolve(reply: Reply): void; reject(e: Error): void }>();
  failure: RuntimeError | undefined;

  private constructor(private readonly worker: Worker) {
    worker.on('message', (reply: Reply) => {
      const waiter = this.waiting.get(reply.id);
      this.waiting.delete(reply.id);
      if (this.waiting.size === 0) worker.unref();
      if ('error' in reply) waiter?.reject(new RuntimeError(reply.error.message, { hint: reply.error.hint }));
      else waiter?.resolve(reply);
    });
    worker.on('error', (e) =>
      this.fail(new RuntimeError(`the network's thread failed: ${e.message}`, { cause: e })),
    );
    worker.on('exit', () =>
      this.fail(
        new RuntimeError("the network's thread ended", {
          hint: 'memory may have run out: try a smaller batchSize',
        }),
      ),
    );
  }

  static async create(creation: Creation): Promise<WorkerSession> {
    const session = new WorkerSession(
      new Worker(new URL('./session-worker.js', import.meta.url), { execArgv: [] }),
    );
    try {
      const reply = await session.ask({ id: session.next++, kind: 'create', creation });
      if ('created' in reply) Object.assign(session, reply.created);
    } catch (e) {
      await session.worker.terminate();
      throw e;
    }
    return session;
  }

  async run(feeds: Readonly<Record<string, Tensor>>, outputs?: Outputs): Promise<Record<string, Tensor>> {
    if (outputs && !isNames(outputs))
      throw new RuntimeError('a session in a worker cannot write into arrays of this thread', {
        hint: 'open it inline',
      });
    const buffers = Object.values(feeds).map((t) => t.data.buffer as ArrayBuffer);
    const reply = await this.ask({ id: this.next++, kind: 'run', feeds, outputs }, [...new Set(buffers)]);
    return 'results' in reply ? reply.results : {};
  }

  async release(): Promise<void> {
    if (!this.failure) await this.ask({ id: this.next++, kind: 'release' }).catch(() => undefined);
    await this.worker.terminate();
  }

  private ask(request: Request, transfer: ArrayBuffer[] = []): Promise<Reply> {
    if (this.failure) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      try {
        this.worker.postMessage(request, transfer);
      } catch (cause) {
        reject(
          new RuntimeError(`the input cannot be moved to the network's thread: ${(cause as Error).message}`, {
            cause,
            hint: 'give arrays with an ArrayBuffer of their own',
          }),
        );
        return;
      }
      this.waiting.set(request.id, { resolve, reject });
      this.worker.ref();
    });
  }

  private fail(e: RuntimeError): void {
    this.failure ??= e;
    for (const waiter of this.waiting.values()) waiter.reject(this.failure);
    this.waiting.clear();
  }
}
