// SPDX-License-Identifier: Apache-2.0
// The part of a server's schema that arguments are checked against here: all but its regular expressions, which may never end.

/** Keywords whose value is a map of schemas by names: what stands in it is no keyword. */
const NAMED = new Set(['properties', '$defs', 'definitions', 'dependentSchemas']);
/** Keywords whose value is data. */
const DATA = new Set(['enum', 'const', 'default', 'examples', 'required', 'dependentRequired']);

type Schema = Readonly<Record<string, unknown>>;

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function below(key: string, value: unknown): unknown {
  if (DATA.has(key)) return value;
  if (Array.isArray(value)) return value.map((item) => (isSchema(item) ? checkedSchema(item) : item));
  if (!isSchema(value)) return value;
  if (!NAMED.has(key)) return checkedSchema(value);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, below('', item)]));
}

/**
 * A schema without `pattern` and `patternProperties`. A turn's thread would try them on what a model wrote, and one that
 * backtracks without bound holds up every conversation there; the server checks them itself.
 */
export function checkedSchema(schema: Schema): Schema {
  const { pattern, patternProperties, ...rest } = schema;
  // Which keys are left over is not known without the patterns that name the others.
  const { additionalProperties, unevaluatedProperties, ...open } = rest;
  const kept = patternProperties === undefined ? rest : open;
  return Object.fromEntries(Object.entries(kept).map(([key, value]) => [key, below(key, value)]));
}
