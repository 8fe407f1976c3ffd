/** @file The numeric engine's public names. */
export { dependencies } from './dependencies.js';
export { gradients } from './differentiate.js';
export { type Constant, Graph } from './graph.js';
export { inline } from './inline.js';
export type { Bind, Binding } from './onnx.js';
export * as ops from './ops/index.js';
export { PRECISIONS, type Precision } from './precision.js';
export { type Device, type Port, runtimeInfo, type Tensor } from './runtime.js';
export { type GraphSessionOptions, openSession, Session, type SessionOptions } from './session.js';
export { product, show } from './shape.js';
export { type BatchStatistics, type TrainingCopyOptions, trainingCopy } from './training-copy.js';
export type { Attribute, Dim, DType, Node, Parameter, Shape, TensorData, Value } from './types.js';
