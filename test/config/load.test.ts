// SPDX-License-Identifier: Apache-2.0
// Loading: precedence, environment mapping, references, and every kind of problem with its place.

import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { resolveReferences } from '../../src/config/references.ts';
import type { LookUp } from '../../src/config/secret-keys.ts';
import { configShow } from '../../src/config/show.ts';
import { KNOWN, LATER, load, loaded, machine, refused } from './machine.ts';

describe('precedence', () => {
  const yaml = 'gateway:\n  threads: 2\n  io_threads: 2\n  drain_timeout: 2s\n';

  it('is flags, environment, file, defaults', async () => {
    const env = { SIGIL_GATEWAY_THREADS: '3', SIGIL_GATEWAY_IO_THREADS: '3' };
    const { config, source } = loaded(
      await load(yaml, { env, flags: { gateway: { threads: '4' } }, flagNames: { 'gateway.threads': '--threads' } }),
    );
    expect(config.gateway).toMatchObject({ threads: 4, io_threads: 3, drain_timeout: 2000, watchdog: 10_000 });
    expect(source).toEqual({
      file: '/home/ada/sigil.yaml',
      env: ['SIGIL_GATEWAY_IO_THREADS', 'SIGIL_GATEWAY_THREADS'],
      flags: ['--threads'],
    });
  });

  it('needs no file', async () => {
    const { config, source } = loaded(await loadConfig({ known: KNOWN, machine: machine() }));
    expect(config.networking.listen).toBe('127.0.0.1:18789');
    expect(source.file).toBeUndefined();
  });

  it('takes empty values as defaults, and an empty file as none', async () => {
    expect(loaded(await load('providers:\ngateway:\n  threads:\n')).config.gateway.threads).toBe('auto');
    expect(loaded(await load('# nothing\n')).config.providers).toEqual({});
  });

  it('gives a value nobody can change', async () => {
    const { config } = loaded(await load('users: [{ id: ada }]\n'));
    expect(Object.isFrozen(config) && Object.isFrozen(config.gateway) && Object.isFrozen(config.users[0])).toBe(true);
  });
});

describe('environment variables', () => {
  it('reach nested keys, lists, numbers and booleans', async () => {
    const { config, warnings } = loaded(
      await load('', {
        env: {
          SIGIL_NETWORKING_LISTEN: '[::1]:0',
          SIGIL_NETWORKING_TAILSCALE_NODE_AUTH_REQUIRED_TAG: 'tag:other',
          SIGIL_NETWORKING_ALLOWED_HOSTS: 'a.example, b.example',
          SIGIL_MODELS_BUDGETS_PER_DAY_USD: '1.5',
          SIGIL_TELEMETRY_METRICS: 'false',
          SIGIL_ATTACHMENTS_MAX_SIZE: '2MB',
          SIGIL_OUTBOX_MAX_AGE: '5000',
          SIGIL_AUTH_TOKENS: '[{"token":"t","user_id":"ada"}]',
          SIGIL_AGENT_PERSONA: '',
          SIGIL_CONFIG: '',
          SIGIL_TOKEN: 'x',
          SIGIL_URL: 'x',
          SIGIL_KILL_AT: 'x',
          SIGIL_DATA_DIR: 'x',
        },
      }),
    );
    expect(config.networking).toMatchObject({ listen: '[::1]:0', allowed_hosts: ['a.example', 'b.example'] });
    expect(config.networking.tailscale.node_auth.required_tag).toBe('tag:other');
    expect(config.models.budgets.per_day_usd).toBe(1.5);
    expect(config.telemetry.metrics).toBe(false);
    expect(config.attachments.max_size).toBe(2_097_152);
    expect(config.outbox.max_age).toBe(5000);
    expect(config.auth.tokens).toEqual([{ token: 't', user_id: 'ada', name: '' }]);
    expect(warnings).toEqual([]);
  });

  it('create map entries, prefer existing ones, and write - as _', async () => {
    const { declared } = loaded(
      await load('providers:\n  my-llm: { type: sigil }\n', {
        known: LATER,
        env: {
          SIGIL_PROVIDERS_ANTHROPIC_API_KEY: 'sk',
          SIGIL_PROVIDERS_MY_LLM_MAX_RETRIES: '7',
          SIGIL_PROVIDERS_MY_LLM_TIMEOUTS_FIRST_EVENT: '9s',
          SIGIL_PROVIDERS_OPENAI_COMPATIBLE_ENDPOINT: 'http://127.0.0.1:1/v1',
          SIGIL_PROVIDERS_BRAND_NEW_TYPE: 'sigil',
          SIGIL_CHANNELS_TELEGRAM_BOT_TOKEN: '12:ab',
          SIGIL_CHANNELS_TG_WORK_TYPE: 'telegram',
          SIGIL_WORKSPACES_HOMELAB_TOOLS_DENY: 'tool.a,tool.b',
          SIGIL_MODELS_OVERRIDES_HOMELAB: 'sigil/offline',
          SIGIL_MCP_FS_COMMAND: 'fs',
          SIGIL_MCP_FS_ENV_API_KEY: 'k',
          SIGIL_PLUGINS_CONFIG_ECHO_PREFIX: 'hi',
        },
      }),
    );
    expect(Object.keys(declared.providers).toSorted()).toEqual([
      'anthropic',
      'brand_new',
      'my-llm',
      'openai-compatible',
    ]);
    expect(declared.providers['anthropic']?.api_key).toBe('sk');
    expect(declared.providers['my-llm']).toMatchObject({
      type: 'sigil',
      max_retries: 7,
      timeouts: { first_event: 9000 },
    });
    expect(declared.channels['telegram']).toMatchObject({ bot_token: '12:ab', pairing: 'pair_on_request' });
    expect(declared.channels['tg_work']?.type).toBe('telegram');
    expect(declared.workspaces['homelab']?.tools.deny).toEqual(['tool.a', 'tool.b']);
    expect(declared.models.overrides).toEqual({ homelab: 'sigil/offline' });
    expect(declared.mcp['fs']).toMatchObject({ command: 'fs', env: { API_KEY: 'k' } });
    expect(declared.plugins.config).toEqual({ echo: { prefix: 'hi' } });
  });

  it('that name nothing are a warning with the nearest name', async () => {
    const { warnings } = loaded(
      await load('', {
        env: {
          SIGIL_NETWORKING_LISTNE: 'x',
          SIGIL_CHANNELS_X___PROTO__: '1',
          SIGIL_PROVIDERS: '{}',
          SIGIL_PROVIDERS_ANTHROPIC_APIKEY: 'k',
        },
      }),
    );
    expect(warnings.map(({ name }) => name)).toEqual([
      'SIGIL_CHANNELS_X___PROTO__',
      'SIGIL_NETWORKING_LISTNE',
      'SIGIL_PROVIDERS_ANTHROPIC_APIKEY',
    ]);
    expect(warnings[1]?.message).toContain('did you mean SIGIL_NETWORKING_LISTEN?');
  });

  it('and flags are named by what is wrong in them', async () => {
    const { problems } = refused(
      await load('', {
        env: { SIGIL_GATEWAY_IO_THREADS: 'many', SIGIL_PROVIDERS_X_MAX_RETRIES: '-1', SIGIL_AUTH_TOKENS: 'nonsense' },
        flags: { networking: { listen: 'nowhere' }, gateway: { thread: 1 } },
        flagNames: { 'networking.listen': '--listen' },
      }),
    );
    const places = problems.map(({ origin, name, path }) => [origin, name, path]);
    expect(places).toEqual(
      expect.arrayContaining([
        ['env', 'SIGIL_GATEWAY_IO_THREADS', 'gateway.io_threads'],
        ['env', 'SIGIL_PROVIDERS_X_MAX_RETRIES', 'providers.x.max_retries'],
        ['env', 'SIGIL_AUTH_TOKENS', 'auth.tokens'],
        ['flag', '--listen', 'networking.listen'],
        ['flag', '--thread', 'gateway.thread'],
      ]),
    );
    expect(places).toHaveLength(5);
    expect(problems.find(({ name }) => name === '--listen')?.message).toMatch(
      /^--listen: networking\.listen: found the text "nowhere"; allowed: host:port/,
    );
  });
});

describe('problems', () => {
  it('are all reported at once, each with its line, what was found and what is allowed', async () => {
    const yaml = [
      'networking:', // 1
      '  listen: nowhere', // 2
      '  lisen: "x"', // 3
      '  cors_origins: https://a.example', // 4
      'gateway:', // 5
      '  threads: 0', // 6
      '  drain_timeout: 5 minutes', // 7
      '  awake_max: 1.5', // 8
      'sessions: { queue: followups }', // 9
      'attachments: { max_size: 10TB }', // 10
      'telemetry: { metrics: "maybe" }', // 11
      'workspaces:', // 12
      '  Home Lab: {}', // 13
      'users:', // 14
      '  - name: Ada', // 15
      '  - { id: bob, role: king }', // 16
      'models:', // 17
      '  default: gpt-4', // 18
      '  budgets: []', // 19
      'logging:', // 20
      '  level: info', // 21
      '  level: warn', // 22
      'agent: { persona: "${NOT_SET}" }', // 23
      'nonsense: 1', // 24
    ].join('\n');
    const { problems } = refused(await load(yaml));
    expect(problems.map(({ line, path, found, allowed }) => [line, path, found, allowed])).toEqual([
      [2, 'networking.listen', 'the text "nowhere"', 'host:port, such as 127.0.0.1:18789, localhost:0 or [::1]:18789'],
      [3, 'networking.lisen', 'the unknown key "lisen"', expect.stringContaining('listen, allowed_hosts')],
      [
        4,
        'networking.cors_origins',
        'the text "https://a.example"',
        expect.stringContaining('a list, each item an origin'),
      ],
      [6, 'gateway.threads', 'the number 0', 'auto, or a whole number from 1 to 256'],
      [7, 'gateway.drain_timeout', 'the text "5 minutes"', expect.stringContaining('from 0s to 1h')],
      [8, 'gateway.awake_max', 'the number 1.5', 'a whole number from 1 to 10000000'],
      [9, 'sessions.queue', 'the text "followups"', 'one of followup, collect, steer, interrupt'],
      [10, 'attachments.max_size', 'the text "10TB"', expect.stringContaining('1 KB is 1024 bytes')],
      [11, 'telemetry.metrics', 'the text "maybe"', 'true or false'],
      [13, 'workspaces["Home Lab"]', 'the name "Home Lab"', expect.stringContaining('an id of lowercase letters')],
      [15, 'users[0].id', 'nothing', expect.stringContaining('an id of lowercase letters')],
      [16, 'users[1].role', 'the text "king"', 'one of owner, admin, member, guest'],
      [18, 'models.default', 'the text "gpt-4"', expect.stringContaining('"provider/model"')],
      [19, 'models.budgets', 'a list of 0', expect.stringContaining('a map with the keys per_session_tokens')],
      [22, 'logging.level', 'the same key twice', 'each key once'],
      [
        23,
        'agent.persona',
        'a reference, but the environment variable NOT_SET is not set',
        expect.stringContaining('NOT_SET'),
      ],
      [24, 'nonsense', 'the unknown key "nonsense"', expect.stringContaining('networking, auth')],
    ]);
    expect(problems[1]?.message).toContain('did you mean listen?');
    expect(problems[6]?.message).toContain('did you mean followup?');
    expect(problems[0]).toMatchObject({ origin: 'file', file: '/home/ada/sigil.yaml', column: 11 });
    expect(problems[0]?.message).toMatch(/^\/home\/ada\/sigil\.yaml:2:11: networking\.listen: found/);
  });

  it('of syntax come with their line, beside those of the environment', async () => {
    const { problems } = refused(
      await load('gateway:\n  threads: [1\nauth: {}\n', { env: { SIGIL_GATEWAY_IO_THREADS: 'x' } }),
    );
    expect(
      problems.some(
        ({ origin, line, found }) => origin === 'file' && (line ?? 0) >= 2 && found.startsWith('invalid YAML'),
      ),
    ).toBe(true);
    expect(problems.some(({ name }) => name === 'SIGIL_GATEWAY_IO_THREADS')).toBe(true);
  });

  it.each([
    ['- a\n', 'a list'],
    ['text\n', 'a single value'],
    ['__proto__: { auth: { mode: none } }\n', 'the key __proto__'],
  ])('refuses the file %j', async (yaml, found) => {
    expect(refused(await load(yaml)).problems.map((problem) => problem.found)).toContain(found);
  });

  it('name a missing file by who asked for it', async () => {
    const flag = refused(await load('', { configPath: 'gone.yaml' })).problems[0];
    expect(flag).toMatchObject({ origin: 'flag', name: '--config', found: 'no file /home/ada/gone.yaml' });
    const env = refused(await load('', { env: { SIGIL_CONFIG: '/gone.yaml' } })).problems[0];
    expect(env).toMatchObject({ origin: 'env', name: 'SIGIL_CONFIG' });
  });

  it('never show a secret', async () => {
    const { problems } = refused(
      await load(
        'providers:\n  y: sk-1-misplaced\n  x: { api_key: [sk-1], endpoint: "ftp://u:hunter2@h" }\nauth:\n  tokens: [{ token: 12345, user_id: ada }]\n',
      ),
    );
    expect(JSON.stringify(problems)).not.toMatch(/sk-1|hunter2|12345/);
    expect(problems).toHaveLength(4);
  });

  it('include auth.mode none on an address others can reach, unlike loopback', async () => {
    for (const listen of ['0.0.0.0:1', '[::]:1', 'example.org:1']) {
      const { problems } = refused(await load(`networking: { listen: "${listen}" }\nauth:\n  mode: none\n`));
      expect(problems).toMatchObject([{ path: 'auth.mode', line: 3 }]);
    }
    for (const listen of ['127.0.0.1:0', '[::1]:1', 'localhost:1']) {
      expect((await load(`networking: { listen: "${listen}" }\nauth: { mode: none }\n`)).ok).toBe(true);
    }
  });

  it('include a user or an identity given twice', async () => {
    const yaml =
      'users:\n  - { id: ada, identities: [{ channel: irc, platform_id: a }] }\n  - id: ada\n    identities: [{ channel: irc, platform_id: a }]\n';
    expect(refused(await load(yaml)).problems.map(({ line, path }) => [line, path])).toEqual([
      [3, 'users[1].id'],
      [4, 'users[1].identities[0]'],
    ]);
  });
});

describe('references', () => {
  it('in secrets stay as written until they are needed', async () => {
    const source = machine({ '/run/key': 'from file\n' }, { KEY: 'from env' });
    const yaml =
      'storage: { postgres: { url: "postgres://u:${KEY}@h/d" } }\nauth: { tokens: [{ token: "file:///run/key", user_id: ada }] }\n';
    const { config } = loaded(await load(yaml, { env: { KEY: 'from env' }, files: { '/run/key': 'from file\n' } }));
    expect(config.storage.postgres.url).toBe('postgres://u:${KEY}@h/d');
    expect(resolveReferences(config.storage.postgres.url, source)).toBe('postgres://u:from env@h/d');
    expect(resolveReferences(config.auth.tokens[0]?.token ?? '', source)).toBe('from file');
    expect(() => resolveReferences('${GONE}', source)).toThrow('GONE is not set');
    expect(resolveReferences('$${KEY} $5', source)).toBe('${KEY} $5');
  });

  it('in plain values are filled in before types are checked', async () => {
    const yaml =
      'networking: { listen: "${HOST}:1" }\ngateway: { io_threads: "${N}", drain_timeout: "${D}" }\nagent: { persona: "file:///p.md" }\n';
    const { config } = loaded(
      await load(yaml, { env: { HOST: 'localhost', N: '3', D: '7s' }, files: { '/p.md': 'Be kind.\n' } }),
    );
    expect(config.networking.listen).toBe('localhost:1');
    expect(config.gateway).toMatchObject({ io_threads: 3, drain_timeout: 7000 });
    expect(config.agent.persona).toBe('Be kind.');
  });

  it('in plain values that lead nowhere are problems outside an entry', async () => {
    const yaml =
      'agent:\n  persona: file:///gone\nnetworking:\n  listen: keyring://a/b\nauth:\n  tokens:\n    - { token: "${GONE}", user_id: ada }\n';
    const { problems } = refused(await load(yaml));
    expect(problems.map(({ line, path }) => [line, path])).toEqual([
      [2, 'agent.persona'],
      [4, 'networking.listen'],
    ]);
    expect(problems[1]?.found).toContain('keyring:// stands for a secret');
  });

  it('in plain values are not repeated in what is told of them', async () => {
    const env = { KEY: 'sk-not-to-be-seen' };
    const yaml = 'networking: { listen: "${KEY}" }\ngateway: { threads: "${KEY}" }\nattachments: { types: "${KEY}" }\n';
    const { problems } = refused(await load(yaml, { env }));
    expect(problems.map(({ path }) => path)).toEqual(['networking.listen', 'gateway.threads', 'attachments.types[0]']);
    expect(JSON.stringify(problems)).not.toContain(env.KEY);
  });

  it('to a kept secret are checked for how they are written', async () => {
    const yaml = [
      'auth:',
      '  tokens:',
      '    - { token: "keyring://sigil/phone", user_id: ada }',
      '    - { token: "keyring://sk-in-the-wrong-place", user_id: bob }',
      '    - { token: "${GONE}", user_id: eve }',
      '    - { token: t, user_id: kim }',
      'networking: { tailscale: { auth_key: "${a-b}" } }',
    ].join('\n');
    const { config, declared, quarantined } = loaded(await load(yaml));
    expect(quarantined.map(({ line, path, code }) => [line, path, code])).toEqual([
      [4, 'auth.tokens[1]', 'broken_reference'],
      [5, 'auth.tokens[2]', 'broken_reference'],
      [7, 'networking.tailscale.auth_key', 'broken_reference'],
    ]);
    expect(JSON.stringify(quarantined)).not.toContain('wrong-place');
    expect(config.auth.tokens.map(({ user_id }) => user_id)).toEqual(['ada', 'kim']);
    expect(config.auth.tokens[0]?.token).toBe('keyring://sigil/phone');
    expect(config.networking.tailscale.auth_key).toBe('');
    expect(configShow(declared)).toHaveProperty('networking.tailscale.auth_key', '***');
  });

  it('refuses what config show prints in place of a secret', async () => {
    expect(refused(await load('networking: { tailscale: { auth_key: "***" } }\n')).problems[0]?.found).toContain(
      'config show',
    );
  });
});

describe('one bad entry', () => {
  it('is set aside, with its line, and everything else runs', async () => {
    const yaml = [
      'providers:',
      '  sigil: {}',
      '  anthropic: { api_key: "${ANTHROPIC_API_KEY}" }',
      '  work: { type: openai, api_key: k }',
      '  odd: { type: antropic }',
      '  ring: { type: sigil, api_key: "keyring://sigil/x" }',
      'channels:',
      '  tg: { type: telegram, token: "${TG}" }',
      '  web: { type: web }',
      '  what: { type: pigeon }',
      'models:',
      '  default: anthropic/claude-opus-4-6',
      '  failover: [work/gpt, sigil/offline, nobody/x]',
      'workspaces: { lab: { model: nobody/x } }',
      'mcp: { fs: { args: [a] } }',
      'plugins: { config: { echo: { key: "${GONE}" } } }',
    ].join('\n');
    const { config, declared, quarantined } = loaded(await load(yaml));
    expect(quarantined.map(({ line, path, code }) => [line, path, code])).toEqual([
      [3, 'providers.anthropic', 'broken_reference'],
      [8, 'channels.tg', 'broken_reference'],
      [16, 'plugins.config.echo', 'broken_reference'],
      [4, 'providers.work', 'not_available'],
      [5, 'providers.odd', 'unknown_type'],
      [9, 'channels.web', 'invalid_entry'],
      [10, 'channels.what', 'unknown_type'],
      [15, 'mcp.fs', 'invalid_entry'],
      [12, 'models.default', 'provider_not_configured'],
      [13, 'models.failover[0]', 'provider_not_configured'],
      [13, 'models.failover[2]', 'provider_not_configured'],
      [14, 'workspaces.lab.model', 'provider_not_configured'],
    ]);
    expect(quarantined.find(({ path }) => path === 'providers.work')?.message).toContain(
      'not available in this version',
    );
    expect(quarantined.find(({ path }) => path === 'providers.odd')?.advice).toContain('Did you mean anthropic?');
    expect(Object.keys(config.providers)).toEqual(['sigil', 'ring']);
    expect(config.providers['ring']?.api_key).toBe('keyring://sigil/x');
    expect(quarantined.find(({ path }) => path === 'channels.web')?.message).toContain(
      'A chat channel cannot be called web: that is a channel of the gateway itself.',
    );
    expect(Object.keys(config.channels)).toEqual([]);
    expect(config.models).toMatchObject({ default: '', failover: ['sigil/offline'] });
    expect(config.workspaces['lab']?.model).toBe('');
    expect(config.plugins.config).toEqual({});
    expect(Object.keys(declared.providers)).toHaveLength(5);
    expect(Object.isFrozen(config.models)).toBe(true);
  });

  it('is a provider without its key, where that type needs one', async () => {
    const { config, quarantined } = loaded(
      await load('providers: { main: { type: anthropic } }\nmodels: { default: main/x }\n', { known: LATER }),
    );
    expect(quarantined).toMatchObject([
      { path: 'providers.main', code: 'missing_key', advice: expect.stringContaining('SIGIL_PROVIDERS_MAIN_API_KEY') },
      { path: 'models.default', code: 'provider_not_configured' },
    ]);
    expect(config.models.default).toBe('');
    const good = loaded(
      await load('providers: { main: { type: anthropic, api_key: k } }\nmodels: { default: main/x }\n', {
        known: LATER,
      }),
    );
    expect(good.quarantined).toEqual([]);
    expect(good.config).toBe(good.declared);
  });

  it('is one whose kept secret is not there, outside any entry too', async () => {
    const yaml = [
      'secrets: { backend: file }',
      'providers: { a: { type: sigil, api_key: "keyring://x/there" }, b: { type: sigil, api_key: "keyring://x/gone" } }',
      'auth:',
      '  tokens:',
      '    - { token: "keyring://x/gone", user_id: ada }',
      '    - { token: "${GONE}", user_id: bob }',
      '    - { token: "keyring://x/gone", user_id: eve }',
      '    - { token: "keyring://x/there", user_id: kim }',
      'models: { default: b/m }',
    ].join('\n');
    const asked: string[] = [];
    const lookUp: LookUp = async (name, { backend }) => {
      asked.push(`${name} in ${backend}`);
      return name === 'x/there' ? undefined : { message: 'It is not there.', advice: 'Set it.' };
    };
    const { config, quarantined } = loaded(await load(yaml, { lookUp }));
    expect(asked).toEqual(['x/gone in file', 'x/there in file']);
    expect(quarantined.map(({ path }) => path)).toEqual([
      'auth.tokens[1]',
      'auth.tokens[0]',
      'auth.tokens[2]',
      'providers.b',
      'models.default',
    ]);
    expect(quarantined[1]).toMatchObject({
      message: expect.stringContaining('token: keyring://x/gone: It is not there.'),
      advice: 'Set it.',
      line: 5,
    });
    expect(config.auth.tokens.map(({ user_id }) => user_id)).toEqual(['kim']);
    expect(Object.keys(config.providers)).toEqual(['a']);
  });

  it('names the variable that made it', async () => {
    const { quarantined } = loaded(await load('', { env: { SIGIL_CHANNELS_TELEGRAM_TOKEN: 'x' } }));
    expect(quarantined).toMatchObject([
      { path: 'channels.telegram', origin: 'env', name: 'SIGIL_CHANNELS_TELEGRAM_TOKEN', code: 'not_available' },
    ]);
  });
});
