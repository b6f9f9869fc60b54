// SPDX-License-Identifier: Apache-2.0
// Made-up values for the HTTP reference, out of the schemas: always the same ones, and always valid.

/** The parts of a schema that are looked at. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly contentSchema?: Schema;
  readonly minimum?: number;
  readonly pattern?: string;
}

export type Schemas = Readonly<Record<string, Schema>>;

const UUID = '0199f3c2-7b1e-7c44-9d1a-5f2b8e6a0c11';
const TIME = '2026-01-01T12:00:00.000Z';

/** By the name of a field: what a reader expects there. */
const BY_NAME: Readonly<Record<string, string>> = {
  ...{ content: 'what is 17*23?', text: 'what is 17*23?', model: 'sigil/offline', workspace_id: 'homelab' },
  ...{ user_id: 'ada', name: 'Ada', channel: 'telegram', channel_type: 'telegram', channel_id: '4711' },
  ...{ platform_id: '4711', display_name: 'Ada', detail: 'What went wrong.', message: 'In words.', code: 'not_found' },
  ...{ to: 'homelab', confirm: 'ada', value: 'the-secret', path: '/srv/skills/tides', hash: 'a'.repeat(64) },
  ...{ expression: '17*23', title: 'A title', role: 'member', permission: 'admin:*', description: 'What it is for.' },
};

/** Ids of users and workspaces are short words; every other is one of ours. */
const SHORT_ID = /^\^\[a-z0-9\]/;

/**
 * A value of a schema.
 *
 * @param what of a body only what must be there is told, of an answer everything
 */
export function sampleOf(schema: Schema | undefined, schemas: Schemas, what: 'body' | 'answer', name = ''): unknown {
  if (schema === undefined) return null;
  if (schema.$ref !== undefined) return sampleOf(schemas[schema.$ref.split('/').at(-1) ?? ''], schemas, what, name);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined)
    return sampleOf(either.find(({ type }) => type !== 'null') ?? either[0], schemas, what, name);
  if (schema.allOf !== undefined) return sampleOf(schema.allOf[0], schemas, what, name);
  switch ([schema.type].flat()[0]) {
    case 'object': {
      const wanted = Object.entries(schema.properties ?? {}).filter(
        ([key]) => what === 'answer' || schema.required?.includes(key) === true,
      );
      return Object.fromEntries(wanted.map(([key, field]) => [key, sampleOf(field, schemas, what, key)]));
    }
    case 'array':
      if (schema.prefixItems !== undefined) return schema.prefixItems.map((item) => sampleOf(item, schemas, what));
      return [sampleOf(schema.items, schemas, what, name.replace(/s$/, ''))];
    case 'integer':
    case 'number':
      return Math.max(1, schema.minimum ?? 1);
    case 'boolean':
      return false;
    case 'null':
      return null;
    case 'string':
      return textOf(schema, name);
    default:
      return {};
  }
}

function textOf({ format, pattern }: Schema, name: string): string {
  if (format === 'date-time') return TIME;
  if (pattern !== undefined && SHORT_ID.test(pattern) && name === 'id') return 'homelab';
  const known = BY_NAME[name];
  if (known !== undefined) return known;
  if (/(^|_)id$/.test(name) || name === 'key') return UUID;
  return name === '' ? 'text' : name;
}
