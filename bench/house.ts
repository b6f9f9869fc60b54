// SPDX-License-Identifier: Apache-2.0
// The whole house without its edge, in the measuring process: real threads, real files, messages by the bus.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SigilBus } from '../src/actors/protocols.ts';
import { type Delivered, ENDS_TOPIC, type TurnEnded } from '../src/actors/session/protocol.ts';
import { address } from '../src/bus/address.ts';
import { type Answer, topic } from '../src/bus/envelope.ts';
import { type Config, defaultConfig } from '../src/config/schema.ts';
import { startThreads } from './threads.ts';

const LAYOUT = { lanes: 1, io: 1 };
const WITHIN = 60_000;
const HTTP = address('channel', 'http');

export interface BenchHouse {
  readonly bus: SigilBus;
  /** Says something in a session of its own workspace; the session is opened when it is new. */
  say(session_id: string, workspace_id: string, content: string, message_id: string): Promise<Delivered>;
  /** The same, until its turn is over. */
  turn(session_id: string, workspace_id: string, content: string, message_id: string): Promise<Delivered>;
  /** Awake sessions now. */
  awake(): Promise<number>;
  /** Waits until the views have applied everything that is durable. */
  viewed(): Promise<void>;
  close(): Promise<void>;
}

/** @param gateway settings of the gateway other than the usual ones */
export async function openHouse(gateway: Partial<Config['gateway']>): Promise<BenchHouse> {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-house-'));
  const base = defaultConfig();
  const config = {
    ...base,
    gateway: { ...base.gateway, ...gateway },
    models: { ...base.models, budgets: { ...base.models.budgets, per_session_tokens: 0 } },
  };
  const { context, stop } = await startThreads({ layout: LAYOUT, config, data_dir: dir });
  const { bus } = context;
  const options = { from: HTTP, within: WITHIN };
  const asked = <T>(ask: (answered: (answer: Answer<T>) => void) => void): Promise<T> =>
    new Promise((resolve, reject) =>
      ask((answer) => (answer.ok ? resolve(answer.body) : reject(new Error(answer.error.message)))),
    );
  const say: BenchHouse['say'] = (session_id, workspace_id, content, message_id) => {
    const body = {
      ...{ message_id, user_id: 'bench', channel: HTTP, content, model: '', queue: 'followup' as const },
      ...{ workspace_id, open: true, any_user: false },
    };
    return asked((answered) => bus.ask(address('session', session_id), 'session.deliver', body, options, answered));
  };
  return {
    bus,
    say,
    turn: (session_id, workspace_id, content, message_id) =>
      new Promise((resolve, reject) => {
        const ends = topic<TurnEnded>(address('session', session_id), ENDS_TOPIC);
        let receipt: Delivered | undefined;
        let over = false;
        const done = (): void => {
          if (receipt === undefined || !over) return;
          leave();
          resolve(receipt);
        };
        const leave = bus.subscribe(
          ends,
          {
            events: () => {
              over = true;
              done();
            },
          },
          { lossless: true },
        );
        say(session_id, workspace_id, content, message_id).then((delivered) => {
          receipt = delivered;
          done();
        }, reject);
      }),
    awake: async () => {
      const body = { filter: { kind: 'session' }, limit: 1, cursor: '' };
      const lane = address('thread', 'lane-1');
      const { totals } = await asked<{ totals: { by_kind: Readonly<Record<string, number>> } }>((answered) =>
        bus.ask(lane, 'thread.actors', body, options, answered),
      );
      return totals.by_kind['session'] ?? 0;
    },
    viewed: async () => {
      const { seq: upto } = await asked<{ seq: number }>((answered) =>
        bus.ask(address('store', 'journal'), 'journal.stats', {}, options, answered),
      );
      const patient = { from: HTTP, within: 600_000 };
      await asked((answered) => bus.ask(address('store', 'views'), 'views.await', { upto }, patient, answered));
    },
    close: async () => {
      await stop();
      rmSync(dir, { recursive: true });
    },
  };
}

/** Resident memory of this process in MiB, from the kernel's own account. */
export function residentMb(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs something for each number below `count`, so many at a time. */
export async function inParallel(count: number, width: number, run: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) {
      const at = next;
      next += 1;
      await run(at);
    }
  };
  await Promise.all(Array.from({ length: width }, one));
}
