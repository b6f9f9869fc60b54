// SPDX-License-Identifier: Apache-2.0
// The HTTP reference, made from the OpenAPI document: each operation with what it takes, answers and refuses, and each schema.

import { openapiDocument } from '../src/edge/openapi.ts';
import { type Schema, sampleOf } from './http-samples.ts';

interface Media {
  readonly schema?: Schema;
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly description?: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<
    Record<
      string,
      { readonly $ref?: string; readonly description?: string; readonly content?: Readonly<Record<string, Media>> }
    >
  >;
  readonly description: string;
}

interface Document {
  readonly info: { readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string): string => `\`${cell(text)}\``;
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const head = (...cells: readonly string[]): string[] => [row(...cells), row(...cells.map(() => '---'))];

function link(name: string): string {
  return `[${name}](#${name.toLowerCase()})`;
}

/** What a heading is linked by. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** A type in words. */
function typeOf(schema: Schema | undefined): string {
  if (schema === undefined) return 'anything';
  if (schema.$ref !== undefined) return link(schema.$ref.split('/').at(-1) ?? '');
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) return either.map(typeOf).join(' or ');
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum !== undefined) return schema.enum.map((one) => code(String(one))).join(', ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items)}`;
  if (schema.type === 'object' && schema.properties === undefined && schema.additionalProperties !== undefined)
    return `map of ${typeOf(schema.additionalProperties === true ? undefined : schema.additionalProperties || undefined)}`;
  if (schema.format === 'date-time') return 'time';
  return [schema.type ?? 'anything'].flat().join(' or ');
}

/** A list is long, an object in an object has fields of its own: all of them, by their paths. */
function* fields(schema: Schema, path = ''): Generator<readonly [path: string, schema: Schema, required: boolean]> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const at = path === '' ? name : `${path}.${name}`;
    yield [at, field, schema.required?.includes(name) === true];
    const inner = [field, ...(field.anyOf ?? []), ...(field.items === undefined ? [] : [field.items])];
    for (const one of inner) if (one.$ref === undefined) yield* fields(one, one === field.items ? `${at}[]` : at);
  }
}

function schemaSection(name: string, schema: Schema): string[] {
  const rows = [...fields(schema)].map(([path, field, required]) => {
    const usual = field.default === undefined ? '' : ` Default ${code(JSON.stringify(field.default))}.`;
    const words = `${field.description ?? ''}${usual}`.trim();
    return row(code(path), `${typeOf(field)}${required ? '' : ', optional'}`, cell(words));
  });
  return [
    `### ${name}`,
    '',
    ...(schema.description === undefined ? [] : [schema.description, '']),
    ...(rows.length === 0 ? [typeOf(schema), ''] : [...head('field', 'type', 'meaning'), ...rows, '']),
  ];
}

/** What is sent to try it, as it is typed. */
function curl(
  document: Document,
  method: string,
  path: string,
  { requestBody, security, responses }: Operation,
): string {
  const filled = path.replaceAll(/\{([a-z_]+)\}/g, (_whole, name: string) => sampleParameter(name));
  const parts = ['curl -s'];
  if (responses['200']?.content?.['text/event-stream'] !== undefined) parts.push('-N');
  if (method !== 'GET' && (method !== 'POST' || requestBody === undefined)) parts.push(`-X ${method}`);
  if (security === undefined) parts.push('-H "$H"');
  const content = requestBody?.content ?? {};
  const [type = ''] = Object.keys(content);
  if (type === 'application/json') {
    const body = JSON.stringify(sampleOf(content[type]?.schema, document.components.schemas, 'body'));
    parts.push('-H "$J"', `-d '${body}'`);
  } else if (type === 'multipart/form-data') parts.push('-F file=@FILE');
  else if (type !== '' && type !== '*/*') parts.push(`-H 'Content-Type: ${type}'`, '--data-binary @FILE');
  return `${parts.join(' ')} "$U${filled}"`;
}

function sampleParameter(name: string): string {
  const samples: Readonly<Record<string, string>> = { kind: 'session', address: 'session%2FID', channel: 'telegram' };
  return samples[name] ?? name.toUpperCase();
}

/** Longer answers are told by their fields alone. */
const LONGEST_SAMPLE = 700;

function answerLines({ responses }: Operation): string[] {
  return Object.entries(responses).flatMap(([status, { $ref, description, content }]) => {
    if ($ref !== undefined) return [];
    const types = Object.entries(content ?? {}).map(([type, { schema }]) => {
      const shape = type === 'application/json' && schema !== undefined ? ` ${typeOf(schema)}` : '';
      return `\`${type}\`${shape}${type === 'text/event-stream' ? `: ${events(schema)}` : ''}`;
    });
    return [`Answers ${status}${types.length === 0 ? `: ${description}` : ` ${types.join(', or ')}`}`, ''];
  });
}

function events(schema: Schema | undefined): string {
  const items = schema?.contentSchema?.items;
  const each = items?.oneOf ?? (items === undefined ? [] : [items]);
  return each
    .map(({ properties }) => `\`${String(properties?.['event']?.const)}\` ${typeOf(properties?.['data'])}`)
    .join(', ');
}

function operationSection(document: Document, path: string, method: string, operation: Operation): string[] {
  const parameters = (operation.parameters ?? []).map(({ name, in: place, required, description, schema }) => {
    const usual = schema.default === undefined ? '' : ` Default ${code(JSON.stringify(schema.default))}.`;
    return row(
      code(name),
      place,
      `${typeOf(schema)}${required ? '' : ', optional'}`,
      cell(`${description ?? ''}${usual}`),
    );
  });
  const bodies = Object.entries(operation.requestBody?.content ?? {}).map(
    ([type, { schema }]) => `\`${type}\`${type === 'application/json' ? ` ${typeOf(schema)}` : ''}`,
  );
  const answer = operation.responses['200']?.content?.['application/json']?.schema;
  const sample = answer === undefined ? '' : JSON.stringify(sampleOf(answer, document.components.schemas, 'answer'));
  const shown = sample !== '' && sample !== '{}' && sample.length <= LONGEST_SAMPLE ? [sample] : [];
  return [
    `### ${method} ${path}`,
    '',
    `\`${operation.operationId}\`${operation.security === undefined ? '' : ', no token'}. ${operation.description}`,
    '',
    ...(parameters.length === 0 ? [] : [...head('parameter', 'in', 'type', 'meaning'), ...parameters, '']),
    ...(bodies.length === 0
      ? []
      : [`Takes ${bodies.join(', or ')}${operation.requestBody?.required ? '' : '; may be left out'}`, '']),
    ...answerLines(operation),
    '```sh',
    curl(document, method, path, operation),
    ...shown.map((line) => `# ${line}`),
    '```',
    '',
  ];
}

/** The whole page. @param generated the line that says where it comes from */
export async function httpPage(generated: string): Promise<string> {
  const document = (await openapiDocument()) as unknown as Document;
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const sections = document.tags.flatMap(({ name, description }) => {
    const of = operations.filter(({ operation }) => operation.tags.includes(name));
    return [
      `## ${name}`,
      '',
      description,
      '',
      ...of.flatMap(({ path, method, operation }) => operationSection(document, path, method, operation)),
    ];
  });
  const index = operations.map(({ path, method, operation }) =>
    row(
      code(`${method} ${path}`),
      `[${operation.operationId}](#${anchor(`${method} ${path}`)})`,
      cell(operation.summary),
    ),
  );
  const schemas = Object.entries(document.components.schemas);
  return [
    '# HTTP reference',
    '',
    generated,
    '',
    `${document.info.description} How the API behaves is told in [HTTP API](../http-api.md), what a code means in [error codes](errors.md).`,
    'The same as a document for programs is [openapi.json](../openapi.json). The examples use',
    '',
    '```sh',
    'U=http://127.0.0.1:18789',
    'H="Authorization: Bearer $(cat ~/.local/share/sigil/owner.token)"',
    "J='Content-Type: application/json'",
    '```',
    '',
    'and behind `#` what an answer looks like, made up from its schema.',
    '',
    ...head('call', 'operation', 'what'),
    ...index,
    '',
    ...sections,
    '## Schemas',
    '',
    ...schemas.flatMap(([name, schema]) => schemaSection(name, schema)),
  ].join('\n');
}
