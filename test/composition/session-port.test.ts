// SPDX-License-Identifier: Apache-2.0
// A message to another session of the same person: taken there once, no further than two sessions on, and nobody else's.

import { describe, expect, it } from 'vitest';
import { HOPS_MOST, SENDS_MOST, sessionSend } from '../../src/agent/tools/session-send.ts';
import { sessionsPort } from '../../src/composition/session-port.ts';
import type { SessionState } from '../../src/stores/session-state.ts';
import { LaneStand } from '../actors/session/lane-stand.ts';

const A = '018f0000-0000-8000-8000-00000000000a';
const B = '018f0000-0000-8000-8000-00000000000b';
const C = '018f0000-0000-8000-8000-00000000000c';

/** Sessions of one person that have been spoken in; the model waits. */
function talking(): LaneStand {
  const stand = new LaneStand();
  for (const id of [A, B, C]) stand.say(id, 'hello');
  stand.settle();
  stand.answers = false;
  return stand;
}

function running(stand: LaneStand, session_id: string): SessionState {
  const state = stand.calls.get(session_id)?.state;
  if (state === undefined) throw new Error(`nothing runs in ${session_id}`);
  return state;
}

/** The tool as the turn that runs in a session calls it: what the model is told. */
async function send(stand: LaneStand, from: string, to: string, call_id = 'c1', said = running(stand, from)) {
  const bus = {
    ask: (address: string, type: string, body: unknown, _: unknown, answered: (answer: unknown) => void) => {
      const asked = stand.send(address.slice('session/'.length), type, body);
      stand.settle();
      answered(asked.answer);
    },
  };
  const directory = { table: { version: 0 } };
  const sessions = sessionsPort({ bus, directory } as never, said, call_id, 1_000);
  const context = { session_id: from, sessions } as never;
  try {
    return (await sessionSend.execute({ session_id: to, message: 'Buy milk.' }, context)).content;
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

const received = (stand: LaneStand, session_id: string) =>
  stand.records(session_id).filter(({ type }) => type === 'message_received');

describe('a message to another session', () => {
  it('is answered there as its person’s, and is one message however often its call is made', async () => {
    const stand = talking();
    stand.say(A, 'tell the other one');
    stand.settle();
    expect(await send(stand, A, B)).toContain('"sent":true');
    await send(stand, A, B);
    expect(received(stand, B)).toHaveLength(2);
    expect(received(stand, B).at(-1)).toMatchObject({
      ...{ user_id: 'ann', channel: `session/${A}`, hops: 1 },
      content: `[From your session ${A}]\nBuy milk.`,
    });
    await send(stand, A, B, 'c2');
    expect(received(stand, B)).toHaveLength(3);
  });

  it('ends where sessions would go on answering each other', async () => {
    const stand = talking();
    stand.say(A, 'tell the other one');
    stand.settle();
    let [from, to] = [A, B];
    for (let hop = 1; hop <= HOPS_MOST; hop += 1) {
      expect(await send(stand, from, to)).toContain('"sent":true');
      // What runs there first makes room for it.
      if (stand.calls.get(to)?.state.turn?.message.hops !== hop) stand.answer(to);
      stand.settle();
      expect(running(stand, to).turn?.message.hops).toBe(hop);
      [from, to] = [to, from];
    }
    expect(await send(stand, from, to)).toMatch(/has come through 2 sessions already/);
  });

  it('goes to nobody else’s session, to none that is not there, not to itself, and not without end in one turn', async () => {
    const stand = talking();
    stand.say(A, 'tell the other one');
    stand.settle();
    const state = running(stand, A);
    const { turn } = state;
    if (turn === null) throw new Error('no turn runs');
    const as = { ...state, turn: { ...turn, message: { ...turn.message, user_id: 'ben' } } };
    expect(await send(stand, A, B, 'c1', as)).toMatch(/belongs to somebody else/);
    const elsewhere = { ...state, facts: state.facts === null ? null : { ...state.facts, workspace_id: 'work' } };
    expect(await send(stand, A, B, 'c1', elsewhere)).toMatch(/belongs to workspace home/);
    expect(await send(stand, A, '018f0000-0000-8000-8000-0000000000ff')).toMatch(/no session/i);
    expect(await send(stand, A, A)).toMatch(/That is this session/);
    const calls = Array.from({ length: SENDS_MOST + 1 }, (_, at) => ({
      id: `${at}`,
      name: 'session_send',
      arguments: '',
    }));
    const many = {
      ...state,
      turn: { ...turn, said: [{ role: 'assistant', content: '', tool_calls: calls } as const] },
    };
    expect(await send(stand, A, B, 'c1', many)).toMatch(/may send 5 messages/);
    expect(received(stand, B)).toHaveLength(1);
  });
});
