/** @file The analysis room's public names. */
export { type OpenOptions, openVectorSet } from './open.js';
export { groupsOf, type Labels, labelsOf, numbersOf } from './targets.js';
export { type FilledColumn, type VectorOrigin, VectorSet } from './vector-set.js';
