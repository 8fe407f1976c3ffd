/**
 * @file Conditions on the columns of items, as a tree that every store translates into its own language. `where.ts`
 * reads them from SQL.
 */
import type { Cell } from './columns.js';

/** What stands on either side of a comparison: a column, a value, or arithmetic of numbers. */
export type Operand =
  | { column: string }
  | { value: Exclude<Cell, null> }
  | { op: '+' | '-' | '*' | '/'; left: Operand; right: Operand };

/** A condition. As in SQL, a comparison with null is neither true nor false, and such rows are left out. */
export type Filter =
  | { op: 'and' | 'or'; filters: readonly Filter[] }
  | { op: 'not'; filter: Filter }
  | { op: '=' | '!=' | '<' | '<=' | '>' | '>='; left: Operand; right: Operand }
  | { op: 'in'; column: string; values: readonly Exclude<Cell, null>[] }
  /** SQL's LIKE: `%` for any characters, `_` for one. */
  | { op: 'like'; column: string; pattern: string; ignoreCase: boolean }
  | { op: 'null'; column: string };

/** The conditions that are there, all of which must hold; undefined when there is none. */
export function allOf(...filters: (Filter | undefined)[]): Filter | undefined {
  const given = filters.filter((filter) => filter !== undefined);
  return given.length > 1 ? { op: 'and', filters: given } : given[0];
}
