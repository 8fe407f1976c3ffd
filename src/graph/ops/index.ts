/**
 * @file The operators of the numeric engine. Each checks its shapes as it is built and appends nodes to the graph of
 * its first argument.
 */
export { type AttentionOptions, attention } from './attention.js';
export {
  and,
  equal,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  not,
  or,
  where,
} from './compare.js';
export { arange, eye, full } from './constant.js';
export {
  adaptiveAvgPool,
  avgPool,
  type ConvOptions,
  type ConvTransposeOptions,
  conv,
  convTranspose,
  globalAvgPool,
  maxPool,
  type PoolOptions,
} from './conv.js';
export { dropout } from './dropout.js';
export {
  abs,
  acos,
  add,
  cast,
  clip,
  cos,
  div,
  erf,
  exp,
  gelu,
  log,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  quickGelu,
  relu,
  sigmoid,
  sign,
  sin,
  softplus,
  sqrt,
  square,
  stopGradient,
  sub,
  tanh,
} from './elementwise.js';
export { gemm, linear, matmul } from './linear.js';
export { batchNorm, layerNorm } from './norm.js';
export { l2Normalize, logSoftmax, logSumExp, max, mean, min, norm, softmax, sum } from './reduce.js';
export { type Bicubic, resizeBicubic } from './resize.js';
export {
  concat,
  expand,
  expandBatch,
  flatten,
  gather,
  gatherPerItem,
  reshape,
  select,
  slice,
  split,
  transpose,
} from './shape.js';
