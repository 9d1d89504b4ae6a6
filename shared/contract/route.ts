/** @file Runs anywhere. What a route of the contract is: a schema for what comes in, a type for what goes out. */
import type { z } from 'zod';
import type { ErrorData } from '../errors.ts';

/** `output` exists for the type checker only: results are made by our own code, inputs come from outside. */
export interface Route<Input extends z.ZodType = z.ZodType, Output = unknown> {
  readonly input: Input;
  readonly output?: Output;
}

/** `answers<Dataset[]>()(schema)`: a route that parses its input with `schema` and answers with data sets. */
export const answers =
  <Output>() =>
  <Input extends z.ZodType>(input: Input): Route<Input, Output> => ({ input });

/** What crosses a transport: errors keep their code and next step, which Electron and HTTP would drop. */
export type Result<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: ErrorData };
