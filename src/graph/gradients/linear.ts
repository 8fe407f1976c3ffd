/** @file Derivatives of matrix products. */
import { gemm, matmul } from '../ops/linear.js';
import { reshape, transpose } from '../ops/shape.js';
import { sizeOf } from '../shape.js';
import type { Value } from '../types.js';
import { each, type Rule, type Rules } from './rule.js';
import { reduceTo } from './spread.js';

/** Exchanges the last two axes; ONNX Runtime fuses it into the product that follows. */
function transposed(x: Value): Value {
  const n = x.shape.length;
  return transpose(x, [...Array(n - 2).keys(), n - 1, n - 2]);
}

/** [..., m, k] → [M, k]. */
const rowsOf = (x: Value): Value =>
  reshape(x, [sizeOf(x.shape.slice(0, -1), 'MatMul'), x.shape.at(-1) as number]);

const matmulRule: Rule = ({ inputs }, [dy], need) => {
  const [a, b] = inputs as readonly [Value, Value];
  // One matrix for all items of a batch: the batch is part of the rows.
  if (b.shape.length === 2)
    return each(
      need,
      () => reshape(gemm(rowsOf(dy!), b, null, { transposeB: true }), a.shape),
      () => gemm(rowsOf(a), rowsOf(dy!), null, { transposeA: true }),
    );
  return each(
    need,
    () => reduceTo(matmul(dy!, transposed(b)), a.shape as number[]),
    () => reduceTo(matmul(transposed(a), dy!), b.shape as number[]),
  );
};

/** y = op(a) op(b) + c, where op transposes or not. */
const gemmRule: Rule = ({ inputs, attributes }, [dy], need) => {
  const [a, b, c] = inputs as readonly [Value, Value, Value | undefined];
  const transA = attributes.transA === 1;
  const transB = attributes.transB === 1;
  return each(
    need,
    () =>
      transA
        ? gemm(b, dy!, null, { transposeA: transB, transposeB: true })
        : gemm(dy!, b, null, { transposeB: !transB }),
    () =>
      transB
        ? gemm(dy!, a, null, { transposeA: true, transposeB: transA })
        : gemm(a, dy!, null, { transposeA: !transA }),
    () => reduceTo(dy!, c!.shape as number[]),
  );
};

export const linearRules: Rules = { MatMul: matmulRule, Gemm: gemmRule };
