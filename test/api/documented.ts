// SPDX-License-Identifier: Apache-2.0
// Requests and answers held against the OpenAPI document, as a reader of it would who knows nothing else.

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { openapiDocument } from '../../src/edge/openapi.ts';
import { OPERATIONS, type Operation } from '../../src/edge/schemas/operations.ts';
import type { ServerEvent } from '../edge/client.ts';

type Schema = Readonly<Record<string, unknown>>;

interface Media {
  readonly schema?: Schema;
}

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: Schema;
}

interface Answer {
  readonly $ref?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, Media>>;
}

/** An operation as the document has it. */
export interface Documented {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, Answer>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<Documented, 'method' | 'path'>>>>>;
  readonly components: { readonly responses: Readonly<Record<string, Answer>> };
}

const document = (await openapiDocument()) as unknown as Document;
const RFC3339_MS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
// Times are held against the promise, which is narrower than the format: UTC and milliseconds.
const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { 'date-time': RFC3339_MS, binary: true } });
ajv.addSchema({ $id: 'doc', ...document });
const compiled = new WeakMap<Schema, ValidateFunction>();

/** All operations by their ids. */
export const documented: ReadonlyMap<string, Documented> = new Map(
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [
      operation.operationId,
      { ...operation, parameters: operation.parameters ?? [], method: method.toUpperCase(), path },
    ]),
  ),
);

export function operationOf(id: string): Operation {
  const found = OPERATIONS.find((operation) => operation.id === id);
  if (found === undefined) throw new Error(`the document has no operation ${id}`);
  return found;
}

/** What is wrong with a value; empty when nothing is. */
function wrong(schema: Schema | undefined, value: unknown): string {
  if (schema === undefined) return '';
  let validate = compiled.get(schema);
  if (validate === undefined) {
    validate = ajv.compile(absolute(schema) as Schema);
    compiled.set(schema, validate);
  }
  return validate(value) ? '' : ajv.errorsText(validate.errors, { separator: '; ' });
}

/** References of the document lead into it from outside. */
function absolute(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(absolute);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string' && inner.startsWith('#') ? `doc${inner}` : absolute(inner),
    ]),
  );
}

const typeOf = (header: string): string => header.split(';')[0]?.trim().toLowerCase() ?? '';

/** What stands in a request. */
export interface Asked {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | number>>;
  /** Parsed, when it is JSON. */
  readonly body?: unknown;
  readonly type?: string;
}

/** Everything a request says that the document does not allow. */
export function wrongInRequest(operation: Documented, { params, query, body, type }: Asked): readonly string[] {
  const problems: string[] = [];
  for (const [place, values] of [
    ['path', params],
    ['query', query],
  ] as const) {
    const known = operation.parameters.filter((parameter) => parameter.in === place);
    // Free-form: whatever its name.
    if (known.some(({ schema }) => schema['additionalProperties'] !== undefined)) continue;
    for (const name of Object.keys(values))
      if (!known.some((parameter) => parameter.name === name)) problems.push(`no parameter ${name} in the ${place}`);
    for (const { name, required, schema } of known) {
      const value = values[name];
      if (value === undefined) {
        if (required) problems.push(`the ${place} lacks ${name}`);
        continue;
      }
      const number = schema['type'] === 'integer' || schema['type'] === 'number';
      const said = wrong(schema, number ? Number(value) : String(value));
      if (said !== '') problems.push(`${name} in the ${place}: ${said}`);
    }
  }
  const { requestBody } = operation;
  if (type === undefined) {
    if (requestBody?.required) problems.push('a body is needed');
    return problems;
  }
  const media = requestBody?.content[typeOf(type)] ?? requestBody?.content['*/*'];
  if (media === undefined) problems.push(`no body of ${type}`);
  else if (typeOf(type) === 'application/json') problems.push(...[wrong(media.schema, body)].filter(Boolean));
  return problems;
}

/** What came back. */
export interface Came {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: unknown;
  readonly events?: readonly ServerEvent[];
}

/** Everything an answer says that the document does not. */
export function wrongInAnswer(operation: Documented, came: Came): readonly string[] {
  const { status, headers } = came;
  const named = operation.responses[String(status)] ?? operation.responses['default'];
  if (named === undefined) return [`no answer of status ${status}: ${JSON.stringify(came.body)?.slice(0, 300)}`];
  const answer = named.$ref === undefined ? named : document.components.responses[named.$ref.split('/').at(-1) ?? ''];
  const problems: string[] = [];
  for (const header of Object.keys(answer?.headers ?? {}))
    if (headers[header.toLowerCase()] === undefined) problems.push(`no header ${header}`);
  const type = headers['content-type'];
  if (typeof type !== 'string') {
    if (answer?.content !== undefined) problems.push('no content-type');
    return problems;
  }
  const media = answer?.content?.[typeOf(type)];
  if (media === undefined) return [...problems, `no answer of ${type}`];
  if (/json$/.test(typeOf(type))) problems.push(...[wrong(media.schema, came.body)].filter(Boolean));
  for (const event of came.events ?? []) {
    const said = wrong(media.schema?.['contentSchema'] as Schema | undefined, [event]);
    if (said !== '') problems.push(`event ${event.event} ${JSON.stringify(event.data).slice(0, 200)}: ${said}`);
  }
  return problems;
}
