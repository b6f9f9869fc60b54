// SPDX-License-Identifier: Apache-2.0
// The OpenAPI 3.1 document, made on demand from the schemas that validate: its dialect of JSON Schema is the one zod writes.

import type { ZodType } from 'zod';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { SESSION_COOKIE } from './cookie.ts';
import { openAiStatus } from './openai/error-shape.ts';
import type { ComponentName } from './schemas/components.ts';
import type { Operation } from './schemas/operations.ts';

type Json = Readonly<Record<string, unknown>>;

let made: Promise<Json> | undefined;

/** The document. Its schemas are loaded and written out the first time somebody asks. */
export function openapiDocument(): Promise<Json> {
  made ??= make();
  return made;
}

const REF = '#/components/schemas/';
const REQUEST_ID = {
  'X-Request-Id': { description: "The request's id, as sent or made up.", schema: { type: 'string' } },
};
const RETRY_AFTER = { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } } };
/** What every operation behind the guard may refuse with. */
const ALWAYS: readonly ErrorCode[] = [
  'unauthenticated',
  'forbidden',
  'misdirected_request',
  'rate_limited',
  'overloaded',
  'internal',
];

async function make(): Promise<Json> {
  const [{ COMPONENTS, componentOf }, { OPERATIONS }, { z }] = await Promise.all([
    import('./schemas/components.ts'),
    import('./schemas/operations.ts'),
    import('zod'),
  ]);
  const uri = (id: string): string => `${REF}${id}`;
  const schemas = (names: readonly string[], io: 'input' | 'output'): Json => {
    const registry = z.registry<{ id: string }>();
    for (const [id, schema] of Object.entries(COMPONENTS)) if (names.includes(id)) registry.add(schema, { id });
    const written = z.toJSONSchema(registry, { uri, io, override }).schemas;
    return Object.fromEntries(Object.entries(written).map(([id, schema]) => [id, plain(schema)]));
  };
  const fields = (schema: ZodType): Json => plain(z.toJSONSchema(schema, { io: 'input', override }));
  const named = (schema: ZodType): Json => {
    const name = componentOf(schema);
    return name === undefined ? fields(schema) : ref(name);
  };
  const bodies = OPERATIONS.flatMap(({ body }) => (body === undefined ? [] : [body.schema]));

  const problems = (codes: readonly ErrorCode[]): Json => {
    const statuses = [...new Set(codes.map((code) => ERRORS[code].status))].sort((one, other) => one - other);
    return Object.fromEntries(
      statuses.map((status) => [String(status), { $ref: `#/components/responses/Problem${status}` }]),
    );
  };
  const parameters = (operation: Operation): Json[] => [
    ...Object.entries(operation.params ?? {}).map(([name, description]) => ({
      name,
      in: 'path',
      required: true,
      description,
      schema: { type: 'string' },
    })),
    ...Object.entries(operation.query?.shape ?? {}).map(([name, field]) => {
      const { description, ...schema } = fields(field);
      return { name, in: 'query', required: !field.safeParse(undefined).success, description, schema };
    }),
    ...(operation.resumes ? [LAST_EVENT_ID] : []),
    ...(operation.foreign ? [ANY_QUERY] : []),
  ];
  const answers = ({ answer, events, files, empty, status }: Operation): Json => ({
    [status ?? 200]: {
      description: events === undefined ? 'Done.' : 'Done, or events as they happen.',
      headers: REQUEST_ID,
      ...(status === 204
        ? {}
        : {
            content: {
              ...(answer === undefined
                ? {}
                : { 'application/json': { schema: answer === 'object' ? { type: 'object' } : ref(answer) } }),
              ...(events === undefined ? {} : { 'text/event-stream': eventContent(events) }),
              ...Object.fromEntries((files ?? []).map((type) => [type, {}])),
            },
          }),
    },
    ...(empty === undefined ? {} : { 204: { description: empty, headers: REQUEST_ID } }),
  });
  const eventContent = (events: NonNullable<Operation['events']>): Json => ({
    schema: {
      type: 'string',
      description: 'Server-sent events; `contentSchema` describes them in their order, each with its data.',
      contentMediaType: 'text/event-stream',
      contentSchema: { type: 'array', items: oneOf(Object.entries(events).map(eventSchema)) },
    },
  });
  const eventSchema = ([name, schema]: readonly [string, ZodType]): Json => ({
    type: 'object',
    properties: { id: { type: 'string' }, event: { const: name }, data: named(schema) },
    required: ['event', 'data'],
  });
  const written = (operation: Operation): Json => ({
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    description: `${operation.summary}.${refusals(operation)}`,
    ...(operation.open ? { security: [] } : {}),
    ...(operation.needs === undefined ? {} : { 'x-needs': operation.needs }),
    ...(parameters(operation).length > 0 ? { parameters: parameters(operation) } : {}),
    ...(operation.body === undefined
      ? {}
      : {
          requestBody: {
            required: operation.body.required,
            content: {
              'application/json': { schema: ref(operation.body.schema) },
              ...Object.fromEntries((operation.uploads ?? []).map((type) => [type, {}])),
            },
          },
        }),
    ...(operation.lines ? { requestBody: LINES_BODY } : {}),
    ...(operation.form ? { requestBody: FORM_BODY } : {}),
    ...(operation.foreign && operation.method !== 'GET' ? { requestBody: ANY_BODY } : {}),
    responses: {
      ...answers(operation),
      ...(operation.openai ? openAiErrors(refusedWith(operation)) : problems(refusedWith(operation))),
      ...(operation.foreign ? { default: FOREIGN_ANSWER } : {}),
    },
  });
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of OPERATIONS) {
    const path = operation.path.replace(/:([a-z_]+)/g, '{$1}');
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: written(operation) };
  }
  const others = Object.keys(COMPONENTS).filter((name) => !bodies.includes(name as ComponentName));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sigil',
      version: '1',
      description:
        'A self-hosted gateway between people and AI agents. Errors are problem details with a stable `code`. Behind the guard' +
        ` every operation may refuse with ${ALWAYS.map((code) => `\`${code}\``).join(', ')}; a method a path does not take is` +
        ' `method_not_allowed`, with `Allow`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://127.0.0.1:18789', description: 'The default listen address.' }],
    security: [{ bearer: [] }, { cookie: [] }],
    tags: TAGS,
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        cookie: { type: 'apiKey', in: 'cookie', name: SESSION_COOKIE, description: COOKIE },
      },
      responses: problemResponses(OPERATIONS),
      schemas: { ...schemas(bodies, 'input'), ...schemas(others, 'output') },
    },
  };
}

/** What OpenAI's clients are refused with: by their statuses, in their words. */
function openAiErrors(codes: readonly ErrorCode[]): Json {
  const byStatus = Map.groupBy(codes, (code) => openAiStatus(code, ERRORS[code].status));
  return Object.fromEntries(
    [...byStatus]
      .toSorted(([one], [other]) => one - other)
      .map(([status, of]) => [
        String(status),
        {
          description: [...new Set(of)].map((code) => `${ERRORS[code].title}.`).join(' '),
          headers: status === 429 || status === 503 ? { ...REQUEST_ID, ...RETRY_AFTER } : REQUEST_ID,
          content: { 'application/json': { schema: ref('OpenAiError') } },
        },
      ]),
  );
}

/** The codes an operation may refuse with. */
export function refusedWith({ open, refuses }: Operation): readonly ErrorCode[] {
  return [...new Set(open ? refuses : [...ALWAYS, ...refuses])];
}

/** A sentence of them; what every operation may refuse with is said once, at the top of the document. */
function refusals(operation: Operation): string {
  const own = refusedWith(operation).filter((code) => operation.open || !ALWAYS.includes(code));
  if (own.length === 0) return '';
  return ` Refuses with ${own.map((code) => `\`${code}\``).join(', ')}.`;
}

/** A response for each status that an operation may refuse with in our words. */
function problemResponses(operations: readonly Operation[]): Json {
  const codes = new Set(operations.filter(({ openai }) => openai !== true).flatMap(refusedWith));
  const statuses = new Set([...codes].map((code) => ERRORS[code].status));
  const all = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => statuses.has(ERRORS[code].status));
  const byStatus = Map.groupBy(all, (code) => ERRORS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, of]) => [
      `Problem${status}`,
      {
        description: of.map((code) => `\`${code}\`: ${ERRORS[code].title}.`).join(' '),
        headers: status === 429 || status === 503 ? { ...REQUEST_ID, ...RETRY_AFTER } : REQUEST_ID,
        content: { 'application/problem+json': { schema: ref('Problem') } },
      },
    ]),
  );
}

const TAGS = [
  { name: 'chat', description: 'Messages and their answers.' },
  { name: 'turns', description: 'What became of a message.' },
  { name: 'sessions', description: 'Conversations and where they live.' },
  { name: 'memory', description: 'What was said, found again.' },
  { name: 'skills', description: 'What the agent was taught.' },
  { name: 'users', description: 'Who may speak, and with what.' },
  { name: 'audit', description: 'What was done, and what was used.' },
  { name: 'channels', description: 'Chat platforms.' },
  { name: 'gateway', description: 'The gateway itself.' },
  { name: 'openai', description: "For clients of OpenAI's, unchanged: point them at `/v1`." },
  { name: 'debug', description: 'The live actor system; needs `admin:debug`.' },
];

const COOKIE = 'Of a browser that signed in; what changes something with it needs an `Origin` of our own.';

const FORM_BODY = {
  required: true,
  content: {
    'multipart/form-data': {
      schema: {
        type: 'object',
        properties: { file: { type: 'string', format: 'binary' } },
        required: ['file'],
      },
    },
  },
};
const LINES_BODY = {
  required: true,
  content: { 'application/x-ndjson': { schema: { type: 'string', description: 'One JSON object a line.' } } },
};

const ANY_QUERY = {
  name: 'query',
  in: 'query',
  required: false,
  description: 'Whatever the platform adds.',
  style: 'form',
  explode: true,
  schema: { type: 'object', additionalProperties: { type: 'string' } },
};
const ANY_BODY = { required: false, description: 'As the platform writes and signs it.', content: { '*/*': {} } };
const FOREIGN_ANSWER = {
  description: 'What the channel answers its platform, in the words that one knows; 401: the signature is wrong.',
  headers: REQUEST_ID,
  content: { 'text/plain': {}, 'application/json': {} },
};

const LAST_EVENT_ID = {
  name: 'Last-Event-ID',
  in: 'header',
  required: false,
  description: 'The id of the last event that was received, `<turn_id>:<n>`: the stream goes on after it.',
  schema: { type: 'string' },
};

function ref(name: ComponentName): Json {
  return { $ref: `${REF}${name}` };
}

/**
 * What several readers of these documents stumble over is said in another way: the items of a tuple past its last, which
 * `maxItems` rules out already, are of the last one's schema instead of `false`.
 */
function override({ jsonSchema }: { readonly jsonSchema: Record<string, unknown> }): void {
  const { prefixItems, items } = jsonSchema;
  if (Array.isArray(prefixItems) && items === false) jsonSchema['items'] = prefixItems.at(-1);
}

/** One of several; a choice of one is none. */
function oneOf(schemas: readonly Json[]): Json {
  const [only, ...others] = schemas;
  return only !== undefined && others.length === 0 ? only : { oneOf: schemas };
}

/** A schema inside a document needs no name and dialect of its own. */
function plain(schema: object): Json {
  const { $schema: _dialect, $id: _name, ...rest } = schema as Record<string, unknown>;
  return rest;
}
