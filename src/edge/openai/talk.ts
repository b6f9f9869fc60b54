// SPDX-License-Identifier: Apache-2.0
// One answer on its way to a client of OpenAI's, whoever gives it: a model that is passed through to, or the agent of a workspace.

import { type Delivered, TURNS_TOPIC } from '../../actors/session/protocol.ts';
import { type PassEnd, type PassEvent, passName } from '../../actors/thread/protocol.ts';
import { type Address, address } from '../../bus/address.ts';
import { topic } from '../../bus/envelope.ts';
import { ERRORS, type ErrorCode, failure, SigilError } from '../../errors.ts';
import type { ChatFinish, ChatRequest } from '../../providers/provider.ts';
import { permits } from '../../security/permission.ts';
import type { Usage } from '../../stores/records.ts';
import { eventsIn, type TurnEventBatch } from '../../stores/turn-events.ts';
import { ask, EDGE } from '../ask.ts';
import type { EdgeContext } from '../context.ts';
import type { Exchange } from '../exchange.ts';
import { Refusal } from '../problem.ts';
import type { AgentRequest } from './translate.ts';

/** Somebody answers. */
export interface Talk {
  /** How it ended; rejects with why there is no whole answer. */
  readonly end: Promise<PassEnd>;
  /** Nobody listens any more: whoever answers is stopped. */
  stop(): void;
}

/** Told what is said as it comes, before `end` is. */
export type Listener = (events: readonly PassEvent[]) => void;

/** An answer may take this much longer to get here than it was allowed, in milliseconds. */
const ON_THE_WAY = 15_000;
/** How long a session may take to take its message. */
const DELIVER_WITHIN = 60_000;
/** How long a session that is not kept may take to go. */
const DELETE_WITHIN = 60_000;

/** A model, asked as it is. @param shown whether what is said of an answer cannot be taken back */
export function passThrough(
  edge: EdgeContext,
  exchange: Exchange,
  call: { readonly model: string; readonly request: ChatRequest; readonly shown: boolean },
  listen: Listener,
): Talk {
  const { bus, world, config, threadOf } = edge.ports;
  const { user_id } = exchange.caller;
  const id = world.uuid();
  const within = config.agent.turn_timeout;
  const thread = address('thread', threadOf(address('session', id)));
  const heard = topic<readonly PassEvent[]>(thread, passName(id));
  let leave = (): void => undefined;
  const events = (batches: readonly (readonly PassEvent[])[]): void => {
    // It is taken, and others have their turn at the thread: the model may take its time.
    leave();
    const said = batches.flat();
    if (said.length > 0) listen(said);
  };
  const unsubscribe = bus.subscribe(heard, { events }, { lossless: true });
  let over = false;
  const run = async (): Promise<PassEnd> => {
    leave = await turnAt(edge, exchange, thread.slice('thread/'.length), world.now() + within);
    try {
      if (over) throw gone();
      const body = { id, user_id, workspace_id: `personal:${user_id}`, ...call, within };
      return await ask(bus, thread, 'thread.pass', body, within + ON_THE_WAY, exchange.requestId);
    } finally {
      leave();
      over = true;
      unsubscribe();
    }
  };
  return {
    end: run(),
    stop: () => {
      if (over) return;
      over = true;
      bus.send(thread, 'thread.pass_off', { id }, { from: EDGE });
    },
  };
}

/** The agent of a workspace, in a session that is made for this and not kept. */
export function askAgent(
  edge: EdgeContext,
  exchange: Exchange,
  call: { readonly workspace_id: string; readonly request: AgentRequest; readonly shown: boolean },
  listen: Listener,
): Talk {
  const { bus, world, threadOf } = edge.ports;
  const { user_id, permissions } = exchange.caller;
  const { workspace_id, request, shown } = call;
  const session_id = world.uuid();
  const session = address('session', session_id);
  const { promise, resolve, reject } = Promise.withResolvers<PassEnd>();
  let model = '';
  let usage: Usage | null = null;
  let said = false;
  let over = false;
  const settle = (how: () => void): void => {
    if (over) return;
    over = true;
    unsubscribe();
    how();
    // Nothing of it stays; what still runs is stopped.
    forget(edge, session, user_id);
  };
  const take = (batch: TurnEventBatch): void => {
    const told: PassEvent[] = [];
    const tell = (): void => {
      if (told.length > 0) listen(told.splice(0));
    };
    for (const { event } of eventsIn(batch)) {
      switch (event.event) {
        case 'turn_started':
          model = event.data.model;
          told.push({ type: 'model', model });
          break;
        case 'text_delta':
          said = true;
          told.push(event.data.text);
          break;
        case 'thinking_delta':
          said = true;
          told.push({ type: 'thinking', text: event.data.text });
          break;
        case 'turn_restarted':
          if (said && shown)
            return settle(() =>
              reject(new SigilError(failure('provider_ended_early', 'The answer broke off and would begin again.'))),
            );
          told.push({ type: 'model', model });
          break;
        case 'usage':
          usage = event.data;
          break;
        case 'done': {
          tell();
          const { finish_reason } = event.data;
          const finish: ChatFinish = finish_reason === 'cancelled' ? 'stop' : finish_reason;
          return settle(() => resolve({ model, finish, usage: usage ?? NOTHING }));
        }
        case 'error': {
          const { code, message } = event.data;
          const known = Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'internal';
          return settle(() => reject(new SigilError(failure(known, message))));
        }
        default:
          break;
      }
    }
    tell();
  };
  const unsubscribe = bus.subscribe(
    topic<TurnEventBatch>(session, TURNS_TOPIC),
    {
      events: (batches) => {
        for (const batch of batches) if (!over) take(batch);
      },
      lost: () => settle(() => reject(new SigilError(failure('thread_lost', 'The thread that answered ended.')))),
    },
    { lossless: true },
  );
  const deliver = async (): Promise<Delivered> => {
    const leave = await turnAt(edge, exchange, threadOf(session), world.now() + DELIVER_WITHIN);
    try {
      if (over) throw gone();
      const { content, history, images, instructions, options } = request;
      const body = {
        ...({ channel: 'channel/http', model: '', queue: 'followup', open: true, any_user: false } as const),
        ...{ message_id: world.uuid(), user_id, content, workspace_id },
        any_workspace: permits(permissions, 'admin:workspaces'),
        fleeting: { history, images, instructions, options },
      };
      return await ask(bus, session, 'session.deliver', body, DELIVER_WITHIN, exchange.requestId);
    } finally {
      leave();
    }
  };
  deliver().catch((thrown: unknown) => settle(() => reject(thrown)));
  return { end: promise, stop: () => settle(() => reject(gone())) };
}

const NOTHING: Usage = { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0, cost_usd: 0 };

function gone(): Refusal {
  return new Refusal('conflict', 'Nobody waits for this answer any more.');
}

/** One that was never there is gone as well; one that does not go now is forgotten by its lane once it rests. */
function forget({ ports: { bus } }: EdgeContext, session: Address<'session'>, by: string): void {
  bus.ask(session, 'session.delete', { by }, { from: EDGE, within: DELETE_WITHIN }, () => undefined);
}

/** Waits until it is the caller's turn at a thread. @throws SigilError `overloaded`; Refusal `conflict` for who is being erased */
function turnAt(edge: EdgeContext, exchange: Exchange, lane: string, until: number): Promise<() => void> {
  const { admission, erasure } = edge.ports;
  const { user_id } = exchange.caller;
  if (erasure.erasing(user_id))
    throw new Refusal('conflict', `Everything about ${user_id} is being erased; nothing is taken meanwhile.`);
  if (admission === undefined) return Promise.resolve(() => undefined);
  return new Promise((resolve, reject) => {
    const refused = admission.pass(lane, edge.shareOf(exchange), until, resolve);
    if (refused !== null) reject(new SigilError(refused));
  });
}
