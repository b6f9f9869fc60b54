// SPDX-License-Identifier: Apache-2.0
// The OpenAPI document: in step with the routes and with the checked-in copy, well-formed, and true of what is answered.

import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { EdgeContext } from '../../src/edge/context.ts';
import type { Route } from '../../src/edge/exchange.ts';
import { openapiDocument } from '../../src/edge/openapi.ts';
import { allRoutes } from '../../src/edge/routes/all.ts';
import { TURN_EVENTS } from '../../src/edge/schemas/events.ts';
import { OPERATIONS, type Operation } from '../../src/edge/schemas/operations.ts';
import { done, FakeHouse } from './fake-house.ts';
import { setUp } from './setup.ts';

/** The parts of an OpenAPI document that are looked into. */
interface Openapi {
  readonly openapi: string;
  readonly info: unknown;
  readonly paths: Readonly<
    Record<string, Record<string, { parameters?: { in: string; name: string }[]; responses: object }>>
  >;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

const document = (await openapiDocument()) as unknown as Openapi;
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema({ $id: 'doc', components: document.components });

function check(name: string, value: unknown): void {
  const validate = ajv.compile({ $ref: `doc#/components/schemas/${name}` });
  expect(validate(value), `${name}: ${ajv.errorsText(validate.errors)}`).toBe(true);
}

describe('the document', () => {
  it('has an operation for every route and a route for every operation', () => {
    const shown = ({ method, path, needs = 'no more', open }: Route | Operation) =>
      `${method} ${path} needs ${needs}${open === true ? ', open' : ''}`;
    const routes = allRoutes(new EdgeContext(new FakeHouse().ports())).map(shown);
    expect(OPERATIONS.map(shown).sort()).toEqual(routes.sort());
    expect(new Set(OPERATIONS.map(({ id }) => id)).size).toBe(OPERATIONS.length);
  });

  it('is the one that is checked in: `node src/edge/openapi-file.ts` writes it', () => {
    const file = readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8');
    expect(JSON.parse(file)).toEqual(document);
  });

  it('is OpenAPI 3.1: every reference leads somewhere, every path parameter is described, every schema compiles', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({ title: 'Sigil', version: expect.any(String) });
    for (const [, ref] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const target = ref
        ?.split('/')
        .reduce<unknown>((part, key) => (part as Readonly<Record<string, unknown>> | undefined)?.[key], document);
      expect(target, ref).toBeTypeOf('object');
    }
    for (const [path, item] of Object.entries(document.paths)) {
      const named = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]);
      for (const operation of Object.values(item)) {
        expect(
          (operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map(({ name }) => name),
        ).toEqual(named);
        expect(Object.keys(operation.responses).filter((status) => status < '300')).not.toEqual([]);
      }
    }
    for (const name of Object.keys(document.components.schemas))
      ajv.compile({ $ref: `doc#/components/schemas/${name}` });
  });

  it('is what the schema of OpenAPI itself allows', async () => {
    expect(await new Validator().validate(structuredClone(document) as never)).toMatchObject({ valid: true });
  });

  it('is served, behind the guard', async () => {
    const { client } = await setUp();
    expect((await client.call('GET', '/openapi.json')).body).toEqual(document);
  });
});

it('tells the truth about answers', async () => {
  const { client, house } = await setUp();
  house.doors.set('provider/sigil', () => ({
    name: 'sigil',
    state: 'closed',
    available: true,
    message: '',
    in_flight: 0,
    waiting: 0,
    waits_for: null,
    probes: 0,
    calls: 1,
    failures: 0,
    last_error: null,
    retry_at: null,
    latency: { first_event_ms: { p50: 1, p95: 2, p99: 3 }, took_ms: null },
    models: [
      {
        ...{ model: 'offline', state: 'open', retry_at: '2026-01-01T00:00:00.000Z' },
        last_error: { code: 'provider_model_unknown', message: 'no such model', at: '2026-01-01T00:00:00.000Z' },
      },
    ],
  }));
  house.doors.set('thread/lane-1 thread.models', () => ({
    models: [
      {
        ...{ id: 'offline', name: 'Offline', provider: 'sigil' },
        capabilities: {
          ...{ tools: true, vision: false, streaming: true, thinking: false },
          ...{ maxContextTokens: 1_000, maxOutputTokens: 100 },
        },
      },
    ],
    ...{ live: false, reason: 'nobody to ask' },
  }));
  const chat = await client.call('POST', '/api/v1/chat', { json: { content: 'hi' } });
  check('Chat', chat.body);
  const { turn_id, session_id } = chat.body;
  const pages: readonly [path: string, name: string][] = [
    ['/health', 'Health'],
    ['/ready', 'Ready'],
    ['/nowhere', 'Problem'],
    ['/api/v1/workspaces?limit=0', 'Problem'],
    [`/api/v1/turns/${turn_id}`, 'Turn'],
    [`/api/v1/sessions/${session_id}`, 'Session'],
    [`/api/v1/sessions/${session_id}/messages`, 'Messages'],
    ['/api/v1/workspaces', 'Workspaces'],
    ['/api/v1/workspaces/personal:owner/sessions', 'Sessions'],
    ['/api/v1/status', 'Status'],
    ['/api/v1/providers', 'Providers'],
    ['/api/v1/providers/sigil', 'Provider'],
    ['/api/v1/providers/sigil/health', 'ProviderHealth'],
    ['/api/v1/providers/sigil/models', 'Models'],
    ['/api/v1/providers/none', 'Problem'],
    ['/debug/actors', 'Actors'],
    ['/debug/threads', 'Threads'],
    ['/debug/bus', 'BusFigures'],
    [`/debug/turns/${turn_id}`, 'TurnSteps'],
  ];
  for (const [path, name] of pages) check(name, (await client.call('GET', path)).body);
  house.directory.used_up = {
    items: [
      {
        ...{ key: 'sigil/offline', hour: null, calls: 1, input_tokens: 1, output_tokens: 1, cache_read_tokens: 0 },
        ...{ cache_write_tokens: 0, settled_tokens: 0, cost_usd: 0 },
      },
    ],
    next_cursor: null,
    totals: {
      ...{ calls: 1, input_tokens: 1, output_tokens: 1, cache_read_tokens: 0, cache_write_tokens: 0 },
      ...{ settled_tokens: 0, cost_usd: 0 },
    },
  };
  check('User', (await client.call('POST', '/api/v1/users', { json: { id: 'bo' } })).body);
  const where = { channel: 'tg', channel_type: 'telegram', channel_id: 'c' };
  check('Pairing', (await client.call('POST', '/api/v1/pairings', { json: where })).body);
  const made = (await client.call('POST', '/api/v1/tokens', { json: { name: 'phone' } })).body;
  check('NewToken', made);
  for (const [path, name] of [
    ['/api/v1/users', 'Users'],
    ['/api/v1/pairings', 'Pairings'],
    ['/api/v1/tokens', 'Tokens'],
    ['/api/v1/audit', 'AuditEntries'],
    ['/api/v1/audit/verify', 'AuditCheck'],
    ['/api/v1/usage', 'Usages'],
  ] as const) {
    const { body } = await client.call('GET', path);
    check(name, body);
    if (name !== 'AuditCheck') expect(body.items.length, path).toBeGreaterThan(0);
  }
  check('Removed', (await client.call('DELETE', `/api/v1/tokens/${made.id}`)).body);
  check('Cancelled', (await client.call('POST', `/api/v1/turns/${turn_id}/cancel`)).body);
  check('Session', (await client.call('POST', `/api/v1/sessions/${session_id}/archive`)).body);
});

it('has a schema for every event that is sent', async () => {
  const { client, house } = await setUp();
  const turn = house.open('owner');
  house.say(
    turn,
    { event: 'thinking_delta', data: { text: 'hm' } },
    { event: 'tool_call', data: { id: 'c', name: 'clock', arguments: '{}' } },
    { event: 'tool_result', data: { id: 'c', name: 'clock', content: 'now', is_error: false, truncated: false } },
    { event: 'warning', data: { code: 'x', message: 'y' } },
    { event: 'turn_restarted', data: { reason: 'failover' } },
    done(turn, ''),
  );
  const events = await client.events('GET', `/api/v1/turns/${turn.row.id}/stream`);
  expect(events).toHaveLength(6);
  for (const { event, data } of events) TURN_EVENTS[event as keyof typeof TURN_EVENTS].strict().parse(data);
});
