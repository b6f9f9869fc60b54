// SPDX-License-Identifier: Apache-2.0
// Showing: defaults as the reference prints them, secrets hidden, and what is shown loads to the same configuration.

import { readFileSync } from 'node:fs';
import Ajv from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configGet } from '../../src/config/get.ts';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { escapeReferences } from '../../src/config/references.ts';
import { type ConfigInput, ConfigSchema, deepFreeze, defaultConfig } from '../../src/config/schema.ts';
import { configShow, configShowYaml } from '../../src/config/show.ts';
import { isMap } from '../../src/config/walk.ts';
import { usualRuns } from '../drawn.ts';
import { load, loaded } from './machine.ts';

const reference: unknown = parse(readFileSync(new URL('fixtures/defaults.yaml', import.meta.url), 'utf8'));

/** Every key of nested maps, in order. */
function keys(value: unknown, before = ''): string[] {
  return isMap(value)
    ? Object.entries(value).flatMap(([key, item]) => [`${before}${key}`, ...keys(item, `${before}${key}.`)])
    : [];
}

describe('config show', () => {
  it('prints exactly the reference on an empty machine, in its order', async () => {
    const shown: unknown = parse(await configShowYaml(defaultConfig()));
    expect(shown).toEqual(reference);
    expect(keys(shown)).toEqual(keys(reference));
    expect(loaded(await load(await configShowYaml(defaultConfig()))).config).toEqual(defaultConfig());
  });

  it('hides every secret', async () => {
    const { declared } = loaded(
      await load(
        `
networking: { tailscale: { auth_key: hunter2-a } }
auth: { tokens: [{ token: hunter2-b, user_id: ada }] }
storage: { postgres: { url: "postgres://ada:hunter2-c@db/x?password=hunter2-d&a=b" } }
cluster: { nats: { servers: ["nats://u:hunter2-e@h:4222"] } }
providers: { x: { type: sigil, api_key: hunter2-f, endpoint: "https://u:hunter2-g@h/v1" } }
channels: { tg: { type: telegram, bot_token: hunter2-h, nested: { clientSecret: hunter2-i, url: "https://hunter2-j@h" }, apiKey: [hunter2-k] } }
mcp: { fs: { command: fs, env: { ANY: hunter2-l }, headers: { X-Any: hunter2-m } } }
plugins: { config: { echo: { password: hunter2-n, pin: 12345, prefix: hi } } }
`,
      ),
    );
    const text = await configShowYaml(declared);
    expect(text).not.toMatch(/hunter2|12345/);
    expect(text).toContain('postgres://***@db/x?password=***&a=b');
    expect(text).toContain('prefix: hi');
    expect(configShow(declared, { reveal: true })).toHaveProperty('providers.x.api_key', 'hunter2-f');
  });

  it('writes durations and sizes the short way', async () => {
    const { config } = loaded(
      await load('gateway: { watchdog: 90000, drain_timeout: 3600s }\nattachments: { max_size: 1048576 }\n'),
    );
    expect(configShow(config)).toMatchObject({
      gateway: { watchdog: '90s', drain_timeout: '1h' },
      attachments: { max_size: '1MB' },
    });
  });
});

const name = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,10}$/);
/** Any text, written so that no brace in it is taken for a reference. */
const words = fc
  .oneof(fc.string({ maxLength: 40 }), fc.constantFrom('${', '$${A}', 'a ${B} $$${C}', ' ', '1', 'null', '#x'))
  .filter((text) => !/^(file|keyring):\/\//.test(text))
  .map(escapeReferences);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const plain = fc.oneof(words, fc.integer(), fc.boolean(), fc.constant(null));

const input = fc.record(
  {
    networking: fc.record({
      listen: fc.constantFrom('127.0.0.1:0', '[::1]:1', 'localhost:80'),
      rate_limit_rps: fc.nat(1_000_000),
      trusted_proxies: fc.array(fc.constantFrom('10.0.0.0/8', 'fd00::/8', '::1'), { maxLength: 3 }),
    }),
    auth: fc.record({
      tokens: fc.array(fc.record({ token: fc.constantFrom('a', '$${x}'), user_id: name, name: words }), {
        maxLength: 2,
      }),
    }),
    gateway: fc.record({
      threads: fc.oneof(fc.constant('auto' as const), fc.integer({ min: 1, max: 256 })),
      watchdog: fc.integer({ min: 100, max: 600_000 }),
      session_idle_timeout: fc.constantFrom('15m', '900s', '0.5h', '24d'),
    }),
    models: fc.record({
      overrides: fc.dictionary(name, fc.constantFrom('', 'sigil/offline')),
      pricing: fc.dictionary(
        fc.constantFrom('a/b', 'a/b.c', 'x/y:z'),
        fc.record({ input: fc.nat(9), output: fc.nat(9) }),
      ),
    }),
    agent: fc.record({ persona: words }),
    workspaces: fc.dictionary(
      name,
      fc.record({
        description: words,
        skills: maybe(fc.array(name, { maxLength: 2 })),
      }),
    ),
    users: fc.uniqueArray(fc.record({ id: name, role: fc.constantFrom('owner' as const, 'guest' as const) }), {
      selector: ({ id }) => id,
      maxLength: 3,
    }),
    channels: fc.dictionary(name, fc.record({ type: fc.constant('web'), redeliver: fc.boolean(), own: plain })),
    plugins: fc.record({ config: fc.dictionary(name, fc.dictionary(name, plain)) }),
    attachments: fc.record({ max_size: fc.integer({ min: 1024, max: 2 ** 30 }) }),
    telemetry: fc.record({ metrics: fc.boolean() }),
  },
  { requiredKeys: [] },
);

describe('what is shown', () => {
  it('loads to the same configuration', async () => {
    await fc.assert(
      fc.asyncProperty(input, async (written) => {
        const first = loaded(await load(JSON.stringify(written)));
        const again = loaded(await load(await configShowYaml(first.declared, { reveal: true })));
        expect(again.declared).toEqual(first.declared);
        expect(configShow(again.declared)).toEqual(configShow(first.declared));
      }),
      { numRuns: usualRuns(150) },
    );
  });
});

describe('config get', () => {
  const config = deepFreeze(
    ConfigSchema.parse({
      providers: { 'my.llm': { type: 'sigil', api_key: 'hunter2' } },
      models: { pricing: { 'a/b-4.1': { input: 1, output: 2 } } },
      users: [{ id: 'ada' }],
    } satisfies ConfigInput),
  );

  it.each([
    ['networking.listen', '127.0.0.1:18789'],
    ['gateway.drain_timeout', '30s'],
    ['providers.my.llm.api_key', '***'],
    ['providers.my.llm.endpoint', null],
    ['models.pricing.a/b-4.1.output', 2],
    ['users.0.id', 'ada'],
    ['users[0].role', 'member'],
    ['telemetry', { otlp_endpoint: '', metrics: true }],
  ])('finds %s', (key, value) => expect(configGet(config, key)).toMatchObject({ ok: true, value }));

  it.each([
    ['networking.lisen', 'networking.listen'],
    ['netwroking', 'networking'],
    ['providers.my.llm.apikey', 'providers.my.llm.api_key'],
    ['networking.listen.port', undefined],
    ['users.1.id', undefined],
    ['constructor', undefined],
  ])('does not find %s', (key, suggestion) => expect(configGet(config, key)).toMatchObject({ ok: false, suggestion }));
});

describe('the JSON Schema', () => {
  const schema = configJsonSchema();

  it('accepts the reference and refuses what the loader refuses', () => {
    const validate = new Ajv.default({ strict: false, validateFormats: false }).compile(schema);
    expect(validate(reference), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({})).toBe(true);
    expect(validate({ gateway: { drain_timeout: '5 minutes' } })).toBe(false);
    expect(validate({ nonsense: 1 })).toBe(false);
    expect(validate({ logging: { level: 'loud' } })).toBe(false);
  });

  it('describes every key', () => {
    const missing: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (!isMap(node)) return;
      for (const [key, child] of Object.entries(isMap(node['properties']) ? node['properties'] : {})) {
        if (!isMap(child) || typeof child['description'] !== 'string') missing.push(`${path}.${key}`);
        visit(child, `${path}.${key}`);
      }
      visit(node['additionalProperties'], `${path}.*`);
      visit(node['items'], `${path}[]`);
    };
    visit(schema, '');
    expect(missing).toEqual([]);
  });
});
