/**
 * @file One compiled training step: forward, loss and all gradients are one graph in one session, the update is the
 * optimiser's.
 *
 * Learned tensors are inputs of the session and their gradients its outputs, and both lie in the optimiser's block of
 * memory, which the session is given to read from and to write to. What is frozen is bound to its file as in an inference session. The
 * step runs on the calling thread, which it blocks: training belongs into a worker.
 */
import { UsageError } from '../errors.js';
import {
  type BatchStatistics,
  type Bind,
  type Graph,
  gradients,
  openSession,
  type Parameter,
  type Session,
  type Tensor,
  type Value,
} from '../graph/index.js';
import { clipFactor, Optimizer, type OptimizerOptions } from './optim/optimizer.js';
import { applyStatistics } from './running-statistics.js';
import {
  isTurned,
  type Place,
  pairUp,
  readParameters,
  room,
  sizeOf,
  turnedBack,
  turnedShape,
  turnInto,
} from './step-memory.js';

/** What a step computes. The graph is completed (gradients, outputs) when it is compiled: make one for each step. */
export interface StepProgram {
  /** Every input is fed in every run; shapes are without symbols. */
  graph: Graph;
  /** One number, to be made smaller. */
  loss: Value;
  /** The parameters of the graph that are learned. */
  trainable: readonly Parameter[];
  /** What batch normalisations measured, in the order in which they ran. */
  statistics: readonly BatchStatistics[];
  /** What to report beside the loss, by name. */
  metrics?: Readonly<Record<string, Value>>;
}

/** How a step is done. */
export interface StepOptions {
  /** The starting numbers of all parameters. */
  bind: Bind;
  optimizer: OptimizerOptions;
  /** A learned tensor's own settings, by its name (PyTorch's parameter groups). @default none */
  groups?: (name: string) => { lrFactor?: number; weightDecay?: number };
  /** The largest Euclidean norm of all gradients together, as `torch.nn.utils.clip_grad_norm_`. @default none */
  clipGradNorm?: number;
  /** The most micro-batches in a step; more than 1 takes memory for one more set of gradients. @default 1 */
  accumulate?: number;
  /** @default the cores of this machine */
  threads?: number;
}

/** What a step found. */
export interface StepResult {
  /** Mean over the micro-batches, before the update. */
  loss: number;
  /** Euclidean norm of all gradients together, before clipping. */
  gradNorm: number;
  /** The last micro-batch's. */
  metrics: Record<string, Tensor>;
}

/** All that a step depends on and changes; what a checkpoint keeps. */
export interface TrainState {
  /** Updates done. */
  stepCount: number;
  /** Learned tensors and running statistics by name. */
  tensors: Map<string, Float32Array>;
  /** What the optimiser remembers, by `<tensor>.<slot>`. */
  slots: Map<string, Float32Array>;
}

/** A training step, ready to run. Release it when done: its memory is native. */
export class TrainStep {
  private readonly parameters: Readonly<Record<string, Tensor>>;
  /** Where a run writes: into the gradients, or beside them for what is added afterwards. */
  private readonly first: Record<string, Tensor>;
  private readonly next: Record<string, Tensor>;

  private constructor(
    private readonly session: Session,
    private readonly optimizer: Optimizer,
    private readonly program: StepProgram,
    private readonly options: StepOptions,
    private readonly running: Map<string, Float32Array>,
  ) {
    const { graph, trainable } = program;
    const tensors = (key: (name: string) => string, view: (name: string) => Float32Array) =>
      Object.fromEntries(
        trainable.map((p) => [key(p.name), { data: view(p.name), dims: turnedShape(p.shape) }]),
      );
    this.parameters = tensors(
      (name) => name,
      (name) => optimizer.parameter(name),
    );
    const others = Object.fromEntries(
      [...graph.outputs].filter(([name]) => !name.startsWith(GRADIENT)).map(([name, v]) => [name, room(v)]),
    );
    const key = (name: string) => GRADIENT + name;
    this.first = { ...others, ...tensors(key, (name) => optimizer.gradient(name)) };
    this.next = { ...others, ...tensors(key, (name) => optimizer.incomingGradient(name)) };
  }

  /**
   * Appends the gradients to the program's graph and opens a session over it.
   * @throws GraphError when the loss cannot be differentiated, RuntimeError when the runtime refuses or memory is
   *   short, UsageError for options out of range.
   */
  static async compile(program: StepProgram, options: StepOptions): Promise<TrainStep> {
    const { graph, loss, trainable, statistics, metrics = {} } = program;
    const { accumulate = 1, clipGradNorm, groups = () => ({}) } = options;
    if (trainable.length === 0) throw new UsageError('expected at least one tensor to train');
    if (!Number.isInteger(accumulate) || accumulate < 1)
      throw new UsageError(`accumulate: expected a whole number of at least 1 but received ${accumulate}`);
    if (clipGradNorm !== undefined && !(clipGradNorm > 0))
      throw new UsageError(`clipGradNorm: expected a number above 0 but received ${clipGradNorm}`);

    const optimizer = new Optimizer(
      trainable.map(({ name, shape }) => ({ name, length: sizeOf(shape), ...groups(name) })),
      options.optimizer,
      { accumulate: accumulate > 1 },
    );
    graph.output('loss', loss);
    gradients(loss, trainable).forEach((gradient, i) => {
      graph.output(GRADIENT + trainable[i]!.name, gradient);
    });
    statistics.forEach(({ mean, variance }, i) => {
      graph.output(MEAN + i, mean);
      graph.output(VARIANCE + i, variance);
    });
    for (const [name, value] of Object.entries(metrics)) graph.output(METRIC + name, value);

    const averaged = new Set(statistics.flatMap((s) => [s.runningMean, s.runningVariance]));
    const running = new Map(
      [...averaged].map((name) => [name, new Float32Array(sizeOf(graph.parameters.get(name)!.shape))]),
    );
    await readParameters(graph, options.bind, running, false);
    const learned = new Map(trainable.map(({ name }) => [name, optimizer.parameter(name)]));
    await readParameters(graph, options.bind, learned, true);
    const turned = trainable.filter((p) => isTurned(p.shape));
    const session = await openSession(graph, options.bind, {
      inline: true,
      threads: options.threads,
      planMemory: false,
      spin: SPIN_MICROSECONDS,
      fed: trainable,
      channelsLast: new Set(turned.flatMap(({ name }) => [name, GRADIENT + name])),
    });
    return new TrainStep(session, optimizer, program, options, running);
  }

  /**
   * One step: the gradients of all micro-batches, averaged, then one update.
   *
   * When the loss or a gradient is not finite it is reported and nothing is changed.
   * @param feeds what the graph's inputs receive: one batch, or the micro-batches whose mean is the batch's loss.
   * @param lr the learning rate of this step.
   * @throws UsageError for more micro-batches than were announced, RuntimeError when the feeds do not fit.
   */
  async run(
    feeds: Readonly<Record<string, Tensor>> | readonly Readonly<Record<string, Tensor>>[],
    lr: number,
  ): Promise<StepResult> {
    const { optimizer, program, options } = this;
    const parts = Array.isArray(feeds) ? feeds : [feeds];
    const { accumulate = 1, clipGradNorm } = options;
    if (parts.length < 1 || parts.length > accumulate)
      throw new UsageError(`expected 1 to ${accumulate} micro-batches but received ${parts.length}`, {
        hint: 'accumulate says how many there are at most',
      });
    let loss = 0;
    let running = this.running;
    for (const [i, part] of parts.entries()) {
      const results = i === 0 ? this.first : this.next;
      await this.session.run({ ...part, ...this.parameters }, results);
      if (i > 0) optimizer.accumulate();
      loss += (results.loss!.data as Float32Array)[0]! / parts.length;
      const measured = (name: string) => results[name]!.data as Float32Array;
      running = applyStatistics(running, program.statistics, (j) => ({
        mean: measured(MEAN + j),
        variance: measured(VARIANCE + j),
      }));
    }
    const gradNorm = optimizer.gradNorm() / parts.length;
    if (Number.isFinite(loss) && Number.isFinite(gradNorm)) {
      const clip = clipGradNorm === undefined ? 1 : clipFactor(gradNorm, clipGradNorm);
      optimizer.step(lr, { scale: clip / parts.length });
      for (const [name, numbers] of running) this.running.get(name)!.set(numbers);
    }
    const metrics = Object.keys(program.metrics ?? {}).map((name) => {
      const { data, dims } = this.first[METRIC + name]!;
      return [name, { data: data.slice(), dims }];
    });
    return { loss, gradNorm, metrics: Object.fromEntries(metrics) };
  }

  /** Every learned tensor and running statistic as they are now, in PyTorch's order. Some are views: copy what shall be kept. */
  tensors(): Map<string, Float32Array> {
    const { trainable } = this.program;
    return new Map([
      ...trainable.map(
        ({ name, shape }) => [name, turnedBack(this.optimizer.parameter(name), shape)] as const,
      ),
      ...this.running,
    ]);
  }

  /** What a checkpoint needs, as it is now. Some are views: write them before the next run, or copy them. */
  state(): TrainState {
    const slots = this.slots().map(({ key, data, shape }) => [key, turnedBack(data, shape)] as const);
    return { stepCount: this.optimizer.stepCount, tensors: this.tensors(), slots: new Map(slots) };
  }

  /** Goes on from a {@link state}. @throws UsageError when it is another network's or another optimiser's. */
  restore(state: TrainState): void {
    const tensors = [
      ...this.program.trainable.map(({ name, shape }) => {
        return { key: name, data: this.optimizer.parameter(name), shape };
      }),
      ...[...this.running].map(([key, data]) => ({ key, data, shape: [data.length] })),
    ];
    const pairs = [...pairUp('tensor', tensors, state.tensors), ...pairUp('slot', this.slots(), state.slots)];
    for (const { to, saved } of pairs) turnInto(to.data, saved, to.shape);
    this.optimizer.stepCount = state.stepCount;
  }

  /** What the optimiser remembers of each tensor, as it lies. */
  private slots(): Place[] {
    const shapes = new Map(this.program.trainable.map(({ name, shape }) => [name, shape]));
    return [...this.optimizer.slots()].map(([key, data]) => {
      return { key, data, shape: shapes.get(key.slice(0, key.lastIndexOf('.')))! };
    });
  }

  /** Frees the native memory. */
  async release(): Promise<void> {
    await this.session.release();
  }
}

/**
 * How long a thread without work waits awake for the next operator. Waking it takes as long as many of a small network's
 * operators themselves (reference autoencoder: 13.6 ms a step without, 11.5 ms with); longer gaps are left to others.
 */
const SPIN_MICROSECONDS = 200;

/** Before the names of outputs. */
const GRADIENT = 'gradient:';
const MEAN = 'mean:';
const VARIANCE = 'variance:';
const METRIC = 'metric:';
