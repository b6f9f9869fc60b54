// SPDX-License-Identifier: Apache-2.0
// Checks arguments against a tool's JSON Schema. The checker is loaded with the first call, schemas are compiled once.

import type { Ajv2020, ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';

/** What is wrong with the arguments, in one sentence; undefined when nothing is. */
export type ArgumentProblem = string | undefined;

export interface ArgumentChecks {
  /** Checks a value; `done` is called once: at once when the checker is loaded, else as soon as it is. */
  check(schema: Readonly<Record<string, unknown>>, value: unknown, done: (problem: ArgumentProblem) => void): void;
  /** What is wrong with a value, as far as that can be said at once: nothing while the checker is not loaded. */
  checkNow(schema: Readonly<Record<string, unknown>>, value: unknown): ArgumentProblem;
  /** Loads the checker now. Where order must repeat, wait for this before the first call. */
  load(): Promise<void>;
}

type Checker = new (options: ConstructorParameters<typeof Ajv2020>[0]) => Ajv2020;

function compile(Checker: Checker, schema: Readonly<Record<string, unknown>>): ValidateFunction | undefined {
  // Schemas of others say which draft they are written in; the words tools use mean the same in all of them.
  const { $schema: _, ...rest } = schema;
  try {
    // One checker a schema: an `$id` two tools share must not make one of them unusable.
    return new Checker({
      strict: false,
      validateSchema: false,
      meta: false,
      validateFormats: false,
      logger: false,
    }).compile(rest);
  } catch {
    return undefined;
  }
}

function sentence(error: ErrorObject | undefined): string {
  const where =
    error === undefined || error.instancePath === '' ? 'The arguments' : `The argument ${error.instancePath.slice(1)}`;
  const extra: unknown = error?.params['additionalProperty'];
  const named = typeof extra === 'string' ? ` ("${extra.slice(0, 100)}")` : '';
  return `${where} ${error?.message ?? 'do not fit the schema'}${named}.`;
}

/** Argument checks with an own cache of compiled schemas. */
export function createArgumentChecks(): ArgumentChecks {
  const compiled = new WeakMap<object, ValidateFunction | 'broken'>();
  let Checker: Checker | undefined;
  let loading: Promise<void> | undefined;

  const load = (): Promise<void> => {
    loading ??= import('ajv/dist/2020.js').then((loaded) => {
      Checker = loaded.Ajv2020;
    });
    return loading;
  };

  const run = (checker: Checker, schema: Readonly<Record<string, unknown>>, value: unknown): ArgumentProblem => {
    const validate = compiled.get(schema) ?? compile(checker, schema) ?? 'broken';
    compiled.set(schema, validate);
    if (validate === 'broken') return 'The tool has a schema that cannot be used, so its arguments cannot be checked.';
    try {
      return validate(value) ? undefined : sentence(validate.errors?.[0]);
    } catch {
      return 'The arguments cannot be checked against the schema of the tool.';
    }
  };

  return {
    load,
    checkNow: (schema, value) => (Checker === undefined ? undefined : run(Checker, schema, value)),
    check(schema, value, done) {
      if (Checker !== undefined) {
        done(run(Checker, schema, value));
        return;
      }
      void load().then(
        () => done(Checker === undefined ? 'The checker of arguments cannot be loaded.' : run(Checker, schema, value)),
        () => done('The checker of arguments cannot be loaded.'),
      );
    },
  };
}
