// SPDX-License-Identifier: Apache-2.0
// T7: what an awake session that rests costs in memory, held against a bare state chart's actor. Both are counted in a child
// process with the collector in hand, thousands at a time.

import { createActor, setup } from 'xstate';
import { Residents } from '../src/actors/residents.ts';
import type { LaneEffects } from '../src/actors/session/effects.ts';
import { Lanes } from '../src/actors/session/lanes.ts';
import { prepare } from '../src/agent/prepare.ts';
import { builtInTools } from '../src/agent/tools/catalogue.ts';
import { createToolRegistry } from '../src/agent/tools/registry.ts';
import { address } from '../src/bus/address.ts';
import { providerEntries } from '../src/composition/config-scopes.ts';
import { CHANNEL_HINTS, lanePolicy, modelSizes } from '../src/composition/lane-policy.ts';
import { createModelStream } from '../src/composition/model-stream.ts';
import { realWorld } from '../src/composition/real-world.ts';
import { noSecrets } from '../src/composition/secrets.ts';
import { defaultConfig } from '../src/config/schema.ts';
import { packAppend } from '../src/stores/remote/append-wire.ts';
import { textsOf } from '../src/stores/session-state.ts';
import { inChild } from './child.ts';
import { alternate, type Measured, type Plan } from './measured.ts';

/** Actors of either kind at once. */
const ACTORS = 5_000;
/** What every session has behind it: a short conversation, in its own words, each of them answered by the offline model. */
const SAID = ['hello there, this is session', 'what is 12 * 12 for'] as const;

/** The heap and what hangs on it after everything that can go has gone, in bytes. */
function heap(): number {
  for (let round = 0; round < 4; round += 1) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const bare = setup({
  types: {} as { events: { type: 'received' } | { type: 'replied' } | { type: 'written' } },
}).createMachine({
  initial: 'idle',
  states: {
    idle: { on: { received: 'calling' } },
    calling: { on: { replied: 'writing' } },
    writing: { on: { written: 'idle' } },
  },
});

/** Bytes of one bare actor after as many turns as a session has had. */
function weighBare(): number {
  const make = () => {
    const actor = createActor(bare);
    actor.start();
    for (const _ of SAID) for (const type of ['received', 'replied', 'written'] as const) actor.send({ type });
    return actor;
  };
  for (let warm = 0; warm < 100; warm += 1) make().stop();
  const actors = new Map<string, unknown>();
  const before = heap();
  for (let at = 0; at < ACTORS; at += 1) actors.set(`actor-${at}`, make());
  const after = heap();
  if (actors.size !== ACTORS) throw new Error('an actor is missing');
  return (after - before) / ACTORS;
}

/** Bytes of one real session, with everything its thread keeps for it: lane, folded state, names, the inspector's entry. */
async function weighSession(): Promise<number> {
  const config = defaultConfig();
  const tools = createToolRegistry(builtInTools());
  const policy = { ...lanePolicy(config, tools), awake_most: 10 * ACTORS };
  const models = createModelStream({ providers: providerEntries(config), world: realWorld, secrets: noSecrets() });
  const sizeOf = modelSizes(config);
  await models.preload('sigil');
  let seq = 0;
  let ended = 0;
  const refuse = (_: unknown, error: { readonly message: string }): never => {
    throw new Error(error.message);
  };
  const effects: LaneEffects = {
    append: (append, answered) => {
      const first = seq + 1;
      for (const { records } of append.items) seq += records.length;
      // As on its way to the journal's thread: making its text of a reply is what puts the pieces it came in together.
      packAppend(append);
      realWorld.soon(() => answered({ ok: true, body: { seq: first } }));
    },
    tail: (_, answered) => realWorld.soon(() => answered({ ok: true, body: { n: 0, rows: [] } })),
    oldKey: () => undefined,
    refused: () => null,
    say: () => undefined,
    gaveUp: () => undefined,
    unsay: (_, __, answered) => answered(null),
    reply: () => undefined,
    forward: () => undefined,
    fail: refuse,
    publish: () => undefined,
    led: () => undefined,
    published: () => {
      ended += 1;
    },
    seekPermit: () => ({ take: () => undefined, withdraw: () => undefined, drop: () => undefined }),
    callModel: (_, state, __, sink) => {
      const { turn } = state;
      const prepared = prepare({
        persona: config.agent.persona,
        channel: CHANNEL_HINTS,
        window: state.window,
        active_window: policy.window,
        messages: turn === null ? [''] : textsOf(turn),
        turn: turn?.said ?? [],
        tools: [],
        model: { id: 'offline', ...sizeOf('sigil/offline') },
        options: {},
      });
      if (!prepared.ok) throw new Error(prepared.failure.message);
      return models.stream('sigil', prepared.request, sink);
    },
    runTool: () => () => undefined,
    reserve: (_, __, done) => {
      done(null);
      return () => undefined;
    },
    settle: () => undefined,
    settleInterrupted: () => undefined,
    recorded: () => undefined,
    cost: () => 0,
    scan: (_, done) => done({ kind: 'pass' }),
    digest: (text) => `digest-${text.length}`.padEnd(16, '-'),
    point: () => undefined,
  };
  const residents = new Residents({
    thread: 'lane-1',
    world: realWorld,
    mailbox_capacity: 1,
    mailbox: () => ({ depth: 0, oldest_ms: 0 }),
    trace: { heard: () => false, publish: () => undefined },
  });
  const lanes = new Lanes({
    // Nothing falls asleep while it is weighed.
    world: { ...realWorld, after: () => () => undefined },
    policy: () => policy,
    effects,
    residents,
    moved: () => undefined,
    ended: () => undefined,
    fault: refuse,
  });
  let message = 0;
  /** One message to each of these sessions, and their turns to the end. */
  const say = async (ids: readonly string[], words: string): Promise<void> => {
    const until = ended + ids.length;
    for (const id of ids) {
      message += 1;
      const body = {
        message_id: realWorld.uuid(),
        user_id: `user-${id.slice(0, 8)}`,
        channel: 'channel/http',
        content: `${words} ${message}`,
        model: '',
        queue: 'followup' as const,
        workspace_id: `personal:user-${id.slice(0, 8)}`,
        open: true,
        any_user: false,
      };
      // As it comes over the wire: nothing in it is shared with another message.
      const envelope = {
        id: message,
        to: address('session', id),
        from: address('channel', 'http'),
        type: 'session.deliver',
        body,
      };
      lanes.receive(structuredClone(envelope), id);
    }
    while (ended < until) await new Promise((resolve) => setImmediate(resolve));
  };
  const talk = async (count: number): Promise<void> => {
    const ids = Array.from({ length: count }, () => realWorld.uuid());
    for (const words of SAID) await say(ids, words);
  };
  await talk(100);
  const before = heap();
  await talk(ACTORS);
  const after = heap();
  if (lanes.awake !== ACTORS + 100 || lanes.busy !== 0) throw new Error('not every session is awake and rests');
  return (after - before) / ACTORS;
}

/** Bytes of one actor, weighed in a process of its own. */
const weigh = (kind: 'session' | 'bare'): Promise<number> => inChild('awake.ts', [kind], ['--expose-gc']);

/** Memory of an awake session at rest, in bytes, to that of a bare actor. */
export async function measureT7({ rounds }: Plan): Promise<Measured> {
  return await alternate(
    rounds,
    () => weigh('session'),
    () => weigh('bare'),
  );
}

const [, script, kind] = process.argv;
if (script === import.meta.filename) {
  if (kind === 'bare') console.log(weighBare());
  else if (kind === 'session') console.log(await weighSession());
  else console.log(await measureT7({ rounds: Number(kind ?? 3), short: false }));
}
