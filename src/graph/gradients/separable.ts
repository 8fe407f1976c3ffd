/** @file Linear maps of images that act on rows and columns apart: averaging windows, resampling. */

import type { Graph } from '../graph.js';
import { matmul } from '../ops/linear.js';
import type { Value } from '../types.js';

/** A constant matrix by rows. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

/** `vertical · x · horizontalᵀ` for every channel: [N, C, h, w] → [N, C, vertical.rows, horizontal.rows]. */
export function applySeparable(x: Value, vertical: Matrix, horizontal: Matrix): Value {
  return matmul(constant(x.graph, vertical), matmul(x, constant(x.graph, transposed(horizontal))));
}

/** The transposed matrix. */
export function transposed({ rows, columns, data }: Matrix): Matrix {
  return {
    rows: columns,
    columns: rows,
    data: data.map((_, k) => data[(k % rows) * columns + Math.floor(k / rows)]!),
  };
}

const constant = (graph: Graph, { rows, columns, data }: Matrix): Value =>
  graph.constant(data, [rows, columns], 'float32');
