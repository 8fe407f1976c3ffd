/**
 * @file The vocabulary of the numeric engine: element types, dimensions, values, nodes.
 *
 * A graph is a list of nodes over values, each with a known element type and shape. A dimension is a number or a
 * symbol (the batch, `'N'`); symbols survive arithmetic as monomials such as `'197*N'`, so shapes are checked when
 * the graph is built, not when it runs.
 */
import type { Graph } from './graph.js';

/** Element types, named as ONNX Runtime's JavaScript API names them. */
export type DType =
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'float64'
  | 'int8'
  | 'uint8'
  | 'int32'
  | 'int64'
  | 'bool';

/** ONNX's `TensorProto.DataType` number and the size in bytes of each element type. */
export const DTYPES: Readonly<Record<DType, { onnx: number; bytes: number }>> = {
  float32: { onnx: 1, bytes: 4 },
  uint8: { onnx: 2, bytes: 1 },
  int8: { onnx: 3, bytes: 1 },
  int32: { onnx: 6, bytes: 4 },
  int64: { onnx: 7, bytes: 8 },
  bool: { onnx: 9, bytes: 1 },
  float16: { onnx: 10, bytes: 2 },
  float64: { onnx: 11, bytes: 8 },
  bfloat16: { onnx: 16, bytes: 2 },
};

/** A size, or a symbol for one that is free until the graph runs. */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** A tensor in a graph. Values are made by {@link Graph} and by the operators, never by hand. */
export interface Value {
  readonly graph: Graph;
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A learned tensor: named as in the weight file that will be bound to it. */
export interface Parameter extends Value {
  readonly shape: readonly number[];
}

/** The arrays that can hold the elements of a constant. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Int8Array
  | Uint16Array;

/** An attribute of a node. Floats are wrapped, since a JavaScript number does not say which it is. */
export type Attribute =
  | number
  | string
  | { float: number }
  | { floats: readonly number[] }
  | readonly number[];

/**
 * A set of operators: '' is the standard one, 'com.microsoft' holds ONNX Runtime's fused kernels,
 * 'com.microsoft.nchwc' those on its blocked layout. Operators of 'afterimage' are replaced before a graph is written.
 */
export type Domain = '' | 'com.microsoft' | 'com.microsoft.nchwc' | 'afterimage';

/** One operation: its ONNX operator, what it reads (null: an optional input left out) and what it makes. */
export interface Node {
  readonly op: string;
  readonly domain: Domain;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}
