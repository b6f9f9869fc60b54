// SPDX-License-Identifier: Apache-2.0
// A pause: messages are taken and kept, nothing is begun, whoever dies meanwhile; then everything is answered, once and in order.

import { afterAll, describe, expect, it } from 'vitest';
import { freePort, ownerToken, startProcess } from '../crash/gateway-process.ts';
import { Client, until } from '../edge/client.ts';
import { closeHouses, newDataDir, Person, startHouse } from './house.ts';

afterAll(closeHouses);

const PER_SESSION = 10;

interface Message {
  readonly role: string;
  readonly content: string;
}

const wordsOf = (session: number, at: number): string => `what is ${session + 1}*${at}?`;

async function saidIn(owner: Person, session_id: string): Promise<readonly Message[]> {
  return (await owner.get(`/api/v1/sessions/${session_id}/messages?limit=200`)).body.items;
}

/** What was answered; a reply that asks for tools says nothing. */
async function answersIn(owner: Person, session_id: string): Promise<readonly string[]> {
  return (await saidIn(owner, session_id)).flatMap(({ role, content }) =>
    role === 'assistant' && content !== '' ? [content] : [],
  );
}

describe('a paused agent', () => {
  it('keeps what it is sent over a kill and the loss of a thread, and answers it once and in order', async () => {
    const dataDir = newDataDir();
    const port = await freePort();
    const killed = await startProcess(dataDir, port);
    const client = new Client(port);
    const before = new Person(client, ownerToken(dataDir));
    // Two sessions with something in them.
    const sessions = [(await before.chat('what is 2+2?')).body, (await before.chat('what is 2+2?')).body].map(
      ({ session_id }): string => session_id,
    );
    expect((await before.post('/api/v1/agent/pause', { reason: 'moving house' })).body).toMatchObject({
      paused: { by: 'owner', reason: 'moving house' },
    });
    // Twice is once.
    expect((await before.post('/api/v1/agent/pause')).body.paused.reason).toBe('moving house');
    for (let at = 0; at < PER_SESSION; at += 1)
      for (const [session, session_id] of sessions.entries()) {
        const stream = await before.stream(wordsOf(session, at), { session_id, message_id: `m-${at}` });
        // Whoever waits is told why; the message is durable by then.
        const [told] = [await stream.named('warning')];
        expect(told).toMatchObject({ data: { code: 'agent_paused' } });
        expect(told.id).toBeUndefined();
        stream.leave();
      }
    await killed.kill();
    client.close();

    const paused = await startHouse({ gateway: { threads: 1, drain_timeout: '10m' } }, dataDir);
    const status = (await paused.owner.get('/api/v1/status')).body;
    expect(status).toMatchObject({ state: 'running', paused: { by: 'owner', reason: 'moving house' } });
    expect((await paused.owner.get('/ready')).status).toBe(200);
    await paused.killThread('lane-1');
    const vain = paused.owner.chat('what is 9*9?', { session_id: sessions[0], message_id: 'waits' });
    const users = async (): Promise<number> =>
      (await saidIn(paused.owner, sessions[0] ?? '')).filter(({ role }) => role === 'user').length;
    await until(async () => (await users()) === PER_SESSION + 2);
    for (const session_id of sessions) expect(await answersIn(paused.owner, session_id)).toEqual(['2+2 = 4']);
    // Nothing runs, so nobody is waited for: a gateway may be stopped while its agent is paused.
    await paused.drain();
    expect(await vain).toMatchObject({ status: 503, body: { code: 'draining' } });

    const { owner } = await startHouse({ gateway: { threads: 1 } }, dataDir);
    const asked = owner.chat('what is 9*9?', { session_id: sessions[0], message_id: 'waits' });
    expect((await owner.post('/api/v1/agent/resume')).body).toEqual({ paused: null });
    expect((await asked).body).toMatchObject({ content: '9*9 = 81', finish_reason: 'stop' });
    for (const [session, session_id] of sessions.entries()) {
      const asks = Array.from({ length: PER_SESSION }, (_, at) => `${session + 1}*${at} = ${(session + 1) * at}`);
      const expected = ['2+2 = 4', ...asks, ...(session === 0 ? ['9*9 = 81'] : [])];
      await until(async () => (await answersIn(owner, session_id)).length >= expected.length);
      expect(await answersIn(owner, session_id)).toEqual(expected);
    }
    expect((await owner.get('/api/v1/status')).body.paused).toBeNull();
    const { items } = (await owner.get('/api/v1/audit?limit=200')).body;
    const actions = items
      .map(({ action }: { action: string }) => action)
      .filter((one: string) => one.startsWith('agent.'));
    expect(actions).toEqual(['agent.resumed', 'agent.paused']);
  });
});
