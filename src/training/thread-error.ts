/** @file Errors on their way between threads, which hand on no classes: taken apart there and put together here. */
import * as errors from '../errors.js';

/** An error that can be posted. */
export interface PackedError {
  message: string;
  stack?: string | undefined;
  /** Code, hint and whatever else an error of ours says; null for one of another kind. */
  fields: (Record<string, unknown> & Pick<errors.AfterimageError, 'name' | 'code'>) | null;
}

/** Takes apart whatever was thrown. */
export function packError(error: unknown): PackedError {
  if (!(error instanceof Error)) return { message: String(error), fields: null };
  const { message, stack } = error;
  return { message, stack, fields: error instanceof errors.AfterimageError ? { ...error } : null };
}

/** The error again, of its own class. */
export function unpackError({ message, stack, fields }: PackedError): Error {
  const error = fields ? new errors.AfterimageError(fields.code, message) : new Error(message);
  if (fields) {
    const known = Object.values<unknown>(errors).find(
      (value) => isErrorClass(value) && value.name === fields.name,
    );
    if (isErrorClass(known)) Object.setPrototypeOf(error, known.prototype);
    Object.assign(error, fields);
  }
  if (stack !== undefined) error.stack = stack;
  return error;
}

function isErrorClass(value: unknown): value is typeof errors.AfterimageError {
  return typeof value === 'function' && value.prototype instanceof errors.AfterimageError;
}
