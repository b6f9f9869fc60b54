// SPDX-License-Identifier: Apache-2.0
// T2: durable turns a second on the bus, a thousand sessions, the offline model; held against the bare skeleton.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newSessionId } from '../src/actors/channel/place.ts';
import { TURNS_TOPIC } from '../src/actors/session/protocol.ts';
import { address } from '../src/bus/address.ts';
import { topic } from '../src/bus/envelope.ts';
import type { ThreadContext } from '../src/composition/context.ts';
import { defaultConfig } from '../src/config/schema.ts';
import { endsTurn, type TurnEventBatch } from '../src/stores/turn-events.ts';
import { bareTurns } from './bare-lanes.ts';
import { alternate, type Measured } from './measured.ts';
import { startThreads } from './threads.ts';

const LAYOUT = { lanes: 1, io: 1 };
const SESSIONS = 1_000;
/** Turns that run at once. */
const IN_FLIGHT = 500;
/** Turns that only warm up (code is compiled, files have their size), and those that count. */
const WARM_UP = 15_000;
const TURNS = 20_000;

/** How a run differs from the house as it is. */
export interface TurnVariant {
  /** What a worker begins with. */
  readonly entry?: (role: string) => URL;
  /** Begins something that goes on beside the turns, until it is stopped. */
  readonly beside?: (context: ThreadContext) => Promise<() => Promise<void>>;
  /** Called with every turn that is over once all is warm. */
  readonly turned?: () => void;
}

/** Turns a second of the whole house without its edge, every delta delivered to a listener on main. */
export async function ourTurns(sessions: number, inFlight: number, warmUp: number, turns: number): Promise<number> {
  return await runTurns(sessions, inFlight, warmUp, turns);
}

/** The same, with something changed. */
export async function runTurns(
  sessions: number,
  inFlight: number,
  warmUp: number,
  turns: number,
  variant: TurnVariant = {},
): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-turns-'));
  const base = defaultConfig();
  // All its sessions would come to their first summary in the same moment, which is a call of a model each and no turn.
  const memory = { ...base.sessions.memory, summaries: { ...base.sessions.memory.summaries, enabled: false } };
  const config = {
    ...base,
    models: { ...base.models, budgets: { ...base.models.budgets, per_session_tokens: 0 } },
    sessions: { ...base.sessions, memory },
  };
  const { context, stop } = await startThreads({ layout: LAYOUT, config, data_dir: dir }, variant.entry);
  const { bus } = context;
  const stopBeside = await variant.beside?.(context);
  const from = address('channel', 'http');
  const ids = Array.from({ length: sessions }, (_, at) => newSessionId('bench', 'bench', String(at)));
  const idle = [...ids];
  let deltas = 0;
  let left = warmUp + turns;
  let over = 0;
  let running = 0;
  let message = 0;
  let began = 0;
  await new Promise<void>((resolve, reject) => {
    const next = (session_id: string): void => {
      if (left === 0) return;
      left -= 1;
      running += 1;
      message += 1;
      const body = {
        message_id: `m-${message}`,
        user_id: 'bench',
        channel: from,
        content: 'hello there',
        model: '',
        queue: 'followup' as const,
        workspace_id: 'bench',
        open: true,
        any_user: false,
      };
      bus.ask(address('session', session_id), 'session.deliver', body, { from, within: 60_000 }, (answer) => {
        if (!answer.ok) reject(new Error(answer.error.message));
      });
    };
    for (const session_id of ids) {
      const turns = topic<TurnEventBatch>(address('session', session_id), TURNS_TOPIC);
      const events = (batches: readonly TurnEventBatch[]): void => {
        for (const batch of batches) {
          deltas += batch.events.length;
          const last = batch.events.at(-1);
          if (last === undefined || typeof last === 'string' || !endsTurn(last)) continue;
          running -= 1;
          over += 1;
          if (over === warmUp) began = performance.now();
          if (over >= warmUp) variant.turned?.();
          // The session that waited longest is next: all take turns, so many at a time.
          idle.push(session_id);
          next(idle.shift() ?? session_id);
        }
        if (left === 0 && running === 0) resolve();
      };
      bus.subscribe(turns, { events }, { lossless: true });
    }
    for (const session_id of idle.splice(0, inFlight)) next(session_id);
  });
  const seconds = (performance.now() - began) / 1_000;
  if (deltas < turns * 10) throw new Error(`only ${deltas} events for ${turns} turns`);
  await stopBeside?.();
  await stop();
  rmSync(dir, { recursive: true });
  return turns / seconds;
}

export async function measureT2(rounds: number): Promise<Measured> {
  return await alternate(
    rounds,
    () => ourTurns(SESSIONS, IN_FLIGHT, WARM_UP, TURNS),
    () => bareTurns(SESSIONS, IN_FLIGHT, WARM_UP, TURNS),
  );
}

if (process.argv[1] === import.meta.filename) console.log(await measureT2(Number(process.argv[2] ?? 3)));
