// SPDX-License-Identifier: Apache-2.0
// JSON Schema reduced to what the Gemini API takes as a function's parameters: a part of OpenAPI 3.0's schema object.

import type { Schema, Type } from '@google/genai';
import {
  asList,
  asObject,
  DEPTH_MOST,
  flatSchema,
  isObject,
  type Json,
  merged,
  NODES_MOST,
  resolve,
} from '../schema-forms.ts';

const TYPES = ['STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT'] as const;
type TypeName = (typeof TYPES)[number];

/** The SDK's enum is a value of the SDK, which is loaded later; its members are these strings. */
function typed(name: TypeName): { type: Type } {
  return { type: name as Type };
}

/** The formats the API takes, by type; it refuses the whole request for another. */
const FORMATS: Readonly<Partial<Record<TypeName, readonly string[]>>> = {
  STRING: ['date-time'],
  NUMBER: ['float', 'double'],
  INTEGER: ['int32', 'int64'],
};

const isNull = (value: unknown): boolean => isObject(value) && value['type'] === 'null';

function typeName(value: unknown): TypeName | undefined {
  return typeof value === 'string' ? TYPES.find((name) => name === value.toUpperCase()) : undefined;
}

/** What a schema without a type must be, by what it says. */
function guessed(schema: Json): TypeName | undefined {
  if (isObject(schema['properties'])) return 'OBJECT';
  if (schema['items'] !== undefined || schema['prefixItems'] !== undefined) return 'ARRAY';
  const [first] = valuesOf(schema);
  if (typeof first === 'string') return 'STRING';
  if (typeof first === 'number') return Number.isInteger(first) ? 'INTEGER' : 'NUMBER';
  return typeof first === 'boolean' ? 'BOOLEAN' : undefined;
}

function valuesOf(schema: Json): readonly unknown[] {
  return 'const' in schema ? [schema['const']] : asList(schema['enum']);
}

class Reducer {
  readonly #root: Json;
  #nodes = 0;

  constructor(root: Json) {
    this.#root = root;
  }

  /** @param inside the references this schema stands in: one of them again would never end */
  reduce(value: unknown, depth: number, inside: readonly string[]): Schema {
    this.#nodes += 1;
    if (value === true) return anything('');
    if (depth > DEPTH_MOST || this.#nodes > NODES_MOST || !isObject(value)) return typed('OBJECT');
    const ref = value['$ref'];
    if (typeof ref === 'string') {
      if (inside.includes(ref)) return { ...typed('OBJECT'), ...words(value, []) };
      const { $ref: _ref, ...beside } = value;
      const target = resolve(this.#root, ref);
      return this.reduce(merged([asObject(target), beside]), depth + 1, [...inside, ref]);
    }
    const { allOf, ...rest } = value;
    // What `allOf` names by reference is looked up first: only then can it be merged.
    const parts = asList(allOf).map((part) => this.#looked(part, inside));
    if (parts.length > 0) return this.reduce(merged([...parts, rest]), depth + 1, inside);
    return this.#plain(value, depth, inside);
  }

  #looked(part: unknown, inside: readonly string[]): Json {
    const { $ref: ref, ...beside } = asObject(part);
    if (typeof ref !== 'string') return asObject(part);
    return inside.includes(ref) ? beside : merged([asObject(resolve(this.#root, ref)), beside]);
  }

  #plain(schema: Json, depth: number, inside: readonly string[]): Schema {
    const types = Array.isArray(schema['type']) ? schema['type'] : [schema['type']];
    const choices = [...asList(schema['anyOf']), ...asList(schema['oneOf'])];
    const nullable =
      schema['nullable'] === true || types.includes('null') || choices.some(isNull) || valuesOf(schema).includes(null);
    const names = [...new Set(types.map(typeName).filter((name) => name !== undefined))];
    const reduced = this.#choice(
      schema,
      choices.filter((choice) => !isNull(choice)),
      names,
      depth,
      inside,
    );
    return nullable ? { ...reduced, nullable: true } : reduced;
  }

  #choice(
    schema: Json,
    choices: readonly unknown[],
    names: readonly TypeName[],
    depth: number,
    inside: readonly string[],
  ): Schema {
    const { anyOf: _any, oneOf: _one, type: _type, ...common } = schema;
    if (choices.length > 0) {
      // What stands beside the choice holds for each of them.
      const [type] = names;
      const outer = type === undefined || names.length > 1 ? common : { ...common, type };
      const [only, ...others] = choices.map((choice) => merged([outer, asObject(choice)]));
      if (only !== undefined && others.length === 0) return this.reduce(only, depth + 1, inside);
      const anyOf = choices.map((choice) =>
        this.reduce(choice === true ? true : merged([this.#bare(outer), asObject(choice)]), depth + 1, inside),
      );
      return { anyOf, ...words(common, []) };
    }
    if (names.length > 1) {
      const anyOf = names.map((name) => this.#ofType(this.#bare(common), name, depth, inside));
      return { anyOf, ...words(common, []) };
    }
    const name = names[0] ?? guessed(schema);
    return name === undefined
      ? anything(words(common, []).description ?? '')
      : this.#ofType(common, name, depth, inside);
  }

  /** Without what is said once for the whole choice. */
  #bare({ description: _description, title: _title, default: _default, ...rest }: Json): Json {
    return rest;
  }

  #ofType(schema: Json, name: TypeName, depth: number, inside: readonly string[]): Schema {
    const hints: string[] = [];
    const reduced: Schema = { ...typed(name) };
    const { format, pattern } = schema;
    if (typeof format === 'string') {
      if (FORMATS[name]?.includes(format)) reduced.format = format;
      else hints.push(`Format: ${format}.`);
    }
    const values = valuesOf(schema).filter((value) => value !== null);
    if (name === 'STRING') {
      const texts = [...new Set(values.filter((value) => typeof value === 'string'))];
      // The API refuses an empty one.
      if (texts.length > 0 && texts.every((text) => text !== '')) {
        reduced.enum = texts;
        reduced.format = 'enum';
      } else if (values.length > 0) hints.push(oneOf(values));
      if (typeof pattern === 'string') reduced.pattern = pattern;
      sizes(reduced, schema, 'minLength', 'maxLength');
    } else if (values.length > 0) hints.push(oneOf(values));
    if (name === 'NUMBER' || name === 'INTEGER') this.#bounds(reduced, schema, name, hints);
    if (name === 'ARRAY') this.#items(reduced, schema, depth, inside);
    if (name === 'OBJECT') this.#properties(reduced, schema, depth, inside);
    return { ...reduced, ...words(schema, hints) };
  }

  #bounds(reduced: Schema, schema: Json, name: TypeName, hints: string[]): void {
    const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below } = schema;
    if (typeof minimum === 'number') reduced.minimum = minimum;
    if (typeof maximum === 'number') reduced.maximum = maximum;
    if (typeof above === 'number') {
      if (name === 'INTEGER')
        reduced.minimum = Math.max(reduced.minimum ?? Number.NEGATIVE_INFINITY, Math.floor(above) + 1);
      else hints.push(`More than ${above}.`);
    }
    if (typeof below === 'number') {
      if (name === 'INTEGER')
        reduced.maximum = Math.min(reduced.maximum ?? Number.POSITIVE_INFINITY, Math.ceil(below) - 1);
      else hints.push(`Less than ${below}.`);
    }
  }

  #items(reduced: Schema, schema: Json, depth: number, inside: readonly string[]): void {
    const { items, prefixItems } = schema;
    const places = Array.isArray(items) ? items : asList(prefixItems);
    if (places.length > 0) {
      const kinds = places.map((place) => this.reduce(place, depth + 1, inside));
      reduced.items = kinds.length === 1 && kinds[0] !== undefined ? kinds[0] : { anyOf: kinds };
    } else
      reduced.items = items === undefined || items === false ? anything('') : this.reduce(items, depth + 1, inside);
    sizes(reduced, schema, 'minItems', 'maxItems');
  }

  #properties(reduced: Schema, schema: Json, depth: number, inside: readonly string[]): void {
    const entries = Object.entries(asObject(schema['properties'])).filter(([, value]) => value !== false);
    if (entries.length === 0) return;
    reduced.properties = Object.fromEntries(
      entries.map(([key, value]) => [key, this.reduce(value, depth + 1, inside)]),
    );
    const names = new Set(entries.map(([key]) => key));
    const required = asList(schema['required']).filter((key) => typeof key === 'string' && names.has(key)) as string[];
    if (required.length > 0) reduced.required = [...new Set(required)];
  }
}

function sizes(
  reduced: Schema,
  schema: Json,
  ...keys: readonly ('minLength' | 'maxLength' | 'minItems' | 'maxItems')[]
): void {
  for (const key of keys) {
    const value = schema[key];
    // An int64 is written as text.
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) reduced[key] = String(value);
  }
}

function oneOf(values: readonly unknown[]): string {
  return `One of: ${values.map((value) => JSON.stringify(value)).join(', ')}.`;
}

/** The description, with what the schema object has no word for. */
function words(schema: Json, hints: readonly string[]): Pick<Schema, 'description'> {
  const { description, title } = schema;
  const own = typeof description === 'string' ? description : typeof title === 'string' ? title : '';
  const text = [own, ...hints].filter((part) => part !== '').join(' ');
  return text === '' ? {} : { description: text };
}

function anything(description: string): Schema {
  return {
    anyOf: [typed('STRING'), typed('NUMBER'), typed('BOOLEAN')],
    ...(description !== '' && { description }),
  };
}

/**
 * The parameters of a function, undefined where it takes none. References are put in place, `null` becomes `nullable`,
 * what only restricts further is told in the description or left out: a tool checks its own arguments anyway.
 */
export function googleSchema(inputSchema: Json): Schema | undefined {
  const reduced = new Reducer(inputSchema).reduce({ ...flatSchema(inputSchema), type: 'object' }, 0, []);
  return reduced.properties === undefined ? undefined : reduced;
}
