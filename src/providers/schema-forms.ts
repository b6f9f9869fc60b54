// SPDX-License-Identifier: Apache-2.0
// JSON Schemas taken apart: references looked up, several put together, and one made flat, as vendors want a tool's.

export type Json = Readonly<Record<string, unknown>>;

/** Deeper than this, or inside itself, a schema is told as an object of any form. */
export const DEPTH_MOST = 16;
/** Schemas one tool may come to: a schema that refers to its parts many times grows with each. */
export const NODES_MOST = 2_000;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const asObject = (value: unknown): Json => (isObject(value) ? value : {});
export const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** `#/$defs/Point` in the schema it stands in; undefined for one elsewhere. */
export function resolve(root: Json, ref: unknown): unknown {
  if (typeof ref !== 'string' || !ref.startsWith('#')) return undefined;
  let at: unknown = root;
  for (const part of ref.slice(1).split('/').filter(Boolean)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return at;
}

/** One schema that demands what all of them do, as far as it can be said: properties and needs together, the rest by the last. */
export function merged(schemas: readonly Json[]): Json {
  const all: Record<string, unknown> = {};
  for (const schema of schemas) {
    const properties = { ...asObject(all['properties']), ...asObject(schema['properties']) };
    const required = [...new Set([...asList(all['required']), ...asList(schema['required'])])];
    Object.assign(all, schema);
    if (Object.keys(properties).length > 0) all['properties'] = properties;
    if (required.length > 0) all['required'] = required;
  }
  return all;
}

/**
 * A tool's schema as one object without `$ref`, `allOf`, `anyOf` and `oneOf` of its own: of several forms it has every
 * property, and needs what all of them need. What is inside its properties stays as it is.
 */
export function flatSchema(root: Json): Json {
  let nodes = 0;
  const flat = (value: unknown, depth: number, inside: readonly string[]): Json => {
    nodes += 1;
    if (depth > DEPTH_MOST || nodes > NODES_MOST || !isObject(value)) return {};
    const { $ref: ref, allOf, anyOf, oneOf, ...rest } = value;
    const parts = asList(allOf).map((part) => flat(part, depth + 1, inside));
    if (typeof ref === 'string' && !inside.includes(ref))
      parts.push(flat(resolve(root, ref), depth + 1, [...inside, ref]));
    const own = merged([...parts, rest]);
    const forms = [...asList(anyOf), ...asList(oneOf)].map((form) => flat(form, depth + 1, inside));
    if (forms.length === 0) return own;
    const needed = forms.map((form) => new Set(asList(form['required'])));
    const required = [...(needed[0] ?? [])].filter((key) => needed.every((keys) => keys.has(key)));
    return merged([
      ...forms.map(({ required: _required, ...form }) => form),
      { ...own, required: [...asList(own['required']), ...required] },
    ]);
  };
  return flat(root, 0, []);
}
