/**
 * @file The operators of the numeric engine. Each checks its shapes as it is built and appends nodes to the graph of
 * its first argument.
 */
export { type AttentionOptions, attention } from './attention.js';
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
export {
  abs,
  add,
  cast,
  clip,
  div,
  exp,
  gelu,
  greater,
  log,
  maximum,
  mul,
  neg,
  pow,
  quickGelu,
  relu,
  sigmoid,
  sqrt,
  sub,
  tanh,
  where,
} from './elementwise.js';
export { gemm, linear, matmul } from './linear.js';
export { batchNorm, layerNorm } from './norm.js';
export { l2Normalize, logSoftmax, max, mean, norm, softmax, sum } from './reduce.js';
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
