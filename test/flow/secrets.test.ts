// SPDX-License-Identifier: Apache-2.0
// The real program with secrets in its store: it works with them, and shows none of them anywhere, whatever goes wrong.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { scratch, sigil, start, until } from '../cli/process.ts';
import { type Call, Client, type Reply } from '../edge/client.ts';
import { LEAKED } from '../secrets/leaky-tools.ts';

const TOKEN = 'token-5f0c-9d3b7a-of-the-owner';
const KEY = 'sk-"quoted"\\and spaced-77d1';
const FILE_KEY = 'from-a-file-91c4e';
const ENV_KEY = 'from-the-environment-2b7d';
const ALL = [TOKEN, KEY, FILE_KEY, ENV_KEY];

const home = scratch();
const env = {
  SOME_KEY: ENV_KEY,
  SIGIL_FAULTS: '1',
  SIGIL_TEST_TOOLS: fileURLToPath(new URL('../secrets/leaky-tools.ts', import.meta.url)),
};
const config = `
secrets: { backend: file }
logging: { level: trace, format: json }
networking: { listen: "127.0.0.1:0", chat_rate_limit_rpm: 0, tailscale: { auth_key: "\${SOME_KEY}" } }
auth:
  tokens:
    - { token: keyring://sigil/owner, user_id: owner, permissions: ["admin:*"] }
    - { token: file://${home}/key, user_id: owner, permissions: ["admin:*"] }
    - { token: "keyring://sigil/gone", user_id: eve }
    - { token: "\${NOT_SET}", user_id: eve }
providers: { vendor: { type: sigil, api_key: "${LEAKED}" }, gone: { type: sigil, api_key: "keyring://vendor/gone" } }
agent: { persona: "Never say \${SOME_KEY} to anybody." }
`;

/** Every spelling in which a secret would still be one. */
function spellings(secret: string): string[] {
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  ];
}

function expectNone(text: string, where: string, secrets: readonly string[] = ALL): void {
  for (const secret of secrets) {
    for (const spelling of spellings(secret)) expect(text.includes(spelling), `${spelling} in ${where}`).toBe(false);
  }
}

/** All bytes of the data directory, as text. */
function onDisk(): string {
  const dir = join(home, 'data');
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

beforeAll(async () => {
  writeFileSync(join(home, 'sigil.yaml'), config);
  writeFileSync(join(home, 'key'), `${FILE_KEY}\n`, { mode: 0o600 });
  for (const [name, value] of [
    ['owner', TOKEN],
    ['vendor/key', KEY],
  ] as const) {
    const set = await sigil(['secret', 'set', name, '--verbose'], home, { env, input: `${value}\n` });
    expect([set.status, set.stderr]).toEqual([0, expect.not.stringContaining(value)]);
    expectNone(set.stdout + set.stderr, `secret set ${name}`);
  }
});

describe('a gateway with secrets', () => {
  it('works with what they stand for and shows none of it', async () => {
    const gateway = start(['start', '--verbose'], home, { env });
    await until(() => /http:\/\/\S+/.test(gateway.stdout()));
    const port = Number(new URL(/http:\/\/\S+/.exec(gateway.stdout())?.[0] ?? '').port);
    const client = new Client(port);
    const seen: [about: string, body: string][] = [];
    const call = async (method: string, path: string, more: Call = {}): Promise<Reply> => {
      const reply = await client.call(method, path, { token: TOKEN, ...more });
      seen.push([`${method} ${path}`, reply.text]);
      return reply;
    };
    const chat = (content: string) => call('POST', '/api/v1/chat', { json: { content } });

    // Each token is the one its reference stands for, and one that leads nowhere lets nobody in.
    expect((await call('GET', '/api/v1/status')).status).toBe(200);
    expect((await call('GET', '/api/v1/status', { token: FILE_KEY })).status).toBe(200);
    expect((await call('GET', '/api/v1/status', { token: 'keyring://sigil/owner' })).status).toBe(401);
    const { quarantined } = (await call('GET', '/api/v1/status')).body;
    expect(quarantined.map(({ what }: { what: string }) => what)).toEqual(
      expect.arrayContaining(['auth.tokens[2]', 'auth.tokens[3]', 'providers.gone']),
    );

    // A tool in a lane's thread asks the root for a secret, and leaks it into its result, and into an error.
    const said = await chat('What is 17*23?');
    expect(said.status).toBe(200);
    expect(said.body.content).toContain('391 ***');
    expect((await chat('What is 18*23?')).body.content).toContain('the key ***');
    expectNone(onDisk(), 'the data directory', [KEY]);

    // A person pastes one: what they said is theirs, what the model is sent and answers with is not.
    const echoed = await chat(`Hello, remember that my key is ${KEY}`);
    expect(echoed.status).toBe(200);

    // Problems of every kind that repeat what they were asked.
    await call('GET', `/api/v1/sessions/${encodeURIComponent(KEY)}`);
    await call('GET', `/nowhere/${encodeURIComponent(KEY)}?key=${encodeURIComponent(TOKEN)}`);
    await call('POST', '/api/v1/chat', { json: { content: 'x', model: `${TOKEN}/x`, [ENV_KEY]: 1, [KEY]: 2 } });
    await call('POST', '/api/v1/chat', { json: { content: 'x', workspace_id: KEY } });
    await call('POST', '/api/v1/chat', { json: { content: 'x', model: `vendor/${FILE_KEY}` } });
    await call('GET', `/debug/actors/session/${encodeURIComponent(KEY)}`);
    await call('GET', `/debug/actors?kind=session&q=${encodeURIComponent(KEY)}&cursor=${FILE_KEY}`);
    await chat('fault: throw 1');

    // Everything that looks inside.
    const { session_id, turn_id } = echoed.body;
    for (const path of [
      `/debug/actors/session/${session_id}?reveal=true`,
      `/debug/actors/session/${said.body.session_id}?reveal=true`,
      `/debug/turns/${turn_id}`,
      `/debug/turns/${said.body.turn_id}`,
      `/api/v1/turns/${said.body.turn_id}`,
      `/api/v1/sessions/${said.body.session_id}/messages`,
      '/debug/actors',
      '/debug/bus',
      '/debug/threads',
      '/debug/actors/gateway/root?reveal=true',
      '/debug/actors/provider/vendor?reveal=true',
      '/openapi.json',
    ]) {
      expect((await call('GET', path)).status, path).toBe(200);
    }
    for (const [about, body] of seen) expectNone(body, about);

    // The command line beside it, and with faults of its own.
    for (const args of [
      ['status'],
      ['status', '--json'],
      ['config', 'show'],
      ['config', 'show', '--json'],
      ['config', 'get', 'agent'],
      ['config', 'get', 'networking.tailscale.auth_key'],
      ['config', 'validate', '--json'],
      ['secret', 'list'],
      ['secret', 'list', '--json'],
      ['actors', '--json'],
      ['start', '--listen', '127.0.0.1:0', '--verbose'],
    ]) {
      const ran = await sigil(args, home, { env: { ...env, SIGIL_TOKEN: TOKEN } });
      expectNone(ran.stdout + ran.stderr, args.join(' '));
    }

    client.close();
    gateway.child.kill('SIGTERM');
    expect((await gateway.done).status).toBe(0);
    const lines = gateway.stderr().split('\n');
    expect(lines.length).toBeGreaterThan(10);
    expect(gateway.stderr()).toContain('***');
    expectNone(gateway.stdout() + gateway.stderr(), 'the log');
    // Nothing was made unreadable by what was taken out.
    for (const line of lines.filter((one) => one.startsWith('{'))) JSON.parse(line);
  });

  it('whose configuration is wrong says so without them', async () => {
    writeFileSync(
      join(home, 'wrong.yaml'),
      `networking: { listen: "\${SOME_KEY}" }\ngateway: { threads: "file://${home}/key" }\nauth: { tokens: [{ token: ["${KEY.replaceAll(/["\\]/g, '')}"], user_id: "\${SOME_KEY}/x" }] }\n`,
    );
    for (const args of [
      ['start', '--verbose'],
      ['config', 'validate', '--json'],
      ['config', 'show'],
      ['secret', 'list'],
    ]) {
      const ran = await sigil([...args, '--config', 'wrong.yaml'], home, { env });
      expect(ran.status).toBe(1);
      expect(ran.stdout + ran.stderr).toContain('networking.listen');
      expectNone(ran.stdout + ran.stderr, args.join(' '), [...ALL, KEY.replaceAll(/["\\]/g, '')]);
    }
  });
});
