// SPDX-License-Identifier: Apache-2.0
// One message through the house, as the live trace, the turn's journal and the actor's own memory tell it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../edge/client.ts';
import { closeHouses, type House, type Listener, startHouse } from './house.ts';

let house: House;
let trace: Listener;

interface Line {
  readonly at: string;
  readonly address: string;
  readonly event: string;
  readonly from_state: string;
  readonly to_state: string;
}

beforeAll(async () => {
  house = await startHouse();
  trace = await house.owner.listen('/debug/actors/stream');
  // A subscription reaches the other threads a moment after its answer: a first turn shows that it has.
  const heard = (): boolean =>
    ['channel/', 'session/', 'store/', 'provider/'].every((kind) =>
      trace.events.some(({ data }) => data.address.startsWith(kind)),
    );
  while (!heard()) await house.owner.chat('hello');
});
afterAll(async () => {
  trace.leave();
  await closeHouses();
});

/** The lines of one turn's walk: its session's, and those of the others while it lasted. */
async function walked(content: string): Promise<{ readonly lines: readonly Line[]; readonly session: string }> {
  // Nothing of an earlier turn may still be on its way.
  const quiet = await house.owner.chat('hello');
  await until(() =>
    trace.events.some(
      ({ data }) =>
        data.address === `session/${quiet.body.session_id}` && data.to_state === 'idle' && data.event === 'written',
    ),
  );
  const before = trace.events.length;
  const { body } = await house.owner.chat(content);
  const session = `session/${body.session_id}`;
  const lines = (): Line[] => trace.events.slice(before).map(({ data }) => data);
  await until(() =>
    lines().some((line) => line.address === session && line.event === 'written' && line.to_state === 'idle'),
  );
  return { lines: lines(), session };
}

/** Finds these steps one behind the other; what lies between them does not matter. */
function inOrder(lines: readonly Line[], steps: readonly string[]): readonly Line[] {
  const found: Line[] = [];
  let at = 0;
  for (const step of steps) {
    const next = lines.findIndex((line, index) => index >= at && `${line.address} ${line.event}` === step);
    expect(next, `${step} behind ${found.length} steps of ${JSON.stringify(lines)}`).toBeGreaterThanOrEqual(at);
    const line = lines[next];
    if (line !== undefined) found.push(line);
    at = next + 1;
  }
  return found;
}

/** Lines of different threads arrive in batches: by their times, then each thread's in its own order. */
function byTime(lines: readonly Line[]): readonly Line[] {
  return lines.toSorted((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
}

describe('the walk of one message', () => {
  it('goes edge, channel, session, journal, provider, journal, and every step is in the trace', async () => {
    const { lines, session } = await walked('what is 6*7?');
    const of = (address: string): readonly Line[] => lines.filter((line) => line.address === address);
    // Within a thread the order is exact.
    inOrder(of('channel/http'), ['channel/http channel.receive', 'channel/http delivered']);
    inOrder(of(session), [
      `${session} session.deliver`,
      `${session} received`,
      `${session} model_done`,
      `${session} written`,
      `${session} model_done`,
      `${session} written`,
    ]);
    inOrder(of('store/journal'), [
      'store/journal journal.append',
      'store/journal journal.append',
      'store/journal journal.append',
    ]);
    inOrder(of('provider/sigil'), [
      'provider/sigil provider.request',
      'provider/sigil provider.release',
      'provider/sigil provider.request',
    ]);
    // Across threads, what causes another never has the later time.
    const times = (steps: readonly (Line | undefined)[]): string[] => steps.map((line) => line?.at ?? 'missing');
    const first = (address: string, event: string, nth = 0): Line | undefined =>
      of(address).filter((line) => line.event === event)[nth];
    const [answered, written] = [
      of(session).filter(({ event }) => event === 'model_done'),
      of(session).filter(({ event }) => event === 'written'),
    ];
    const chain = times([
      first('channel/http', 'channel.receive'),
      first('store/journal', 'journal.tail'),
      first(session, 'session.deliver'),
      first('store/journal', 'journal.append'),
      first(session, 'received'),
      answered[0],
      first('store/journal', 'journal.append', 1),
      written[0],
      answered.at(-1),
      written.at(-1),
    ]);
    // The permit is sought while the message is on its way to the disk.
    const permit = times([
      first(session, 'session.deliver'),
      first('provider/sigil', 'provider.request'),
      answered[0],
      first('provider/sigil', 'provider.release'),
    ]);
    for (const one of [chain, permit]) {
      expect(one).not.toContain('missing');
      expect(one).toEqual([...one].sort());
    }
    // The acknowledgement comes after the message is durable.
    const acknowledged = times([first('store/journal', 'journal.append'), first('channel/http', 'delivered')]);
    expect(acknowledged).not.toContain('missing');
    expect(acknowledged).toEqual([...acknowledged].sort());
    expect(byTime(of(session)).map(({ from_state, to_state }) => `${from_state}>${to_state}`)).toEqual(
      of(session).map(({ from_state, to_state }) => `${from_state}>${to_state}`),
    );
  });

  it('leaves the chart through states that join up, and ends idle', async () => {
    const { lines, session } = await walked('what is 6*7 and what time is it?');
    const steps = lines.filter(({ address }) => address === session);
    let state = 'idle';
    for (const { from_state, to_state } of steps) {
      expect(from_state).toBe(state);
      state = to_state;
    }
    expect(state).toBe('idle');
    const moves = steps.filter(({ from_state, to_state }) => from_state !== to_state).map(({ to_state }) => to_state);
    expect(moves).toEqual(['turn.calling_model', 'turn.running_tools', 'turn.calling_model', 'idle']);
  });

  it('is told again by the turn’s journal, step by step', async () => {
    const { body } = await house.owner.chat('what is 6*7?');
    const turn = (await house.owner.get(`/debug/turns/${body.turn_id}`)).body;
    expect(turn).toMatchObject({
      id: body.turn_id,
      session_id: body.session_id,
      workspace_id: 'personal:owner',
      status: 'finished',
    });
    const steps: readonly { seq: number; type: string; start: string; end: string | null; outcome: string | null }[] =
      turn.steps;
    expect(steps.map(({ type }) => type)).toEqual([
      'message_received',
      'turn_started',
      'model_called',
      'model_replied',
      'tool_called',
      'tool_returned',
      'model_called',
      'model_replied',
      'turn_finished',
    ]);
    expect(steps.map(({ seq }) => seq)).toEqual(steps.map(({ seq }) => seq).toSorted((a, b) => a - b));
    const starts = steps.map(({ start }) => start);
    expect(starts).toEqual([...starts].sort());
    for (const { start, end, outcome } of steps) {
      expect(end).not.toBeNull();
      expect(outcome).not.toBeNull();
      expect((end ?? '') >= start).toBe(true);
    }
  });

  it('is remembered by the actor, and its machine can be drawn', async () => {
    const { body } = await house.owner.chat('what is 6*7?');
    await until(() =>
      trace.events.some(
        ({ data }) =>
          data.address === `session/${body.session_id}` && data.to_state === 'idle' && data.event === 'written',
      ),
    );
    const actor = (await house.owner.get(`/debug/actors/session/${body.session_id}`)).body;
    const recent: readonly { event: string; from_state: string; to_state: string; took_us: number }[] = actor.recent;
    const own = recent.filter(({ event }) => !event.startsWith('session.'));
    expect(own.map(({ event, from_state, to_state }) => `${event}: ${from_state} > ${to_state}`)).toEqual([
      'received: idle > turn.calling_model',
      'model_done: turn.calling_model > turn.calling_model',
      'written: turn.calling_model > turn.running_tools',
      'tools_done: turn.running_tools > turn.running_tools',
      'written: turn.running_tools > turn.calling_model',
      'model_done: turn.calling_model > turn.calling_model',
      'written: turn.calling_model > idle',
    ]);
    expect(recent.every(({ took_us }) => took_us >= 0)).toBe(true);
    expect(actor).toMatchObject({
      state: 'idle',
      kind: 'session',
      parent: 'workspace/personal:owner',
      asleep: false,
      failed: 0,
    });
    expect(Object.keys(actor.machine.states)).toEqual(['idle', 'turn']);
    // Text of messages is for those only who may see everything and ask for it.
    expect(JSON.stringify(actor.context)).not.toContain('6*7');
    const revealed = (await house.owner.get(`/debug/actors/session/${body.session_id}?reveal=true`)).body;
    expect(JSON.stringify(revealed.context)).toContain('6*7');
  });
});
