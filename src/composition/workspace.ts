// SPDX-License-Identifier: Apache-2.0
// A workspace's actor as the main thread starts it: its chart, the stream it owns, and its compactions.

import { startMachineActor } from '../actors/machine-actor.ts';
import { Compactor } from '../actors/workspace/compactor.ts';
import { type WorkspaceEffect, workspaceMachine } from '../actors/workspace/machine.ts';
import { type Address, address } from '../bus/address.ts';
import { placement, threadNames } from '../bus/layout.ts';
import type { Failure } from '../errors.ts';
import { packAppendOf } from '../stores/remote/append-wire.ts';
import { unpackTail } from '../stores/remote/tail-wire.ts';
import type { WorkspaceRecord } from '../stores/workspace-records.ts';
import { WorkspaceStream } from '../stores/workspace-writer.ts';
import type { Supervised } from './actors.ts';
import { type CompactionModels, compactionEffects, compactionPolicy } from './compactions.ts';
import type { ThreadContext } from './context.ts';
import { perConfig } from './per-config.ts';

/** How long a change of a workspace's memory may take, in milliseconds: a slow disk is waited for. */
const WRITE_WITHIN = 60_000;

export interface WorkspaceParts {
  readonly context: ThreadContext;
  readonly id: string;
  readonly models: CompactionModels;
  readonly fault: (whose: Address, error: Failure) => void;
  /** Told when it has done the last it had to do, outside of any message. */
  readonly rested: () => void;
}

export function startWorkspace({ context, id, models, fault, rested }: WorkspaceParts): Supervised {
  const { bus, world, residents, house } = context;
  const self = address('workspace', id);
  const place = placement(house.layout);
  const names = threadNames(house.layout);
  const home = (session_id: string): string => names[place(address('session', session_id))] ?? '';
  const journal = address('store', 'journal');
  const options = { from: self, within: WRITE_WITHIN };
  const policy = perConfig(house, compactionPolicy);
  const stream = new WorkspaceStream({
    workspace_id: id,
    append: (append, answered) =>
      bus.ask(
        journal,
        'journal.append',
        packAppendOf(append, (record) => record),
        options,
        answered,
      ),
    tail: (of, answered) =>
      bus.ask(journal, 'journal.tail', { stream: of }, options, (answer) =>
        answered(answer.ok ? { ok: true, body: unpackTail(answer.body) } : answer),
      ),
    known: (body, answered) =>
      bus.ask(address('store', 'read'), 'memory.known', body, options, (answer) =>
        answered(answer.ok ? { ok: true, body: answer.body.known } : answer),
      ),
    now: () => world.now(),
    after: (ms, run) => world.after(ms, run),
  });
  const compactor = new Compactor({
    world,
    get policy() {
      return policy();
    },
    effects: compactionEffects({
      ...{ context, id, home, models, stream },
      traced: (event, started) => actor.note(event, started),
    }),
    rested,
  });
  /** Those that need not stay leave by themselves where nothing is summed up. */
  const trimmed = (session_id: string, done: () => void): void => {
    const { max_messages: keep_last } = house.config.sessions.memory.recent_store;
    const trim: WorkspaceRecord = { type: 'messages_trimmed', keep_last, session_id, summarized: false };
    // One that fails is asked for again when the session has grown on.
    stream.write({ workspace_id: id, records: [trim] }, done);
  };
  const actor = startMachineActor<WorkspaceEffect>({
    address: self,
    parent: address('gateway', 'root'),
    machine: workspaceMachine,
    input: { id, home },
    world,
    residents,
    bus,
    fault,
    context: (inner) => {
      const { awake, opened, writing } = inner as { awake: ReadonlySet<string>; opened: number; writing: number };
      return { id, awake: awake.size, opened, writing, compaction: compactor.status() };
    },
    perform: (effect, send) => {
      const written = (): void => {
        send({ type: 'written' });
        rested();
      };
      switch (effect.type) {
        case 'grown': {
          const { session_id } = effect;
          if (!house.config.sessions.memory.summaries.enabled) return trimmed(session_id, written);
          compactor.due(session_id);
          return written();
        }
        case 'compaction': {
          const { event } = effect;
          if (event.type === 'workspace.resume') return compactor.resume();
          if (event.type === 'workspace.session_deleted') return compactor.gone(event.body.session_id);
          const answer =
            event.type === 'workspace.compact'
              ? compactor.request(event.body.session_ids)
              : compactor.progress(event.body.id);
          if ('code' in answer) bus.fail(event.envelope, answer);
          else bus.reply(event.envelope, answer);
          return;
        }
        case 'write': {
          const { to, write } = effect;
          for (const record of write.records)
            if (record.type === 'user_erased') compactor.erased(record.user_id, record.session_ids);
          return stream.write({ workspace_id: id, ...write }, (outcome) => {
            if (outcome.ok) bus.reply(to, outcome.body);
            else bus.fail(to, outcome.error);
            written();
          });
        }
        default:
      }
    },
  });
  return {
    ...actor,
    idle: () => actor.state() === 'quiet' && compactor.idle && stream.idle,
    stop: () => {
      compactor.stop();
      stream.stop();
      actor.stop();
    },
  };
}
