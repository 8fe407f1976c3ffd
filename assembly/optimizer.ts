/**
 * @file The inner loops of training's optimisers, for WebAssembly with 128-bit SIMD (AssemblyScript).
 *
 * Each update reads a tensor's numbers, gradient and slots once and writes them once: the work is bound by memory, so
 * clipping and weight decay ride along. Operations and their order are those of PyTorch's `torch/optim` in float32
 * (`_single_tensor_adam`, `_single_tensor_sgd`). The memory is the caller's; every tensor starts at a multiple of 64
 * bytes and is padded with zeros to one, so `blocks` of 16 numbers have no remainder. Built by
 * `scripts/build-wasm.mjs` into `src/training/optim/wasm/optimizer.ts`, driven by `src/training/optim/arena.ts`.
 */

/**
 * The gradient as the update sees it: scaled, then cut to ±`limit`. `pmin` and `pmax` are one instruction each, and
 * with the operands in this order let NaN through.
 */
function limited(g: usize, scale: v128, limit: v128): v128 {
  const scaled = f32x4.mul(v128.load(g), scale);
  return f32x4.pmax(f32x4.pmin(scaled, limit), f32x4.neg(limit));
}

/**
 * Adam and AdamW. `decay` is added to the gradient times the weight (Adam), `keep` multiplies the weight (AdamW);
 * `first` = 1 − β₁, `second` = 1 − β₂, `correction` = 1 / √(1 − β₂ᵗ), `rate` = lr / (1 − β₁ᵗ).
 */
export function adam(
  blocks: i32,
  w: usize,
  g: usize,
  m: usize,
  v: usize,
  scale: f32,
  limit: f32,
  decay: f32,
  keep: f32,
  first: f32,
  beta2: f32,
  second: f32,
  correction: f32,
  epsilon: f32,
  rate: f32,
): void {
  const scales = f32x4.splat(scale);
  const limits = f32x4.splat(limit);
  const decays = f32x4.splat(decay);
  const keeps = f32x4.splat(keep);
  const firsts = f32x4.splat(first);
  const betas = f32x4.splat(beta2);
  const seconds = f32x4.splat(second);
  const corrections = f32x4.splat(correction);
  const epsilons = f32x4.splat(epsilon);
  const rates = f32x4.splat(rate);
  for (let vectors = blocks << 2; vectors > 0; vectors--) {
    let weight = f32x4.mul(v128.load(w), keeps);
    const gradient = f32x4.add(limited(g, scales, limits), f32x4.mul(decays, weight));
    let mean = v128.load(m);
    mean = f32x4.add(mean, f32x4.mul(firsts, f32x4.sub(gradient, mean)));
    const square = f32x4.mul(f32x4.mul(seconds, gradient), gradient);
    const variance = f32x4.add(f32x4.mul(v128.load(v), betas), square);
    const root = f32x4.add(f32x4.mul(f32x4.sqrt(variance), corrections), epsilons);
    weight = f32x4.sub(weight, f32x4.div(f32x4.mul(rates, mean), root));
    v128.store(w, weight);
    v128.store(m, mean);
    v128.store(v, variance);
    w += 16;
    g += 16;
    m += 16;
    v += 16;
  }
}

/** SGD without momentum: w −= rate · (g + decay · w). */
export function sgd(blocks: i32, w: usize, g: usize, scale: f32, limit: f32, decay: f32, rate: f32): void {
  const scales = f32x4.splat(scale);
  const limits = f32x4.splat(limit);
  const decays = f32x4.splat(decay);
  const rates = f32x4.splat(rate);
  for (let vectors = blocks << 2; vectors > 0; vectors--) {
    const weight = v128.load(w);
    const gradient = f32x4.add(limited(g, scales, limits), f32x4.mul(decays, weight));
    v128.store(w, f32x4.sub(weight, f32x4.mul(rates, gradient)));
    w += 16;
    g += 16;
  }
}

/**
 * SGD with momentum. The buffer becomes `momentum` · buffer + `fresh` · gradient (at the first step: 0 and 1); the
 * update is `direct` · gradient + `along` · buffer: 0 and 1, or with Nesterov's momentum 1 and `momentum`.
 */
export function momentum(
  blocks: i32,
  w: usize,
  g: usize,
  m: usize,
  scale: f32,
  limit: f32,
  decay: f32,
  momentum: f32,
  fresh: f32,
  direct: f32,
  along: f32,
  rate: f32,
): void {
  const scales = f32x4.splat(scale);
  const limits = f32x4.splat(limit);
  const decays = f32x4.splat(decay);
  const momenta = f32x4.splat(momentum);
  const freshes = f32x4.splat(fresh);
  const directs = f32x4.splat(direct);
  const alongs = f32x4.splat(along);
  const rates = f32x4.splat(rate);
  for (let vectors = blocks << 2; vectors > 0; vectors--) {
    const weight = v128.load(w);
    const gradient = f32x4.add(limited(g, scales, limits), f32x4.mul(decays, weight));
    const buffer = f32x4.add(f32x4.mul(momenta, v128.load(m)), f32x4.mul(freshes, gradient));
    const update = f32x4.add(f32x4.mul(directs, gradient), f32x4.mul(alongs, buffer));
    v128.store(w, f32x4.sub(weight, f32x4.mul(rates, update)));
    v128.store(m, buffer);
    w += 16;
    g += 16;
    m += 16;
  }
}

/** Sum of squares, in float64; NaN or infinite exactly when a number is (squares of float32 do not overflow). */
export function squares(blocks: i32, x: usize): f64 {
  let a = f64x2.splat(0);
  let b = f64x2.splat(0);
  let c = f64x2.splat(0);
  let d = f64x2.splat(0);
  for (let pairs = blocks << 1; pairs > 0; pairs--) {
    const p = v128.load(x);
    const q = v128.load(x, 16);
    const p0 = f64x2.promote_low_f32x4(p);
    const p1 = f64x2.promote_low_f32x4(i64x2.shuffle(p, p, 1, 1));
    const q0 = f64x2.promote_low_f32x4(q);
    const q1 = f64x2.promote_low_f32x4(i64x2.shuffle(q, q, 1, 1));
    a = f64x2.add(a, f64x2.mul(p0, p0));
    b = f64x2.add(b, f64x2.mul(p1, p1));
    c = f64x2.add(c, f64x2.mul(q0, q0));
    d = f64x2.add(d, f64x2.mul(q1, q1));
    x += 32;
  }
  const sum = f64x2.add(f64x2.add(a, b), f64x2.add(c, d));
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** to += from. */
export function add(blocks: i32, to: usize, from: usize): void {
  for (let vectors = blocks << 2; vectors > 0; vectors--) {
    v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
    to += 16;
    from += 16;
  }
}

/** x *= factor. */
export function scale(blocks: i32, x: usize, factor: f32): void {
  const factors = f32x4.splat(factor);
  for (let vectors = blocks << 2; vectors > 0; vectors--) {
    v128.store(x, f32x4.mul(v128.load(x), factors));
    x += 16;
  }
}
