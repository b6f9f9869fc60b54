// SPDX-License-Identifier: Apache-2.0
// Tool calls that wait for a person, from outside: who is asked, who may answer, over restarts; messages that are answered together; a turn's stages.

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { scratch, sigil } from '../cli/process.ts';
import { closeHouses, type House, type Listener, numberOf, type Person, startHouse } from './house.ts';

const TOKENS = ['ada', 'ben', 'cleo', 'gus'].map((user_id) => ({
  token: `token-of-${user_id}-0123456789`,
  user_id,
  name: user_id,
  permissions: user_id === 'ada' ? ['admin:*'] : [],
}));
const SETTINGS = {
  auth: { tokens: TOKENS },
  gateway: { drain_timeout: '10m' },
  users: [{ id: 'gus', name: 'Gus', role: 'guest' }],
  sessions: { queue: 'collect' },
} as never;

let house: House;
let ada: Person;
let ben: Person;
let cleo: Person;
let gus: Person;

async function opens(dataDir?: string): Promise<void> {
  house = await startHouse(SETTINGS, dataDir);
  [ada, ben, cleo, gus] = TOKENS.map(({ token }) => house.person(token)) as [Person, Person, Person, Person];
}

beforeAll(async () => {
  process.env['SIGIL_TEST_TOOLS'] = fileURLToPath(new URL('./asking-tools.ts', import.meta.url));
  await opens();
});
afterAll(async () => {
  delete process.env['SIGIL_TEST_TOOLS'];
  await closeHouses();
});

const answer = (who: Person, id: string, decision: string) => who.post(`/api/v1/approvals/${id}`, { decision });

/** Asks something that needs approval; the request, once it is told. */
async function asks(who: Person, content: string): Promise<{ stream: Listener; id: string; session_id: string }> {
  const stream = await who.stream(content);
  const { session_id } = (await stream.named('turn_started')).data;
  const { id } = (await stream.named('approval_requested')).data;
  return { stream, id, session_id };
}

it('waits, is listed for whose it is, and is answered by them or an admin, once', async () => {
  const { stream, id, session_id } = await asks(ben, 'what is 6*7 and what is 2+2?');
  const shown = (await stream.named('approval_requested')).data;
  expect(shown).toMatchObject({ tool: 'calculator', reason: 'sevens are dear', call_id: expect.any(String) });
  // The other call of the reply did not wait.
  await stream.first(({ event, data }) => event === 'tool_result' && data.content.includes('4'));
  expect((await ben.get('/api/v1/approvals')).body.items).toMatchObject([{ id, user_id: 'ben', decision: null }]);
  expect((await ada.get('/api/v1/approvals')).body.items).toHaveLength(1);
  expect((await cleo.get('/api/v1/approvals')).body.items).toEqual([]);
  const actor = (await ada.get(`/debug/actors/session/${session_id}`)).body;
  expect(actor.state).toEqual({ turn: 'waiting_for_approval' });
  expect([(await cleo.get(`/api/v1/approvals/${id}`)).status, (await answer(cleo, id, 'approve')).status]).toEqual([
    403, 403,
  ]);
  expect((await answer(ben, id, 'perhaps')).status).toBe(422);
  expect((await answer(ben, '00000000-0000-7000-8000-000000000000', 'approve')).status).toBe(404);

  const taken = await answer(ada, id, 'approve');
  expect(taken.body).toMatchObject({ id, decision: 'approve', decided_by: 'ada', arguments: shown.arguments });
  const events = await stream.all();
  expect(events.map(numberOf)).toEqual(events.map((_, at) => at + 1));
  expect(events.at(-1)?.data.content).toMatch(/42/);
  const late = await answer(ben, id, 'deny');
  expect(late).toMatchObject({ status: 409, body: { code: 'conflict', decided_by: 'ada', decision: 'approve' } });
  expect(late.body.detail).toContain('approved by ada');
  expect((await ben.get('/api/v1/approvals')).body.items).toEqual([]);
  const { items } = (await ada.get('/api/v1/audit?action=approval.approved')).body;
  expect(items).toMatchObject([{ actor: 'ada', details: { approval_id: id, tool: 'calculator', user_id: 'ben' } }]);
});

it('is refused: the model is told, and goes on; a guest decides nothing', async () => {
  const { stream, id } = await asks(gus, 'search for lucky 7');
  const refused = await answer(gus, id, 'approve');
  expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  await answer(ada, id, 'deny');
  const events = await stream.all();
  const result = events.find(({ event }) => event === 'tool_result')?.data;
  expect(result).toMatchObject({ is_error: true, content: expect.stringMatching(/^tool_denied: /) });
  expect(events.at(-1)).toMatchObject({ event: 'done', data: { finish_reason: 'stop' } });
});

it('is answered at the command line, by how its id begins', async () => {
  const { stream, id } = await asks(ben, 'what is 7+1?');
  const home = scratch();
  const run = (...words: readonly string[]) =>
    sigil([...words, '--data-dir', house.dataDir], home, { env: { SIGIL_TOKEN: TOKENS[1]?.token ?? '' } });
  expect((await run('approval', 'list')).stdout).toMatch(new RegExp(`${id} +ben +calculator +.*sevens are dear`));
  const { stdout, stderr } = await run('approval', 'approve', id.slice(0, 30));
  expect([stderr, stdout]).toEqual(['', expect.stringContaining('May run: calculator')]);
  expect((await stream.all()).at(-1)?.data.content).toMatch(/8/);
});

it('waits on when its thread dies, and when its gateway ends', async () => {
  const { stream, id, session_id } = await asks(ben, 'what is 7*7?');
  const { turn_id } = (await stream.named('turn_started')).data;
  for (const lane of ['lane-1', 'lane-2']) await house.killThread(lane);
  // Nobody is waited for at the end, which would be for longer than a test may take: it is all in the journal.
  await house.drain();
  await opens(house.dataDir);
  expect((await ben.get('/api/v1/approvals')).body.items).toMatchObject([{ id, session_id }]);
  expect((await answer(ben, id, 'approve')).status).toBe(200);
  const again = await ben.listen(
    `/api/v1/turns/${turn_id}/stream`,
    `${turn_id}:${numberOf(stream.events.at(-2) ?? { event: '', id: '0', data: {} })}`,
  );
  const events = await again.all();
  expect(events.some(({ event }) => event === 'turn_restarted')).toBe(false);
  expect(events.at(-1)?.data.content).toMatch(/49/);
});

it('shows a turn by its stages, from the message to its audit', async () => {
  const { body } = await ben.chat('what is 2+3?');
  const { stages } = (await ada.get(`/debug/turns/${body.turn_id}`)).body;
  expect(stages.map(({ stage, outcome }: Record<string, string>) => `${stage} ${outcome}`)).toEqual([
    'receive received',
    ...['prepare ok', 'call tool_calls', 'process ok'],
    ...['prepare ok', 'call stop', 'process ok'],
    'respond stop',
    'audit stop',
  ]);
  let before = '';
  for (const { start, end } of stages) {
    expect(start >= before && end >= start).toBe(true);
    before = start;
  }
  expect(stages.at(-1).detail).toMatchObject({
    user_id: 'ben',
    model: 'sigil/offline',
    tools: ['calculator'],
    cost_usd: 0,
  });
});

it('answers all that waited with one turn, and everybody gets that turn', async () => {
  const first = await ben.stream('count to 12', { message_id: 'c1' });
  const { session_id } = (await first.named('turn_started')).data;
  const say = (message_id: string) => ({ message_id, session_id });
  const second = await ben.stream('count to 3', say('c2'));
  const third = ben.chat('what is 1+1?', say('c3'));
  const messages = async (): Promise<readonly { id: string; turn_id: string }[]> =>
    (await ben.get(`/api/v1/sessions/${session_id}/messages`)).body.items;
  while (!(await messages()).some(({ id }) => id === 'c3')) await new Promise((resolve) => setTimeout(resolve, 5));
  const own = (await messages()).find(({ id }) => id === 'c3')?.turn_id;
  const fourth = await ben.stream('what is 2+2?', say('c4'));
  await first.all();
  const { body } = await third;
  const [events, last] = [await second.all(), await fourth.all()];
  const turn_id = events[0]?.data.turn_id;
  expect(events[0]?.data).toMatchObject({ message_id: 'c2', message_ids: ['c2', 'c3', 'c4'] });
  expect(last).toEqual(events);
  expect(events.map(numberOf)).toEqual(events.map((_, at) => at + 1));
  const answered = { turn_id, message_ids: ['c2', 'c3', 'c4'], content: events.at(-1)?.data.content };
  expect(body).toMatchObject({ ...answered, message_id: 'c3' });
  // Its own turn leads there, also for who comes later, and so does the message itself.
  expect(own).not.toBe(turn_id);
  expect((await ben.get(`/api/v1/turns/${own}`)).body).toMatchObject({ id: turn_id, message_ids: ['c2', 'c3', 'c4'] });
  expect(await (await ben.listen(`/api/v1/turns/${own}/stream`)).all()).toEqual(events);
  expect((await ben.chat('what is 1+1?', say('c3'))).body).toEqual(body);
  // Taken in elsewhere it is one turn again.
  const response = await house.client.open('GET', `/api/v1/sessions/${session_id}/export`, {
    token: TOKENS[1]?.token ?? '',
  });
  const exported = Buffer.concat(await response.toArray());
  const imported = await cleo.post('/api/v1/sessions/import?workspace_id=personal:cleo', undefined, {
    raw: exported,
    headers: { 'Content-Type': 'application/x-ndjson' },
  });
  expect(imported.body).toMatchObject({ turns: 2, imported: 2 });
  const copy = (await cleo.get(`/api/v1/sessions/${imported.body.session_id}`)).body;
  expect(copy).toMatchObject({ turns: 2, messages: (await ben.get(`/api/v1/sessions/${session_id}`)).body.messages });
});
