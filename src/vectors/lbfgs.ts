/**
 * @file Minimisation by L-BFGS (Liu & Nocedal, 1989; Nocedal & Wright, Numerical Optimization, algorithm 7.5) in
 * float64.
 *
 * The line search keeps the strong Wolfe conditions (Nocedal & Wright, algorithms 3.5 and 3.6). Near a minimum a value
 * computed in float32 no longer falls visibly, while its gradient still points the way: there a step is taken by its
 * slope alone (the approximate Wolfe conditions of Hager & Zhang, 2005).
 */
import { UsageError } from '../errors.js';

/** Writes the gradient at `x` into `gradient` and gives the value. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number | Promise<number>;

export interface LbfgsOptions {
  /** Steps that are remembered. @default 10 */
  memory?: number | undefined;
  /** @default 1000 */
  maxIterations?: number | undefined;
  /** Enough when no component of the gradient is larger than this. @default 1e-5 */
  gradientTolerance?: number | undefined;
  /** The share of the value that is rounding error: 1e-7 where it was computed in float32. @default 1e-13 */
  noise?: number | undefined;
}

export interface Minimum {
  x: Float64Array;
  value: number;
  iterations: number;
  /** Calls of the objective. */
  evaluations: number;
  /** False when the iterations ran out or no step along the last direction went down. */
  converged: boolean;
}

/** A place along the line of a search. */
interface Point {
  step: number;
  x: Float64Array;
  gradient: Float64Array;
  value: number;
  slope: number;
}

/** Wolfe's conditions: the share of the foreseen decrease that is enough, the share of the slope that may be left. */
const DECREASE = 1e-4;
const CURVATURE = 0.9;
const LONGEST_SEARCH = 30;
/** Steps that lower neither the value nor the largest component of the gradient, after which rounding is all there is. */
const PATIENCE = 40;

/**
 * The minimum that descent from `start` leads to; the minimum, where the function is convex.
 * @throws UsageError when the value at the start is not finite.
 */
export async function lbfgs(
  objective: Objective,
  start: ArrayLike<number>,
  options: LbfgsOptions = {},
): Promise<Minimum> {
  const { memory = 10, maxIterations = 1000, gradientTolerance = 1e-5, noise = 1e-13 } = options;
  let evaluations = 0;
  const at = async (x: Float64Array, step: number, direction?: Float64Array): Promise<Point> => {
    const gradient = new Float64Array(x.length);
    const value = await objective(x, gradient);
    evaluations++;
    return { step, x, gradient, value, slope: direction ? dot(gradient, direction) : 0 };
  };
  let now = await at(Float64Array.from(start), 0);
  if (!Number.isFinite(now.value))
    throw new UsageError(`minimisation: expected a finite value at the start but received ${now.value}`);
  let pairs: Pair[] = [];
  let best = { value: now.value, slope: largest(now.gradient), iteration: 0 };
  let converged = best.slope <= gradientTolerance;
  let iterations = 0;
  while (!converged && iterations < maxIterations) {
    let direction = descent(now.gradient, pairs);
    let slope = dot(now.gradient, direction);
    if (!(slope < 0)) {
      pairs = [];
      direction = now.gradient.map((g) => -g);
      slope = -dot(now.gradient, now.gradient);
    }
    const from = { ...now, step: 0, slope };
    const first = pairs.length > 0 ? 1 : Math.min(1, 1 / Math.sqrt(-slope));
    const next = await search(
      from,
      first,
      (step) => at(along(from.x, direction, step), step, direction),
      Math.abs(from.value) * noise,
    );
    if (!next) {
      if (pairs.length === 0) break;
      pairs = []; // what is remembered may mislead: once more, straight down
      continue;
    }
    iterations++;
    const pair = pairOf(from, next);
    if (pair) pairs = [...pairs, pair].slice(-memory);
    now = next;
    const steepest = largest(now.gradient);
    const better = now.value < best.value - Math.abs(best.value) * noise || steepest < 0.9 * best.slope;
    if (better)
      best = {
        value: Math.min(now.value, best.value),
        slope: Math.min(steepest, best.slope),
        iteration: iterations,
      };
    converged = steepest <= gradientTolerance || iterations - best.iteration >= PATIENCE;
  }
  return { x: now.x, value: now.value, iterations, evaluations, converged };
}

/** A step taken and the change of the gradient over it. */
interface Pair {
  s: Float64Array;
  y: Float64Array;
  sy: number;
}

/** Undefined where the curvature along the step is not positive, which rounding can do. */
function pairOf(from: Point, to: Point): Pair | undefined {
  const s = to.x.map((x, i) => x - from.x[i]!);
  const y = to.gradient.map((g, i) => g - from.gradient[i]!);
  const sy = dot(s, y);
  return sy > 1e-12 * dot(y, y) ** 0.5 * dot(s, s) ** 0.5 ? { s, y, sy } : undefined;
}

/** Minus the gradient times the approximate inverse Hessian (the two-loop recursion). */
function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((g) => -g);
  const alphas = new Float64Array(pairs.length);
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { s, y, sy } = pairs[i]!;
    alphas[i] = dot(s, direction) / sy;
    addTo(direction, y, -alphas[i]!);
  }
  const last = pairs.at(-1);
  if (last) {
    const scale = last.sy / dot(last.y, last.y);
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  }
  pairs.forEach(({ s, y, sy }, i) => {
    addTo(direction, s, alphas[i]! - dot(y, direction) / sy);
  });
  return direction;
}

/** A point of the line that is low and flat enough; the lowest seen when none is; undefined when none is lower. */
async function search(
  start: Point,
  first: number,
  at: (step: number) => Promise<Point>,
  noise: number,
): Promise<Point | undefined> {
  const done = (p: Point) =>
    (p.value <= start.value + DECREASE * p.step * start.slope &&
      Math.abs(p.slope) <= CURVATURE * -start.slope) ||
    (p.value <= start.value + noise &&
      p.slope >= CURVATURE * start.slope &&
      p.slope <= (2 * DECREASE - 1) * start.slope);
  let low = start;
  let high: Point | undefined;
  let step = first;
  for (let i = 0; i < LONGEST_SEARCH; i++) {
    const point = await at(step);
    if (done(point)) return point;
    const bound = Math.min(start.value + DECREASE * step * start.slope, low.value);
    if (!(point.value <= bound + noise)) high = point;
    else {
      if (high ? point.slope * (high.step - low.step) >= 0 : point.slope >= 0) high = low;
      low = point;
    }
    if (high && Math.abs(high.step - low.step) <= 1e-12 * Math.max(high.step, low.step)) break;
    step = high ? between(low, high, noise) : step * 4;
  }
  return low !== start && low.value <= start.value + noise && Math.abs(low.slope) < -start.slope
    ? low
    : undefined;
}

/** The minimum of the cubic through both values and slopes, kept off the ends; of slopes alone where values are noise. */
function between(a: Point, b: Point, noise: number): number {
  const width = b.step - a.step;
  const middle = a.step + width / 2;
  if (!Number.isFinite(b.value) || !Number.isFinite(b.slope)) return a.step + width / 10;
  let share = a.slope / (a.slope - b.slope);
  if (Math.abs(a.value - b.value) > noise) {
    const d1 = a.slope + b.slope + (3 * (a.value - b.value)) / width;
    const d2 = Math.sign(width) * Math.sqrt(d1 * d1 - a.slope * b.slope);
    share = 1 - (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
  }
  return share >= 0.05 && share <= 0.95 ? a.step + share * width : middle;
}

function along(x: Float64Array, direction: Float64Array, step: number): Float64Array {
  return x.map((value, i) => value + step * direction[i]!);
}

function addTo(target: Float64Array, values: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i]! += factor * values[i]!;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function largest(values: Float64Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) if (!(Math.abs(values[i]!) <= most)) most = Math.abs(values[i]!);
  return most;
}
