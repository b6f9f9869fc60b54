// SPDX-License-Identifier: Apache-2.0
// Skills in a whole gateway: what a vendor's model is told of them, what it may read, and how a change reaches it.

import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scratch, sigil } from '../cli/process.ts';
import { until } from '../edge/client.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer, type WireServer } from '../wire/server.ts';
import { closeHouses, type House, newDataDir, type Person, startHouse } from './house.ts';

const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 };
const dataDir = newDataDir();
const lab = join(dataDir, 'workspaces', 'lab', 'skills');

function write(place: string, name: string, metadata: Readonly<Record<string, string>>, body: string): string {
  mkdirSync(join(place, name), { recursive: true });
  const lines = Object.entries(metadata).map(([key, value]) => `  ${key}: "${value}"`);
  const front = [
    `name: ${name}`,
    `description: About ${name}.`,
    ...(lines.length === 0 ? [] : ['metadata:', ...lines]),
  ];
  const file = join(place, name, 'SKILL.md');
  writeFileSync(file, `---\n${front.join('\n')}\n---\n${body}\n`);
  return file;
}

let vendor: WireServer;
let house: House;
let ada: Person;

beforeAll(async () => {
  vendor = await startWireServer();
  write(lab, 'tone', { 'gateway:trigger': 'auto' }, 'TONE-BODY');
  write(lab, 'deploy', { 'gateway:trigger': 'manual' }, 'DEPLOY-BODY');
  write(lab, 'invoices', { 'gateway:trigger': 'keyword', 'gateway:keywords': 'invoice, Rechnung' }, 'INVOICE-BODY');
  write(lab, 'plain', {}, 'PLAIN-BODY');
  mkdirSync(join(lab, 'plain', 'references'));
  writeFileSync(join(lab, 'plain', 'references', 'guide.md'), 'GUIDE-TEXT');
  symlinkSync(join(dataDir, 'owner.token'), join(lab, 'plain', 'references', 'token.md'));
  symlinkSync(dataDir, join(lab, 'plain', 'out'));
  mkdirSync(join(lab, 'broken'));
  writeFileSync(join(lab, 'broken', 'SKILL.md'), '---\nname: broken\n---\n');
  write(join(dataDir, 'skills'), 'common', { 'gateway:trigger': 'auto' }, 'COMMON-BODY');
  house = await startHouse(
    {
      auth: {
        tokens: [
          { token: 'owner-token-1', user_id: 'owner', name: 'o', permissions: ['admin:*'] },
          { token: 'ada-token-11', user_id: 'ada', name: 'a' },
          { token: 'bob-token-11', user_id: 'bob', name: 'b' },
          { token: 'keeper-token', user_id: 'bob', name: 'k', permissions: ['admin:skills', 'admin:workspaces'] },
        ],
      },
      users: [{ id: 'ada' }, { id: 'bob' }] as never,
      workspaces: { lab: { members: ['ada', 'owner'] }, den: { members: ['owner'], skills: ['common', 'nothing'] } },
      providers: { mine: { type: 'openai-compatible', endpoint: vendor.url, api_key: 'sk-test-skills-1' } },
      models: { default: 'mine/local-model' },
    },
    dataDir,
  );
  ada = house.person('ada-token-11');
});
afterAll(async () => {
  await closeHouses();
  await vendor.close();
});

interface Turn {
  /** What the model was told of each call. */
  readonly prompts: readonly string[];
  readonly tools: readonly string[];
  /** What its tool calls gave. */
  readonly results: readonly string[];
  readonly session: string;
}

/** Says something, with a model that makes these calls first. */
async function turn(
  content: string,
  calls: readonly object[] = [],
  { who = house.owner, ...more }: { readonly who?: Person; readonly [key: string]: unknown } = {},
): Promise<Turn> {
  const from = vendor.requests.length;
  vendor.answer((asked) =>
    openAiChat.stream(
      calls.length > 0 && openAiChat.sent(asked).toolResults.length === 0
        ? {
            parts: [
              {
                type: 'tools',
                calls: calls.map((args, at) => ({
                  id: `c${at}`,
                  name: 'skill_read',
                  arguments: [JSON.stringify(args)],
                })),
              },
            ],
            finish: 'tool_calls',
            usage,
          }
        : { parts: [{ type: 'text', deltas: ['ok'] }], finish: 'stop', usage },
    ),
  );
  const reply = await who.chat(content, { workspace_id: 'lab', ...more });
  expect(reply.status, reply.text).toBe(200);
  const sent = vendor.requests.slice(from).map(openAiChat.sent);
  return {
    prompts: sent.map(({ system }) => system ?? ''),
    tools: (sent[0]?.tools ?? []).map(({ name }) => name),
    results: (sent.at(-1)?.toolResults ?? []).map((result) => String(result.content)),
    session: reply.body.session_id,
  };
}
const prompt = async (content: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> =>
  (await turn(content, [], more)).prompts[0] ?? '';

describe('what a model is told', () => {
  it('is the text of skills that always apply, and a list of the others', async () => {
    const { prompts, tools } = await turn('hello');
    const [text = ''] = prompts;
    expect(text).toContain('<skill name="tone">\nTONE-BODY\n</skill>');
    expect(text).toContain('- deploy (only when somebody writes "use skill:" and its name): About deploy.');
    expect(text).toContain('- invoices: About invoices.');
    expect(text).toContain('- plain: About plain.');
    expect(text).not.toMatch(/DEPLOY-BODY|INVOICE-BODY|PLAIN-BODY|COMMON-BODY|broken/);
    expect(tools).toContain('skill_read');
  });

  it('is the text of one whose word was said', async () => {
    expect(await prompt('Where is the Rechnung?')).toContain('INVOICE-BODY');
    expect(await prompt('Where are the invoices?')).not.toContain('INVOICE-BODY');
  });

  it('is the text of one that was asked for, as long as the model sees that', async () => {
    const { prompts, session } = await turn('use skill: deploy');
    expect(prompts[0]).toContain('DEPLOY-BODY');
    expect(await prompt('go on', { session_id: session, workspace_id: undefined })).toContain('DEPLOY-BODY');
    expect(await prompt('go on')).not.toContain('DEPLOY-BODY');
    expect(await prompt('use skill: nonsense')).toContain('There is no skill called "nonsense": say so.');
  });

  it('is what the configuration names, shared ones too', async () => {
    expect(await prompt('hello', { workspace_id: 'den' })).toContain('COMMON-BODY');
  });

  it('is nothing where there are none, and nothing to read them by', async () => {
    const { prompts, tools } = await turn('hello', [], { who: house.person('bob-token-11'), workspace_id: undefined });
    expect(prompts[0]).not.toMatch(/skill/i);
    expect(tools).not.toContain('skill_read');
  });
});

describe('what a model may read', () => {
  it('is a skill and what lies in its folder', async () => {
    const { results } = await turn('hello', [
      { skill: 'plain' },
      { skill: 'plain', path: 'references/guide.md' },
      { skill: 'plain', path: 'references' },
    ]);
    // They run beside each other.
    expect(results.toSorted()).toEqual([
      '[skill plain, references/guide.md]\nGUIDE-TEXT',
      '[skill plain, references]\nIts files:\n- references/guide.md (10 bytes)',
      '[skill plain]\nPLAIN-BODY\n\nIts files:\n- references/guide.md (10 bytes)',
    ]);
  });

  it('is nothing else, by any path or link', async () => {
    const { results } = await turn('hello', [
      { skill: 'plain', path: '../tone/SKILL.md' },
      { skill: 'plain', path: join(dataDir, 'owner.token') },
      { skill: 'plain', path: 'references/token.md' },
      { skill: 'plain', path: 'out/owner.token' },
      { skill: '../plain', path: 'SKILL.md' },
      { skill: 'common' },
      { skill: 'deploy' },
    ]);
    expect(results).toHaveLength(7);
    for (const result of results) expect(result).toMatch(/^tool_failed: /);
    expect(results.join()).not.toMatch(/TONE-BODY|DEPLOY-BODY|COMMON-BODY/);
    const { results: asked } = await turn('use skill: deploy', [{ skill: 'deploy' }]);
    expect(asked[0]).toContain('DEPLOY-BODY');
  });
});

describe('a change', () => {
  /** What is told changes by itself; nobody asks for it to be read. */
  const told = async (text: string, yes: boolean): Promise<void> => {
    await until(async () => (await prompt('hello')).includes(text) === yes);
  };

  it('of a file is seen, however an editor makes it', async () => {
    const file = write(lab, 'tone', { 'gateway:trigger': 'auto' }, 'TONE-IN-PLACE');
    await told('TONE-IN-PLACE', true);
    const other = `${file}.new`;
    writeFileSync(
      other,
      '---\nname: tone\ndescription: About tone.\nmetadata:\n  gateway:trigger: auto\n---\nTONE-RENAMED\n',
    );
    renameSync(other, file);
    await told('TONE-RENAMED', true);
  });

  it('that breaks a file leaves what it said, and says so', async () => {
    writeFileSync(join(lab, 'tone', 'SKILL.md'), '---\nname: tone\n---\nBROKEN');
    await until(async () => {
      const { items } = (await ada.get('/api/v1/skills?workspace=lab')).body;
      return items.some((item: { name: string; state: string }) => item.name === 'tone' && item.state === 'stale');
    });
    expect(await prompt('hello')).toContain('TONE-RENAMED');
    write(lab, 'tone', { 'gateway:trigger': 'auto' }, 'TONE-MENDED');
    await told('TONE-MENDED', true);
  });

  it('by a new folder, a folder in its place, and a folder less is seen', async () => {
    write(lab, 'late', { 'gateway:trigger': 'auto' }, 'LATE-BODY');
    await told('LATE-BODY', true);
    write(join(lab, '.aside'), 'late', { 'gateway:trigger': 'auto' }, 'LATE-SECOND');
    rmSync(join(lab, 'late'), { recursive: true });
    renameSync(join(lab, '.aside', 'late'), join(lab, 'late'));
    await told('LATE-SECOND', true);
    write(lab, 'late', { 'gateway:trigger': 'auto' }, 'LATE-THIRD');
    await told('LATE-THIRD', true);
    rmSync(join(lab, 'late'), { recursive: true });
    await told('LATE-', false);
  });

  it('reaches a lane that was begun anew', async () => {
    await house.killThread('lane-1');
    await house.killThread('lane-2');
    await until(async () => (await house.owner.chat('hi', { workspace_id: 'lab' })).status === 200);
    for (let session = 0; session < 4; session += 1) expect(await prompt(`hello ${session}`)).toContain('TONE-MENDED');
  });
});

async function archive(name: string, body: string): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: `${name}/SKILL.md` }, `---\nname: ${name}\ndescription: About ${name}.\n---\n${body}\n`);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('over HTTP', () => {
  const upload = async (query: string, raw: Buffer | string, token = 'keeper-token', type = 'application/x-tar') =>
    await house.client.call('POST', `/api/v1/skills?${query}`, { token, headers: { 'content-type': type }, raw });

  it('members see the skills of their workspace and what is wrong with them', async () => {
    const { status, body } = await ada.get('/api/v1/skills?workspace=lab&limit=2');
    expect(status).toBe(200);
    expect(body.items).toMatchObject([
      { name: 'broken', state: 'unusable', problems: ['it has no description'] },
      { name: 'deploy', state: 'ready', trigger: 'manual', place: 'lab', problems: [] },
    ]);
    const rest = (await ada.get(`/api/v1/skills?workspace=lab&cursor=${body.next_cursor}`)).body;
    expect(rest.items.map(({ name }: { name: string }) => name)).toEqual(['invoices', 'plain', 'tone']);
    expect(rest.next_cursor).toBeNull();
    const one = (await ada.get('/api/v1/skills/plain?workspace=lab')).body;
    expect(one).toMatchObject({
      body: 'PLAIN-BODY',
      files: [{ path: 'references/guide.md', bytes: 10 }],
      more_files: 0,
    });
    const den = (await house.owner.get('/api/v1/skills?workspace=den')).body.items;
    expect(den).toMatchObject([
      { name: 'common', place: '@shared' },
      { name: 'nothing', state: 'unusable' },
    ]);
  });

  it('nobody else does, and only who has the permission changes them', async () => {
    const bob = house.person('bob-token-11');
    expect((await bob.get('/api/v1/skills?workspace=lab')).status).toBe(403);
    expect((await ada.get('/api/v1/skills?workspace=@shared')).status).toBe(403);
    expect((await ada.get('/api/v1/skills/nothing?workspace=lab')).status).toBe(404);
    expect((await ada.get('/api/v1/skills?workspace=../lab')).status).toBe(422);
    expect((await upload('workspace=lab', await archive('x', 'X'), 'ada-token-11')).status).toBe(403);
    expect(
      (await house.client.call('DELETE', '/api/v1/skills/plain?workspace=lab', { token: 'ada-token-11' })).status,
    ).toBe(403);
    const path = JSON.stringify({ path: join(lab, 'plain') });
    expect((await upload('workspace=den', path, 'keeper-token', 'application/json')).status).toBe(403);
    expect((await upload('workspace=den', 'x', 'keeper-token', 'text/html')).status).toBe(415);
    expect((await upload('workspace=den', 'no archive')).status).toBe(422);
    expect(readdirSync(lab)).not.toContain('x');
  });

  it('installs, copies, links and removes, each noted in the audit', async () => {
    const put = await upload('workspace=lab', await archive('brief', 'BRIEF-BODY'));
    expect([put.status, put.body.name, put.body.place]).toEqual([200, 'brief', 'lab']);
    expect(await prompt('hello')).toContain('- brief: About brief.');
    expect((await upload('workspace=lab', await archive('brief', 'SECOND'))).status).toBe(409);
    expect((await upload('workspace=lab&replace=true', await archive('brief', 'SECOND'))).body.replaced).toBe(true);
    const { owner } = house;
    const copied = await owner.post('/api/v1/skills/brief/copy?workspace=lab', { to: 'personal:ada' });
    expect(copied.body).toMatchObject({ name: 'brief', place: 'personal:ada', replaced: false });
    const linked = await owner.post('/api/v1/skills/brief/copy?workspace=lab', { to: '@shared', link: true });
    expect(linked.body).toMatchObject({ name: 'brief', place: 'lab' });
    expect(await prompt('hello', { who: ada, workspace_id: undefined })).toContain('- brief: About brief.');
    const gone = await house.client.call('DELETE', '/api/v1/skills/brief?workspace=lab', { token: 'keeper-token' });
    expect(gone.body).toEqual({ name: 'brief', place: 'lab', removed: true, linked_from: ['@shared'] });
    const path = await owner.post('/api/v1/skills?workspace=den&name=guide', { path: join(lab, 'plain') });
    expect(path.body).toMatchObject({ detail: expect.stringContaining('out in it is a link') });
    const { items } = (await owner.get('/api/v1/audit?limit=5')).body;
    expect(
      items
        .toReversed()
        .map(({ action, actor, details, result }: Record<string, never>) => [action, actor, details, result]),
    ).toMatchObject([
      ['skill.installed', 'bob', { name: 'brief', place: 'lab', from: 'archive', replaced: false }, 'ok'],
      ['skill.installed', 'bob', { name: 'brief', replaced: true }, 'ok'],
      ['skill.copied', 'owner', { name: 'brief', from: 'lab', place: 'personal:ada' }, 'ok'],
      ['skill.linked', 'owner', { name: 'brief', from: 'lab', place: '@shared' }, 'ok'],
      ['skill.removed', 'bob', { name: 'brief', place: 'lab' }, 'ok'],
    ]);
  });
});

describe('sigil skill', () => {
  it('does the same through a gateway, and without one on the files', async () => {
    const home = scratch();
    const folder = join(home, 'notes');
    write(home, 'notes', {}, 'NOTES');
    const run = async (...words: readonly string[]) =>
      await sigil(['skill', ...words, '--workspace', 'personal:cy', '--data-dir', dataDir], home, {
        env: { SIGIL_TOKEN: 'owner-token-1' },
      });
    const put = async (name: string): Promise<void> => {
      const installed = await run('install', folder, '--name', name);
      expect([installed.stderr, installed.status]).toEqual([expect.stringContaining('not that of its folder'), 0]);
      expect(installed.stdout).toBe(`ok ${name} is installed in personal:cy.\n`);
    };
    await put('one');
    expect((await run('show', 'one')).stdout).toMatch(/lies in +personal:cy\n[\s\S]*NOTES/);
    const taken = await run('install', folder, '--name', 'one');
    expect([taken.status, taken.stderr]).toEqual([1, expect.stringContaining('already')]);
    expect((await run('remove', 'one', '--yes')).stdout).toBe('ok one is removed from personal:cy.\n');
    await house.drain();
    await put('two');
    expect((await run('link', 'two', '--to', 'personal:di')).stdout).toBe('ok two is linked to personal:di.\n');
    const listed = await run('list', '--json');
    expect(JSON.parse(listed.stdout)).toMatchObject({ items: [{ name: 'two', state: 'ready' }], next_cursor: null });
    const removed = await run('remove', 'two', '--yes');
    expect(removed.stderr).toContain('Links to it lead nowhere now: in personal:di.');
    expect((await run('copy', 'two')).status).toBe(2);
  });
});
