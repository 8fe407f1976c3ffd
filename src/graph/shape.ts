/**
 * @file Arithmetic on shapes whose dimensions may be symbols.
 *
 * A symbolic dimension is a monomial: a coefficient times sorted symbols, written `'N'`, `'197*N'`, `'2*M*N'`.
 */
import { GraphError } from '../errors.js';
import type { Dim, Shape } from './types.js';

interface Monomial {
  coefficient: number;
  symbols: string[];
}

function monomial(dim: Dim): Monomial {
  if (typeof dim === 'number') return { coefficient: dim, symbols: [] };
  const result: Monomial = { coefficient: 1, symbols: [] };
  for (const factor of dim.split('*')) {
    const n = Number(factor);
    if (Number.isInteger(n)) result.coefficient *= n;
    else result.symbols.push(factor);
  }
  result.symbols.sort();
  return result;
}

function fromMonomial({ coefficient, symbols }: Monomial): Dim {
  if (symbols.length === 0) return coefficient;
  return coefficient === 1 ? symbols.join('*') : `${coefficient}*${symbols.join('*')}`;
}

/** The number of elements of a shape: a number, or a monomial where a dimension is symbolic. */
export function product(shape: Shape): Dim {
  const total: Monomial = { coefficient: 1, symbols: [] };
  for (const dim of shape) {
    const m = monomial(dim);
    total.coefficient *= m.coefficient;
    total.symbols.push(...m.symbols);
  }
  total.symbols.sort();
  return fromMonomial(total);
}

/** The number of elements of a shape without symbols. @throws GraphError when a dimension is symbolic. */
export function sizeOf(shape: Shape, what: string): number {
  const n = product(shape);
  if (typeof n === 'string')
    throw new GraphError(`${what}: expected a shape without symbols but received ${show(shape)}`);
  return n;
}

/** `dim / divisor`, exactly. @throws GraphError when it does not divide. */
export function divide(dim: Dim, divisor: number, what: string): Dim {
  const m = monomial(dim);
  if (m.coefficient % divisor !== 0) throw new GraphError(`${what}: ${dim} is not divisible by ${divisor}`);
  return fromMonomial({ coefficient: m.coefficient / divisor, symbols: m.symbols });
}

/** A dimension that must be a number here. @throws GraphError otherwise. */
export function fixed(dim: Dim | undefined, what: string): number {
  if (typeof dim !== 'number')
    throw new GraphError(`${what}: expected a fixed dimension but received ${dim}`);
  return dim;
}

/** NumPy's broadcasting of two shapes. @throws GraphError when they do not broadcast. */
export function broadcast(a: Shape, b: Shape, what: string): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    throw new GraphError(`${what}: shapes ${show(a)} and ${show(b)} do not broadcast`);
  });
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/**
 * The numbers for which the symbols of `shape` stand when it is `actual`.
 * @throws GraphError when a fixed dimension differs, or a symbol would be two numbers.
 */
export function bindSymbols(shape: Shape, actual: Shape, what: string): Map<string, number> {
  const symbols = new Map<string, number>();
  const fits =
    shape.length === actual.length &&
    shape.every((d, i) => {
      const size = actual[i]!;
      if (typeof size !== 'number' || typeof d === 'number') return d === size;
      if (!symbols.has(d)) symbols.set(d, size);
      return symbols.get(d) === size;
    });
  if (!fits) throw new GraphError(`${what}: expected ${show(shape)} but received ${show(actual)}`);
  return symbols;
}

/** A shape with numbers for its symbols. @throws GraphError for a symbol without one. */
export function resolve(shape: Shape, symbols: ReadonlyMap<string, number>): number[] {
  return shape.map((dim) => {
    const m = monomial(dim);
    return m.symbols.reduce((n, s) => n * fixed(symbols.get(s) ?? s, 'shape'), m.coefficient);
  });
}

/** `[N, 3, 224, 224]`, for messages. */
export function show(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** An axis counted from the end when negative. @throws GraphError when it is out of range. */
export function axisOf(axis: number, rank: number, what: string): number {
  const a = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(a) || a < 0 || a >= rank)
    throw new GraphError(`${what}: expected an axis of a tensor of rank ${rank} but received ${axis}`);
  return a;
}
