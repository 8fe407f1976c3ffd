/**
 * @file SGD, Adam and AdamW over all learned tensors of a network, equal to PyTorch's step for step.
 *
 * Parameters, gradients and slots lie in one {@link Arena}; a step is one pass over them. Scaling and clipping of the
 * gradients are numbers given to that pass rather than passes of their own.
 */
import { UsageError } from '../../errors.js';
import { Arena, type Place } from './arena.js';
import { type Adam, completeOptions, type OptimizerOptions, type Sgd } from './options.js';

export { learningRate, type OptimizerOptions } from './options.js';

/** A tensor to be trained, and where it differs from the rest (PyTorch's parameter groups). */
export interface TrainedTensor {
  name: string;
  /** Numbers in it. */
  length: number;
  /** On the learning rate. @default 1 */
  lrFactor?: number | undefined;
  /** Instead of the optimiser's own: 0 for biases and the scales of norms, by custom. */
  weightDecay?: number | undefined;
}

/** What happens to gradients on their way into a step, in this order. */
export interface StepLimits {
  /** On every gradient: 1 / micro-batches for a mean, {@link clipFactor} for a largest norm. @default 1 */
  scale?: number | undefined;
  /** The largest absolute value of a gradient (`torch.nn.utils.clip_grad_value_`). @default none */
  clipValue?: number | undefined;
}

/** The slots that PyTorch's `state_dict` has, by optimiser. */
const SLOTS = { sgd: ['momentum_buffer'], adam: ['exp_avg', 'exp_avg_sq'], adamw: ['exp_avg', 'exp_avg_sq'] };
const PARAMETERS = 0;
const GRADIENTS = 1;
const FIRST_SLOT = 2;

/** One optimiser and all that it updates. */
export class Optimizer {
  /** Steps done. A resumed run sets it, after {@link slots}. */
  stepCount = 0;
  private readonly settings: Sgd | Adam;
  private readonly arena: Arena;
  private readonly slotNames: readonly string[];
  /** Where gradients are put: their own region, or one whose content is added to it. */
  private readonly incoming: number;
  private readonly groups: readonly { place: Place; lrFactor: number; weightDecay: number }[];

  /**
   * @param options accumulate: room for the gradients of one micro-batch beside their sum; see {@link accumulate}.
   * @throws UsageError for options out of range and for more than 4 GiB of numbers.
   */
  constructor(
    tensors: readonly TrainedTensor[],
    optimizer: OptimizerOptions,
    options: { accumulate?: boolean | undefined } = {},
  ) {
    const settings = completeOptions(optimizer);
    this.settings = settings;
    this.slotNames = settings.name === 'sgd' && settings.momentum === 0 ? [] : SLOTS[settings.name];
    this.incoming = options.accumulate ? FIRST_SLOT + this.slotNames.length : GRADIENTS;
    this.arena = new Arena(tensors, FIRST_SLOT + this.slotNames.length + (options.accumulate ? 1 : 0));
    this.groups = tensors.map(({ name, lrFactor = 1, weightDecay = settings.weightDecay }) => {
      for (const [what, value] of Object.entries({ lrFactor, weightDecay })) {
        if (!(value >= 0 && value < Infinity))
          throw new UsageError(`tensor "${name}": expected a ${what} of at least 0 but received ${value}`);
      }
      return { place: this.arena.place(name), lrFactor, weightDecay };
    });
  }

  /** A tensor's numbers: a view, always as they are now. Set the starting ones through it. */
  parameter(name: string): Float32Array<ArrayBuffer> {
    return this.arena.view(PARAMETERS, name);
  }

  /** The gradient that the next step takes: a view. */
  gradient(name: string): Float32Array<ArrayBuffer> {
    return this.arena.view(GRADIENTS, name);
  }

  /** Where a micro-batch's gradient is written before {@link accumulate} adds it to {@link gradient}; without accumulation the same view. */
  incomingGradient(name: string): Float32Array<ArrayBuffer> {
    return this.arena.view(this.incoming, name);
  }

  /** Adds what is in {@link incomingGradient} to the gradients. */
  accumulate(): void {
    if (this.incoming === GRADIENTS)
      throw new UsageError('accumulate: expected an optimizer that was made with { accumulate: true }');
    const { kernels } = this.arena;
    for (const { place } of this.groups)
      kernels.add(
        place.blocks,
        this.arena.address(GRADIENTS, place),
        this.arena.address(this.incoming, place),
      );
  }

  /** Sets the gradients to zero, for accumulation to begin. */
  zeroGrad(): void {
    this.arena.clear(GRADIENTS);
  }

  /** Multiplies the gradients; a step with `scale` does the same without the pass. */
  scaleGradients(factor: number): void {
    for (const { place } of this.groups)
      this.arena.kernels.scale(place.blocks, this.arena.address(GRADIENTS, place), factor);
  }

  /**
   * The Euclidean norm of all gradients together, summed in float64. Not finite exactly when a gradient is not.
   */
  gradNorm(): number {
    let sum = 0;
    for (const { place } of this.groups)
      sum += this.arena.kernels.squares(place.blocks, this.arena.address(GRADIENTS, place));
    return Math.sqrt(sum);
  }

  /**
   * Updates every parameter and slot from the gradients.
   * @param lr the learning rate of this step, before the tensors' own factors.
   */
  step(lr: number, { scale = 1, clipValue = Infinity }: StepLimits = {}): void {
    const { arena, settings } = this;
    const { kernels } = arena;
    const isFirst = this.stepCount === 0;
    this.stepCount++;
    for (const { place, lrFactor, weightDecay } of this.groups) {
      const rate = lr * lrFactor;
      const at = [0, 1, 2, 3].map((region) => arena.address(region, place)) as [
        number,
        number,
        number,
        number,
      ];
      const [w, g, m, v] = at;
      if (settings.name !== 'sgd') {
        const [beta1, beta2] = settings.betas;
        const isDecoupled = settings.name === 'adamw';
        kernels.adam(
          place.blocks,
          w,
          g,
          m,
          v,
          scale,
          clipValue,
          isDecoupled ? 0 : weightDecay,
          isDecoupled ? 1 - rate * weightDecay : 1,
          1 - beta1,
          beta2,
          1 - beta2,
          1 / Math.sqrt(1 - beta2 ** this.stepCount),
          settings.eps,
          rate / (1 - beta1 ** this.stepCount),
        );
      } else if (settings.momentum === 0) {
        kernels.sgd(place.blocks, w, g, scale, clipValue, weightDecay, rate);
      } else {
        const { momentum, dampening, nesterov } = settings;
        const fresh = isFirst ? 1 : 1 - dampening; // PyTorch's buffer starts as the first gradient, whole
        const [direct, along] = nesterov ? [1, momentum] : [0, 1];
        kernels.momentum(
          place.blocks,
          w,
          g,
          m,
          scale,
          clipValue,
          weightDecay,
          momentum,
          fresh,
          direct,
          along,
          rate,
        );
      }
    }
  }

  /** What the optimiser remembers: views by `<tensor>.<slot>`, the slots named as in PyTorch's `state_dict`. */
  slots(): Map<string, Float32Array<ArrayBuffer>> {
    return new Map(
      this.slotNames.flatMap((slot, i) =>
        this.groups.map(({ place }) => [
          `${place.name}.${slot}`,
          this.arena.view(FIRST_SLOT + i, place.name),
        ]),
      ),
    );
  }
}

/**
 * The factor by which `torch.nn.utils.clip_grad_norm_` (norm_type 2) multiplies gradients of norm `norm`: below 1 only
 * where the norm is above `maxNorm`. NaN for a norm that is NaN.
 */
export function clipFactor(norm: number, maxNorm: number): number {
  return Math.min(1, maxNorm / (norm + 1e-6));
}
