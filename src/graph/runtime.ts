/**
 * @file ONNX Runtime on the current thread: what a session and its worker share.
 *
 * The runtime is loaded on first use. Threads do not spin by default: a spinning pool gains about nothing alone and
 * takes the cores from whatever else wants them (image decoding, another session, another process).
 */
import { availableParallelism } from 'node:os';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { RuntimeError } from '../errors.js';

/** Where a session computes. Which of them exist depends on the platform's build of ONNX Runtime. */
export type Device = 'cpu' | 'cuda' | 'coreml' | 'dml' | 'webgpu';

/** A tensor given to or received from a session, in row-major order. */
export interface Tensor {
  data: Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array | Int8Array | Uint16Array;
  dims: readonly number[];
}

/** Outputs to compute: their names, or the tensors to write them into under their names. */
export type Outputs = readonly string[] | Readonly<Record<string, Tensor>>;

export const isNames = (outputs: Outputs): outputs is readonly string[] => Array.isArray(outputs);

/** An input or output of a session; a free dimension is a string. */
export interface Port {
  name: string;
  type: string;
  shape: readonly (number | string)[];
}

/** How to create a session; plain data, so that it can be sent to a worker. */
export interface Creation {
  /** A serialised model, or the path of one. */
  model: Uint8Array | string;
  device: Device;
  threads?: number | undefined;
  spin?: boolean | number | undefined;
  planMemory?: boolean | undefined;
  /** Folder against which the locations of external weights are resolved when the model is given as bytes. */
  weightsFolder?: string | undefined;
  /** Write the optimised model here, its weights beside it. */
  saveTo?: { model: string; weights: string } | undefined;
  /** The model was optimised before: load it as it is. */
  optimised?: boolean | undefined;
}

type Runtime = typeof import('onnxruntime-node');
let runtime: Promise<Runtime> | undefined;

async function load(): Promise<Runtime> {
  runtime ??= import('onnxruntime-node').then((m) => {
    const ort = (m as { default?: Runtime }).default ?? m;
    ort.env.logLevel = 'fatal';
    return ort;
  });
  try {
    return await runtime;
  } catch (cause) {
    runtime = undefined;
    throw new RuntimeError(`ONNX Runtime does not load on ${process.platform}-${process.arch}`, {
      cause,
      hint: 'reinstall onnxruntime-node for this platform',
    });
  }
}

/** The devices that this build of ONNX Runtime offers, and its version. */
export async function runtimeInfo(): Promise<{ version: string; devices: string[] }> {
  const ort = await load();
  const devices = ort.listSupportedBackends().map((b) => b.name);
  return { version: ort.env.versions.node ?? ort.env.versions.common, devices };
}

/** A session on this thread; `run` blocks it. */
export class LocalSession {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];

  private constructor(
    private readonly ort: Runtime,
    private readonly session: InferenceSession,
  ) {
    this.inputs = session.inputMetadata.map(port);
    this.outputs = session.outputMetadata.map(port);
  }

  /** @throws RuntimeError when the device is missing or the model is refused. */
  static async create(creation: Creation): Promise<LocalSession> {
    const ort = await load();
    const { device } = creation;
    const devices = ort.listSupportedBackends().map((b) => b.name);
    if (!devices.includes(device))
      throw new RuntimeError(`device "${device}" is not in this build of ONNX Runtime`, {
        hint: `available: ${devices.join(', ')}`,
      });
    const { spin = false } = creation;
    const intraOp: Record<string, string> = { allow_spinning: spin ? '1' : '0' };
    if (typeof spin === 'number') intraOp.spin_duration_us = String(spin);
    const extra: Record<string, unknown> = { intra_op: intraOp };
    if (creation.weightsFolder) extra.model_external_initializers_file_folder_path = creation.weightsFolder;
    if (creation.saveTo) extra.optimized_model_external_initializers_file_name = creation.saveTo.weights;
    const options: InferenceSession.SessionOptions = {
      executionProviders: [device],
      intraOpNumThreads: creation.threads ?? availableParallelism(),
      interOpNumThreads: 1,
      enableMemPattern: creation.planMemory ?? true,
      graphOptimizationLevel: creation.optimised ? 'disabled' : 'all',
      logSeverityLevel: 4, // what goes wrong is thrown, not printed
      extra: { session: extra },
    };
    if (creation.saveTo) options.optimizedModelFilePath = creation.saveTo.model;
    try {
      // The two overloads differ only in the type of the model.
      const { model } = creation;
      const session =
        typeof model === 'string'
          ? await ort.InferenceSession.create(model, options)
          : await ort.InferenceSession.create(model, options);
      return new LocalSession(ort, session);
    } catch (cause) {
      const where = typeof creation.model === 'string' ? `${creation.model}: ` : '';
      throw new RuntimeError(`${where}the runtime refused the model on "${device}": ${firstLine(cause)}`, {
        cause,
      });
    }
  }

  /** Computes outputs (all by default). @throws RuntimeError when shapes or types do not fit. */
  async run(
    feeds: Readonly<Record<string, Tensor>>,
    outputs: Outputs = this.session.outputNames,
  ): Promise<Record<string, Tensor>> {
    try {
      const fetches = isNames(outputs) ? outputs : this.tensors(outputs, this.outputs);
      const results = await this.session.run(this.tensors(feeds, this.inputs), fetches);
      return Object.fromEntries(
        Object.entries(results).map(([name, t]) => [name, { data: t.data as Tensor['data'], dims: t.dims }]),
      );
    } catch (cause) {
      throw new RuntimeError(`the network failed: ${firstLine(cause)}`, { cause });
    }
  }

  /** The runtime's view of tensors, which share their memory. */
  private tensors(
    given: Readonly<Record<string, Tensor>>,
    ports: readonly Port[],
  ): Record<string, OrtTensor> {
    const types = new Map(ports.map(({ name, type }) => [name, type]));
    return Object.fromEntries(
      Object.entries(given).map(([name, { data, dims }]) => {
        const type = (types.get(name) ?? 'float32') as 'float32';
        return [name, new this.ort.Tensor(type, data as Float32Array, dims)];
      }),
    );
  }

  /** Frees the native memory. */
  async release(): Promise<void> {
    await this.session.release();
  }
}

function port(m: InferenceSession.ValueMetadata): Port {
  return m.isTensor
    ? { name: m.name, type: m.type, shape: m.shape }
    : { name: m.name, type: 'other', shape: [] };
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0]!;
}
