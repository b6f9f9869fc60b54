// SPDX-License-Identifier: Apache-2.0
// What becomes known of a thread that was lost, is left out or serves again: a line in the log, and a word to the root.

import { address } from '../bus/address.ts';
import { threadNames } from '../bus/layout.ts';
import type { Failure } from '../errors.ts';
import type { ThreadContext } from './context.ts';
import type { ProcessLog } from './log.ts';
import type { ThreadsOptions } from './threads.ts';

export interface ThreadReportsOptions {
  readonly context: ThreadContext;
  readonly log: Pick<ProcessLog, 'debug' | 'warn' | 'error'>;
  /** The next life of a thread is in use. */
  readonly restored: (thread: string) => void;
  /** The gateway can serve nobody any more. */
  readonly over: (error: Failure) => void;
}

type Reports = Required<
  Pick<ThreadsOptions, 'restarted' | 'quarantined' | 'released' | 'restored' | 'reap' | 'unstoppable'>
>;

export function threadReports({ context, log, restored, over }: ThreadReportsOptions): Reports {
  const { bus, house, world } = context;
  const root = address('gateway', 'root');
  const from = address('thread', 'main');
  const lanes = threadNames(house.layout).filter((name) => name.startsWith('lane-'));
  /** Those that are quarantined now. */
  const left_out = new Set<string>();
  return {
    restarted: (thread, reason) => {
      log.warn({ thread, reason }, 'a thread ended and is started again');
      context.tell({ type: 'thread_lost', data: { thread, reason } });
      bus.send(root, 'gateway.thread_restarted', { thread, reason }, { from });
    },
    quarantined: (thread, error, rest_ms) => {
      const { code, message } = error;
      log.error({ thread, rest_ms, error }, 'a thread is left out until it has rested');
      const again = world.iso(world.now() + rest_ms);
      const advice = `It is tried again at ${again}; the log says what it ended with. Restart the gateway to try it at once.`;
      bus.send(root, 'gateway.quarantine', { what: `thread/${thread}`, code, message, advice }, { from });
      left_out.add(thread);
      // Without its journal or any lane a gateway serves nobody: better to end and be started again from outside.
      if (thread === 'journal' || lanes.every((name) => left_out.has(name))) over(error);
    },
    released: (thread) => {
      log.warn({ thread }, 'a thread that was left out serves again');
      left_out.delete(thread);
      bus.send(root, 'gateway.released', { what: `thread/${thread}` }, { from });
    },
    restored: (thread, life) => {
      context.tell({ type: 'thread_started', data: { thread, life } });
      restored(thread);
    },
    reap: (pid) => {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch (error) {
        // It has ended meanwhile.
        log.debug({ pid, error }, 'a process group of a thread that ended is gone');
      }
    },
    unstoppable: (thread) => {
      log.error({ thread }, 'a thread cannot be ended; the process ends with it');
      // Everything that was acknowledged is in the journal, and whoever started this process starts it again.
      process.kill(process.pid, 'SIGKILL');
    },
  };
}
