/**
 * @file The two inner loops of Pillow-exact resampling, for WebAssembly with 128-bit SIMD (AssemblyScript).
 *
 * Pillow sums `pixel * coefficient` in 32-bit integers, coefficients having 22 fractional bits, then shifts and
 * clips to 0..255. The widest integer multiply that SIMD offers for this is `i32x4.dot_i16x8_s`, so each coefficient
 * travels as two 16-bit halves, `k = hi * 2048 + lo` with `0 <= lo < 2048`; sums are exact modulo 2^32, as are
 * Pillow's. Built by `scripts/build-wasm.mjs` into `src/image/wasm/resample.ts`, driven by `src/image/resample.ts`.
 */

const HALF: i32 = 1 << 21;
const PRECISION: i32 = 22;
const LO_BITS: i32 = 11;

// Bytes of two RGB pixels to 16-bit lanes r0 r1 g0 g1 b0 b1 0 0: pixels 0-1 and 2-3 of the 12 bytes loaded.
function first(px: v128): v128 {
  return i8x16.swizzle(px, i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
}
function second(px: v128): v128 {
  return i8x16.swizzle(px, i8x16(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
}
function finish(hi: v128, lo: v128): v128 {
  return i32x4.shr_s(i32x4.add(i32x4.add(i32x4.shl(hi, LO_BITS), lo), i32x4.splat(HALF)), PRECISION);
}

/**
 * Horizontal pass over `rows` rows of interleaved RGB.
 * `bounds`: two i32 for each output pixel, the byte offset of its first tap in the row and its number of quads of
 * taps. `coefficients`: for each quad 16 bytes, hi(0,1) lo(0,1) hi(2,3) lo(2,3) as i16 pairs.
 * Reads up to 16 bytes past the last tap and writes one byte past the last pixel: buffers need that slack.
 */
export function horizontal(
  src: usize,
  srcStride: usize,
  dst: usize,
  dstStride: usize,
  rows: i32,
  width: i32,
  bounds: usize,
  coefficients: usize,
): void {
  let y = 0;
  for (; y + 2 <= rows; y += 2) {
    let k = coefficients;
    let out = dst;
    for (let x = 0; x < width; x++) {
      let p = src + load<i32>(bounds + (x << 3));
      let quads = load<i32>(bounds + (x << 3), 4);
      let hi0 = i32x4.splat(0);
      let lo0 = i32x4.splat(0);
      let hi1 = i32x4.splat(0);
      let lo1 = i32x4.splat(0);
      let q = p + srcStride;
      for (; quads > 0; quads--) {
        const h01 = v128.load32_splat(k);
        const l01 = v128.load32_splat(k, 4);
        const h23 = v128.load32_splat(k, 8);
        const l23 = v128.load32_splat(k, 12);
        const a = v128.load(p);
        const b = v128.load(q);
        const a01 = first(a);
        const a23 = second(a);
        const b01 = first(b);
        const b23 = second(b);
        hi0 = i32x4.add(hi0, i32x4.add(i32x4.dot_i16x8_s(a01, h01), i32x4.dot_i16x8_s(a23, h23)));
        lo0 = i32x4.add(lo0, i32x4.add(i32x4.dot_i16x8_s(a01, l01), i32x4.dot_i16x8_s(a23, l23)));
        hi1 = i32x4.add(hi1, i32x4.add(i32x4.dot_i16x8_s(b01, h01), i32x4.dot_i16x8_s(b23, h23)));
        lo1 = i32x4.add(lo1, i32x4.add(i32x4.dot_i16x8_s(b01, l01), i32x4.dot_i16x8_s(b23, l23)));
        k += 16;
        p += 12;
        q += 12;
      }
      const both = i16x8.narrow_i32x4_s(finish(hi0, lo0), finish(hi1, lo1));
      const bytes = i8x16.narrow_i16x8_u(both, both);
      v128.store32_lane(out, bytes, 0);
      v128.store32_lane(out + dstStride, bytes, 1);
      out += 3;
    }
    src += srcStride << 1;
    dst += dstStride << 1;
  }
  if (y < rows) {
    let k = coefficients;
    let out = dst;
    for (let x = 0; x < width; x++) {
      let p = src + load<i32>(bounds + (x << 3));
      let quads = load<i32>(bounds + (x << 3), 4);
      let hi = i32x4.splat(0);
      let lo = i32x4.splat(0);
      for (; quads > 0; quads--) {
        const a = v128.load(p);
        const a01 = first(a);
        const a23 = second(a);
        hi = i32x4.add(hi, i32x4.dot_i16x8_s(a01, v128.load32_splat(k)));
        lo = i32x4.add(lo, i32x4.dot_i16x8_s(a01, v128.load32_splat(k, 4)));
        hi = i32x4.add(hi, i32x4.dot_i16x8_s(a23, v128.load32_splat(k, 8)));
        lo = i32x4.add(lo, i32x4.dot_i16x8_s(a23, v128.load32_splat(k, 12)));
        k += 16;
        p += 12;
      }
      const narrow = i16x8.narrow_i32x4_s(finish(hi, lo), i32x4.splat(0));
      v128.store32_lane(out, i8x16.narrow_i16x8_u(narrow, narrow), 0);
      out += 3;
    }
  }
}

/**
 * Vertical pass for one output row of `bytes` bytes: `pairs` pairs of source rows starting at `src`, `stride` apart.
 * `coefficients`: for each pair 8 bytes, hi(0,1) lo(0,1). Writes whole groups of 16 bytes.
 */
export function vertical(
  src: usize,
  stride: usize,
  dst: usize,
  bytes: i32,
  pairs: i32,
  coefficients: usize,
): void {
  for (let x = 0; x < bytes; x += 16) {
    let p = src + x;
    let k = coefficients;
    let hi0 = i32x4.splat(0);
    let hi1 = i32x4.splat(0);
    let hi2 = i32x4.splat(0);
    let hi3 = i32x4.splat(0);
    let lo0 = i32x4.splat(0);
    let lo1 = i32x4.splat(0);
    let lo2 = i32x4.splat(0);
    let lo3 = i32x4.splat(0);
    for (let i = pairs; i > 0; i--) {
      const a = v128.load(p);
      const b = v128.load(p + stride);
      const h = v128.load32_splat(k);
      const l = v128.load32_splat(k, 4);
      const low = i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const high = i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const s0 = i16x8.extend_low_i8x16_u(low);
      const s1 = i16x8.extend_high_i8x16_u(low);
      const s2 = i16x8.extend_low_i8x16_u(high);
      const s3 = i16x8.extend_high_i8x16_u(high);
      hi0 = i32x4.add(hi0, i32x4.dot_i16x8_s(s0, h));
      lo0 = i32x4.add(lo0, i32x4.dot_i16x8_s(s0, l));
      hi1 = i32x4.add(hi1, i32x4.dot_i16x8_s(s1, h));
      lo1 = i32x4.add(lo1, i32x4.dot_i16x8_s(s1, l));
      hi2 = i32x4.add(hi2, i32x4.dot_i16x8_s(s2, h));
      lo2 = i32x4.add(lo2, i32x4.dot_i16x8_s(s2, l));
      hi3 = i32x4.add(hi3, i32x4.dot_i16x8_s(s3, h));
      lo3 = i32x4.add(lo3, i32x4.dot_i16x8_s(s3, l));
      p += stride << 1;
      k += 8;
    }
    v128.store(
      dst + x,
      i8x16.narrow_i16x8_u(
        i16x8.narrow_i32x4_s(finish(hi0, lo0), finish(hi1, lo1)),
        i16x8.narrow_i32x4_s(finish(hi2, lo2), finish(hi3, lo3)),
      ),
    );
  }
}
