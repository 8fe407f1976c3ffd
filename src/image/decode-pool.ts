/**
 * @file Images to tensors on several threads: each worker reads, decodes, turns and transforms one image at a time,
 * and hands the tensor over without copying. One bad image rejects its own promise; a worker that dies or hangs is
 * replaced, and only the image it held fails.
 *
 * libvips runs on libuv's thread pool, of which a process has one, with 4 threads unless `UV_THREADPOOL_SIZE` says
 * otherwise when the process starts: with more workers than that, decoding does not get faster.
 */

import { Worker } from 'node:worker_threads';
import { ImageError } from '../errors.js';
import { type Prepared, prepareImage } from './prepare.js';
import { readSource, sourceName } from './source.js';
import type { TransformSpec } from './transform.js';
import type { DecodeOptions, ImageInput, RawImage, ReadOptions } from './types.js';

/** Options of a {@link DecodePool}. */
export interface DecodePoolOptions {
  /** What is done to every image. */
  spec: TransformSpec;
  /**
   * Number of threads; 0 does the work on the caller's own thread, which starts sooner and suits a single image.
   * @default 1
   */
  workers?: number;
  decode?: Omit<DecodeOptions, 'source'>;
  read?: ReadOptions;
  /**
   * Milliseconds that reading, decoding and transforming one image may take before its worker is replaced. Only for
   * workers.
   * @default no limit
   */
  itemTimeoutMs?: number;
  /** Rejects what waits and what runs when it aborts. */
  signal?: AbortSignal;
}

/** What a worker is asked to do: `input` is a path or URL for it to read, or bytes or pixels already read. */
export interface Job {
  id: number;
  input: string | Uint8Array | RawImage;
  source: string;
}

/** What a worker answers. */
export type Answer =
  | { id: number; prepared: Prepared }
  | {
      id: number;
      failure: { stage: ImageError['stage']; source: string; reason: string; hint?: string | undefined };
    };

/** What a worker is started with. */
export interface WorkerSetup {
  spec: TransformSpec;
  decode: Omit<DecodeOptions, 'source'>;
  read: Omit<ReadOptions, 'signal'>;
}

interface Task {
  job: Job;
  resolve(prepared: Prepared): void;
  reject(error: unknown): void;
}

interface Slot {
  worker: Worker;
  task: Task | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** Prepares images on worker threads. Close it when done, or the process stays alive. */
export class DecodePool {
  private readonly size: number;
  private readonly setup: WorkerSetup;
  private readonly slots = new Set<Slot>();
  private readonly waiting: Task[] = [];
  private nextId = 0;
  private closed = false;

  constructor(private readonly options: DecodePoolOptions) {
    this.size = options.workers ?? 1;
    const { signal: _, ...read } = options.read ?? {};
    this.setup = { spec: options.spec, decode: options.decode ?? {}, read };
    options.signal?.addEventListener('abort', this.abort, { once: true });
  }

  /**
   * Reads, decodes and transforms one image. Calls beyond the number of workers wait in line.
   *
   * Paths, URLs and data URIs are read by the worker; streams and Blobs here. Bytes are copied to the worker, so the
   * caller's stay usable.
   *
   * @param signal takes the image out of the line when it aborts; one that a worker holds is finished for nothing
   * @returns the tensor, float32 `[3, height, width]` of the transform, with the upright picture's own size and format.
   * @throws ImageError of stage `read`, `decode` or `transform`; or the reason of a signal.
   */
  async process(input: ImageInput, signal?: AbortSignal): Promise<Prepared> {
    const source = sourceName(input);
    this.checkOpen(source, signal);
    if (this.size === 0) {
      const content = await readSource(input, this.options.read);
      this.checkOpen(source, signal);
      return prepareImage(content, source, this.setup);
    }
    const named = typeof input === 'string' || input instanceof URL;
    const content = named ? String(input) : portable(await readSource(input, this.options.read));
    this.checkOpen(source, signal); // it may have been closed while the stream was read
    return new Promise<Prepared>((resolve, reject) => {
      const task: Task = { job: { id: this.nextId++, input: content, source }, resolve, reject };
      const leave = () => {
        const place = this.waiting.indexOf(task);
        if (place >= 0) this.waiting.splice(place, 1);
        reject(signal?.reason);
      };
      task.resolve = (prepared) => {
        signal?.removeEventListener('abort', leave);
        resolve(prepared);
      };
      task.reject = (error) => {
        signal?.removeEventListener('abort', leave);
        reject(error);
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.waiting.push(task);
      this.dispatch();
    });
  }

  private checkOpen(source: string, signal: AbortSignal | undefined): void {
    this.options.signal?.throwIfAborted();
    signal?.throwIfAborted();
    if (this.closed) throw new ImageError('read', source, 'the pool of decoders is closed');
  }

  /** Stops the workers. Images that were not finished are rejected. */
  async close(): Promise<void> {
    this.closed = true;
    this.options.signal?.removeEventListener('abort', this.abort);
    await this.stop((task) => new ImageError('read', task.job.source, 'the pool of decoders was closed'));
  }

  private readonly abort = (): void => {
    void this.stop(() => this.options.signal?.reason);
  };

  private async stop(reason: (task: Task) => unknown): Promise<void> {
    for (const task of this.waiting.splice(0)) task.reject(reason(task));
    const slots = [...this.slots];
    this.slots.clear();
    await Promise.all(
      slots.map(async (slot) => {
        clearTimeout(slot.timer);
        slot.task?.reject(reason(slot.task));
        slot.task = undefined;
        await slot.worker.terminate();
      }),
    );
  }

  /** Gives waiting images to idle workers, starting new ones up to the number allowed. */
  private dispatch(): void {
    while (this.waiting.length > 0) {
      let slot = [...this.slots].find(({ task }) => task === undefined);
      if (slot === undefined) {
        if (this.slots.size >= this.size) return;
        slot = this.start();
      }
      this.assign(slot, this.waiting.shift()!);
    }
  }

  private assign(slot: Slot, task: Task): void {
    slot.task = task;
    slot.worker.ref();
    const limit = this.options.itemTimeoutMs;
    if (limit !== undefined) {
      slot.timer = setTimeout(() => {
        this.discard(slot, `it was not decoded within ${limit} ms`);
        void slot.worker.terminate();
      }, limit);
    }
    slot.worker.postMessage(task.job);
  }

  private start(): Slot {
    const worker = new Worker(new URL('./decode-worker.js', import.meta.url), {
      workerData: this.setup,
      execArgv: [], // the parent's flags (--input-type, --eval) are not for a worker
      // Frequent small collections free the pixels of pictures that are through; with V8's default of tens of
      // megabytes the process grew by a tenth and more over thousands of pictures, and was no faster.
      resourceLimits: { maxYoungGenerationSizeMb: 1 },
    });
    const slot: Slot = { worker, task: undefined, timer: undefined };
    this.slots.add(slot);
    worker.on('message', (answer: Answer) => {
      const { task } = slot;
      if (task === undefined || task.job.id !== answer.id) return;
      clearTimeout(slot.timer);
      slot.task = undefined;
      worker.unref(); // an idle pool does not keep the process alive
      if ('prepared' in answer) task.resolve(answer.prepared);
      else {
        const { stage, source, reason, hint } = answer.failure;
        task.reject(new ImageError(stage, source, reason, { hint }));
      }
      this.dispatch();
    });
    worker.on('error', (error) => this.discard(slot, `the decoding thread crashed: ${error.message}`));
    worker.on('exit', (code) => this.discard(slot, `the decoding thread ended with code ${code}`));
    return slot;
  }

  /** Forgets a worker that is gone; its image fails and the next one starts a new worker. */
  private discard(slot: Slot, reason: string): void {
    if (!this.slots.delete(slot)) return;
    clearTimeout(slot.timer);
    slot.task?.reject(new ImageError('decode', slot.task.job.source, reason));
    slot.task = undefined;
    this.dispatch();
  }
}

/**
 * The same content in buffers that hold nothing else: a message takes along the whole buffer under a view, and cannot
 * carry what else a caller may have put on the object.
 */
function portable(content: Uint8Array | RawImage): Uint8Array | RawImage {
  if (content instanceof Uint8Array) return ownBytes(content);
  const { data, width, height, channels } = content;
  return { data: ownBytes(data), width, height, ...(channels === undefined ? {} : { channels }) };
}

function ownBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength === 0) return new Uint8Array(0); // its buffer may have been moved away
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
