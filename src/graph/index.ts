/** @file The numeric engine's public names. */
export { type Constant, Graph } from './graph.js';
export * as ops from './ops/index.js';
export { product, show } from './shape.js';
export type { Attribute, Dim, DType, Node, Parameter, Shape, TensorData, Value } from './types.js';
