// SPDX-License-Identifier: Apache-2.0
// Changing one value in a file: what was meant is what is read, and every other line is as it was.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { commentedConfig } from '../../src/config/commented.ts';
import { type Change, changedData, editText } from '../../src/config/edit.ts';
import { resolveKey } from '../../src/config/key-path.ts';
import { ConfigSchema, defaultConfig } from '../../src/config/schema.ts';
import { usualRuns } from '../drawn.ts';
import { load, loaded } from './machine.ts';

const FILE = `# mine
networking:   # net
    listen: "127.0.0.1:1"   # where
    allowed_hosts: [a, b]

users:
- { id: ada }   # first
- id: bob
  name: Bob

providers: {}
gateway:
# at the end
models:
  pricing:
    openai/gpt-4.1: { input: 1, output: 2 }
agent:
  persona: |
    Line one
    Line two
  turn_timeout: 5m
`;

/** Lines that went and lines that came. */
function difference(before: string, after: string): { gone: string[]; came: string[] } {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return { gone: old.filter((line) => !now.includes(line)), came: now.filter((line) => !old.includes(line)) };
}

describe('changing a value in a file', () => {
  it.each<[string, Change, string[], string[]]>([
    [
      'a value with a comment behind it',
      { path: ['networking', 'listen'], value: '[::1]:0' },
      ['    listen: "127.0.0.1:1"   # where'],
      ['    listen: "[::1]:0"   # where'],
    ],
    [
      'an item in brackets',
      { path: ['networking', 'allowed_hosts', 2], value: 'c' },
      ['    allowed_hosts: [a, b]'],
      ['    allowed_hosts: [a, b, c]'],
    ],
    ['a key beside others', { path: ['networking', 'rate_limit_rps'], value: 5 }, [], ['    rate_limit_rps: 5']],
    [
      'a key far below',
      { path: ['networking', 'tailscale', 'hostname'], value: 'x' },
      [],
      ['    tailscale:', '      hostname: x'],
    ],
    [
      'an entry of an empty map',
      { path: ['providers', 'ollama', 'type'], value: 'ollama' },
      ['providers: {}'],
      ['providers:', '  ollama:', '    type: ollama'],
    ],
    ['a key under nothing', { path: ['gateway', 'threads'], value: 3 }, [], ['  threads: 3']],
    [
      'a value in braces',
      { path: ['models', 'pricing', 'openai/gpt-4.1', 'input'], value: 7.5 },
      ['    openai/gpt-4.1: { input: 1, output: 2 }'],
      ['    openai/gpt-4.1: { input: 7.5, output: 2 }'],
    ],
    [
      'a key in braces',
      { path: ['users', 0, 'name'], value: 'Ada L' },
      ['- { id: ada }   # first'],
      ['- { id: ada, name: Ada L }   # first'],
    ],
    ['an item', { path: ['users', 2], value: { id: 'eve' } }, [], ['- id: eve']],
    [
      'a text of many lines',
      { path: ['agent', 'persona'], value: 'hi' },
      ['    Line one', '    Line two', '  persona: |'],
      ['  persona: hi'],
    ],
    ['what was not there', { path: ['logging', 'level'], value: 'debug' }, [], ['logging:', '  level: debug']],
    ['a key, taken out', { path: ['agent', 'turn_timeout'], unset: true }, ['  turn_timeout: 5m'], []],
    ['an item, taken out', { path: ['users', 1], unset: true }, ['- id: bob', '  name: Bob'], []],
    [
      'a map, taken out',
      { path: ['models'], unset: true },
      ['models:', '  pricing:', '    openai/gpt-4.1: { input: 1, output: 2 }'],
      [],
    ],
  ])('touches nothing else: %s', async (_, change, gone, came) => {
    const difference_ = difference(FILE, await editText(FILE, change));
    expect({ gone: difference_.gone.toSorted(), came: difference_.came }).toEqual({ gone: gone.toSorted(), came });
  });

  it('says what was meant whatever the value and the place, with every comment still there', async () => {
    const places = fc.constantFrom<Change['path'][]>(
      ['networking', 'listen'],
      ['networking', 'allowed_hosts'],
      ['networking', 'allowed_hosts', 1],
      ['users', 0, 'id'],
      ['users', 1],
      ['providers', 'a.b', 'api_key'],
      ['gateway', 'threads'],
      ['models', 'pricing', 'openai/gpt-4.1'],
      ['agent', 'persona'],
      ['new', 'key: with # signs'],
    );
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('true', '1', 'null', '- a', '${X}', '#', 'a: b', "it's", '[x', 'a\nb\n', ' x '),
    );
    const values = fc.oneof(
      text,
      fc.integer(),
      fc.boolean(),
      fc.array(text, { minLength: 1, maxLength: 3 }),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), text, { minKeys: 1, maxKeys: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(places, values, async (path, value) => {
        const printable = JSON.stringify(value);
        fc.pre(!/[\ud800-\udfff]|\\u/.test(printable));
        const after = await editText(FILE, { path, value });
        const read = parseDocument(after);
        expect(read.errors).toEqual([]);
        const wanted = changedData(parseDocument(FILE).toJS(), { path, value });
        expect(read.toJS()).toEqual(wanted);
        expect(after).toContain('# mine');
        expect(after).toContain('# at the end');
      }),
      { numRuns: usualRuns(150) },
    );
  });

  it('changes nothing where it is so already', async () => {
    expect(await editText(FILE, { path: ['networking', 'listen'], value: '127.0.0.1:1' })).toBe(FILE);
  });
});

describe('a key as it is typed', () => {
  const data = {
    users: [{ id: 'ada' }],
    models: { pricing: { 'a/b.c': { input: 1, output: 2 } } },
    channels: { irc: { port: 1 } },
  };
  it.each([
    ['networking.listen', ['networking', 'listen']],
    ['users[0].id', ['users', 0, 'id']],
    ['users.1.id', ['users', 1, 'id']],
    ['models.pricing.a/b.c.input', ['models', 'pricing', 'a/b.c', 'input']],
    ['models.pricing.openai/gpt-4.1.input', ['models', 'pricing', 'openai/gpt-4.1', 'input']],
    ['models.pricing["x/y.z"].output', ['models', 'pricing', 'x/y.z', 'output']],
    ['models.overrides.homelab', ['models', 'overrides', 'homelab']],
    ['providers.my.llm.api_key', ['providers', 'my.llm', 'api_key']],
    ['channels.irc.channels.0.name', ['channels', 'irc', 'channels', '0', 'name']],
    ['mcp.files.headers.X-Key', ['mcp', 'files', 'headers', 'X-Key']],
    ['logging', ['logging']],
  ])('is a place: %s', (key, path) => {
    expect(resolveKey(ConfigSchema, key, data)).toMatchObject({ ok: true, path });
  });

  it.each([
    ['logging.levl', /did you mean logging\.level\?/],
    ['users.5.id', /a list of 1.*1 adds one/],
    ['users.x', /no position/],
    ['workspaces.Home Lab.model', /cannot be a name in workspaces/],
    ['logging.level.x', /is a single value/],
    ['__proto__.x', /no configuration key/],
    ['providers.__proto__.api_key', /cannot be a name/],
    ['', /is no key/],
    ['a..b', /is no key|no configuration key/],
    ['users[', /is no key/],
  ])('is none, and says why: %s', (key, says) => {
    const found = resolveKey(ConfigSchema, key, data);
    expect(found).toMatchObject({ ok: false, message: expect.stringMatching(says) });
  });
});

describe('the file that explains itself', () => {
  it('is a configuration that changes nothing, commented out and in', async () => {
    const text = commentedConfig({});
    expect(loaded(await load(text)).config).toEqual(defaultConfig());
    // Every line that is a setting, without its mark; examples name providers and channels of their own.
    const settings = text
      .slice(text.indexOf('\n\n'))
      .split('\n')
      .filter((line) => /^# +(?:- \{|[\w".]+:(?: |$))/.test(line))
      .map((line) => line.replace(/^# /, ''));
    const { declared } = loaded(await load(`${settings.join('\n')}\n`, { env: { ANTHROPIC_API_KEY: 'x' } }));
    const { providers, channels, workspaces, users, mcp, ...rest } = declared;
    const { providers: _a, channels: _b, workspaces: _c, users: _d, mcp: _e, ...usual } = defaultConfig();
    expect(rest).toEqual(usual);
    expect([providers, channels, workspaces, users, mcp].map((one) => Object.keys(one).length)).toEqual([
      2, 1, 1, 1, 1,
    ]);
  });

  it('says what was chosen, once', async () => {
    const text = commentedConfig({ logging: { level: 'debug' }, providers: { ollama: {} } });
    expect(loaded(await load(text)).config.logging.level).toBe('debug');
    expect(text.match(/level:/g)).toHaveLength(1);
  });
});
