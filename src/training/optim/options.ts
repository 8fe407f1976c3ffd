/**
 * @file The optimisers' options, with the names, defaults and limits of `torch.optim`.
 */
import { UsageError } from '../../errors.js';

interface Common {
  /** Learning rate. @default 0.001 */
  lr?: number | undefined;
}

/** `torch.optim.SGD`: stochastic gradient descent, with (Nesterov) momentum (Sutskever et al., 2013). */
export interface SgdOptions extends Common {
  name: 'sgd';
  /** @default 0 */
  momentum?: number | undefined;
  /** How much of a new gradient is kept out of the momentum. @default 0 */
  dampening?: number | undefined;
  /** Look ahead by one step of momentum; needs momentum, and no dampening. @default false */
  nesterov?: boolean | undefined;
  /** Times the weight, added to the gradient. @default 0 */
  weightDecay?: number | undefined;
}

/** `torch.optim.Adam` (Kingma & Ba, 2015). */
export interface AdamOptions extends Common {
  name: 'adam';
  /** Decay of the gradient's mean and of its square's. @default [0.9, 0.999] */
  betas?: readonly [number, number] | undefined;
  /** Added to the denominator. @default 1e-8 */
  eps?: number | undefined;
  /** Times the weight, added to the gradient. @default 0 */
  weightDecay?: number | undefined;
}

/** `torch.optim.AdamW`: Adam with weight decay apart from the gradient (Loshchilov & Hutter, 2019). */
export interface AdamWOptions extends Common {
  name: 'adamw';
  /** Decay of the gradient's mean and of its square's. @default [0.9, 0.999] */
  betas?: readonly [number, number] | undefined;
  /** Added to the denominator. @default 1e-8 */
  eps?: number | undefined;
  /** Part of the weight that a step with learning rate 1 takes away. @default 0.01 */
  weightDecay?: number | undefined;
}

/** Which optimiser, and its numbers. */
export type OptimizerOptions = SgdOptions | AdamOptions | AdamWOptions;

/** SGD with every number said. */
export type Sgd = Required<{ [K in keyof SgdOptions]: NonNullable<SgdOptions[K]> }>;
/** Adam or AdamW with every number said. */
export type Adam = Required<{
  [K in keyof AdamOptions]: K extends 'name' ? 'adam' | 'adamw' : NonNullable<AdamOptions[K]>;
}>;

/** The learning rate that `options` mean, factors of a schedule apart. */
export function learningRate(options: OptimizerOptions): number {
  return options.lr ?? 1e-3;
}

/**
 * Fills in PyTorch's defaults and refuses what PyTorch refuses.
 * @throws UsageError for an unknown optimiser or a number out of its range.
 */
export function completeOptions(options: OptimizerOptions): Sgd | Adam {
  const lr = learningRate(options);
  atLeastZero('lr', lr);
  switch (options.name) {
    case 'sgd': {
      const { momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = options;
      atLeastZero('momentum', momentum);
      atLeastZero('weightDecay', weightDecay);
      if (!Number.isFinite(dampening)) throw outOfRange('dampening', 'a number', dampening);
      if (nesterov && (momentum === 0 || dampening !== 0))
        throw new UsageError(
          `nesterov: expected a momentum above 0 and no dampening but received momentum ${momentum} and dampening ${dampening}`,
        );
      return { name: 'sgd', lr, momentum, dampening, nesterov, weightDecay };
    }
    case 'adam':
    case 'adamw': {
      const {
        name,
        betas = [0.9, 0.999],
        eps = 1e-8,
        weightDecay = options.name === 'adamw' ? 0.01 : 0,
      } = options;
      if (betas.length !== 2 || !betas.every((beta) => beta >= 0 && beta < 1))
        throw outOfRange('betas', 'two numbers from 0 to below 1', betas.join(', '));
      atLeastZero('eps', eps);
      atLeastZero('weightDecay', weightDecay);
      return { name, lr, betas: [betas[0], betas[1]], eps, weightDecay };
    }
    default: {
      const { name } = options satisfies never as { name: unknown };
      throw outOfRange('optimizer', 'sgd, adam or adamw', String(name));
    }
  }
}

function atLeastZero(name: string, value: number): void {
  if (!(value >= 0 && value < Infinity)) throw outOfRange(name, 'a number of at least 0', value);
}

function outOfRange(name: string, expected: string, received: number | string): UsageError {
  return new UsageError(`${name}: expected ${expected} but received ${received}`);
}
