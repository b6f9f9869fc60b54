// SPDX-License-Identifier: Apache-2.0
// Sessions' streams as lanes write them: turns with tools, failures and resumptions, made from a seed.

import type { Append, AppendItem } from '../../src/stores/journal.ts';
import { type SessionRecord, store, type Usage } from '../../src/stores/records.ts';
import { EVENTS_PER_ATTEMPT } from '../../src/stores/turn-events.ts';

export const USAGE: Usage = {
  input_tokens: 10,
  output_tokens: 5,
  cache_read_tokens: 2,
  cache_write_tokens: 1,
  cost_usd: 0.25,
};

/** Twice {@link USAGE}, as a turn of two calls ends with. */
export const TWICE: Usage = {
  input_tokens: 20,
  output_tokens: 10,
  cache_read_tokens: 4,
  cache_write_tokens: 2,
  cost_usd: 0.5,
};

/** Numbers in [0, 1) from a seed (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** One session's stream: keeps its number, gives the next append. */
export class SessionLog {
  readonly id: string;
  readonly workspace: string;
  readonly user: string;
  /** Epoch milliseconds of the next record. */
  at = Date.UTC(2026, 0, 2, 3, 4, 5);
  #n = 0;
  #turns = 0;

  constructor(id: string, workspace: string, user = 'ada') {
    this.id = id;
    this.workspace = workspace;
    this.user = user;
  }

  get stream(): string {
    return `session/${this.id}`;
  }

  /** Records as one append. */
  next(...records: readonly SessionRecord[]): Append {
    const n = this.#n + 1;
    this.#n += records.length;
    const items: AppendItem[] = records.map((record) => ({
      at: this.at++,
      records: [store(record)],
      owes: [],
      settles: [],
    }));
    return { stream: this.stream, workspace_id: this.workspace, n, items };
  }

  create(): Append {
    const { id: session_id, workspace: workspace_id, user: user_id } = this;
    return this.next({ type: 'session_created', session_id, workspace_id, user_id, channel: 'channel/http' });
  }

  receive(content: string, turn_id = `${this.id}-t${++this.#turns}`, message_id = `${turn_id}-m`): SessionRecord {
    return {
      type: 'message_received',
      message_id,
      turn_id,
      user_id: this.user,
      channel: 'channel/http',
      content,
      model: '',
      digest: 'd',
    };
  }

  newTurn(): string {
    return `${this.id}-t${++this.#turns}`;
  }
}

export function started(turn_id: string, message_ids: readonly string[] = [`${turn_id}-m`]): SessionRecord {
  return { type: 'turn_started', turn_id, message_ids, model: 'mock/small', queued_ms: 3 };
}

export function called(turn_id: string, call: number): SessionRecord {
  return { type: 'model_called', turn_id, call, model: 'mock/small', reserved_tokens: 100, reserved_usd: 1 };
}

export function replied(
  turn_id: string,
  call: number,
  content: string,
  more: Partial<SessionRecord & { type: 'model_replied' }> = {},
): SessionRecord {
  const deltas = content === '' ? [] : [content.length];
  const base = {
    type: 'model_replied',
    turn_id,
    call,
    content,
    thinking: '',
    tool_calls: [],
    usage: USAGE,
    finish: 'stop',
    deltas,
  } as const;
  return { ...base, message_id: `${turn_id}-r${call}`, ...more };
}

export function asksTools(turn_id: string, call: number, content: string, id = 'call-1'): SessionRecord {
  return replied(turn_id, call, content, {
    tool_calls: [{ id, name: 'look', arguments: '{"at":"moon"}' }],
    finish: 'tool_calls',
  });
}

export function toolCalled(turn_id: string, id = 'call-1'): SessionRecord {
  return { type: 'tool_called', turn_id, calls: [{ id, name: 'look', arguments: '{"at":"moon"}' }] };
}

export function returned(
  turn_id: string,
  content: string,
  id = 'call-1',
  more: { readonly is_error?: boolean } = {},
): SessionRecord {
  const message_id = `${turn_id}-${id}-${content.length}`;
  return {
    type: 'tool_returned',
    turn_id,
    call_id: id,
    name: 'look',
    content,
    is_error: false,
    truncated: false,
    took_ms: 4,
    message_id,
    ...more,
  };
}

export function resumed(turn_id: string, attempt: number, times: number): SessionRecord {
  const first_event = times * EVENTS_PER_ATTEMPT + 1;
  return { type: 'turn_resumed', turn_id, attempt, first_event, settled_tokens: 100, settled_usd: 1 };
}

export function finished(turn_id: string, call: number, content: string, usage: Usage = USAGE): SessionRecord {
  return { type: 'turn_finished', turn_id, reply_id: `${turn_id}-r${call}`, finish_reason: 'stop', content, usage };
}

export function failed(turn_id: string): SessionRecord {
  return { type: 'turn_failed', turn_id, code: 'provider_error', message: 'the provider hung up', usage: USAGE };
}

/** A further message, and that a turn answers it: from its start on, or before its next call. */
function joined(
  log: SessionLog,
  turn_id: string,
  type: 'message_collected' | 'message_steered',
  before_call: number,
): readonly Append[] {
  const waited_as = log.newTurn();
  const message_id = `${waited_as}-m`;
  const join = { turn_id, message_id, waited_as };
  const received = log.next(log.receive('one thing more', waited_as));
  return type === 'message_collected'
    ? [received, log.next({ type, ...join }, started(turn_id, [`${turn_id}-m`, message_id]), called(turn_id, 1))]
    : [received, log.next({ type, ...join, before_call }, called(turn_id, before_call))];
}

/**
 * The records of a random turn in appends as a lane makes them, from the message to its end.
 *
 * @param joins whether it may answer more than its own message
 */
export function randomTurn(log: SessionLog, random: () => number, joins = true): readonly Append[] {
  const turn = log.newTurn();
  const appends = [
    log.next(log.receive(`question ${Math.floor(random() * 1e6)}`, turn)),
    ...(joins && random() < 0.15
      ? joined(log, turn, 'message_collected', 0)
      : [log.next(started(turn), called(turn, 1))]),
  ];
  if (random() < 0.2) appends.push(log.next(resumed(turn, 1, 1)), log.next(called(turn, 1)));
  if (random() < 0.15) return [...appends, log.next(replied(turn, 1, 'half', { finish: 'failed' }), failed(turn))];
  if (random() < 0.4) {
    appends.push(log.next(asksTools(turn, 1, 'let me look'), toolCalled(turn)));
    appends.push(log.next(returned(turn, 'all is well')));
    appends.push(...(joins && random() < 0.3 ? joined(log, turn, 'message_steered', 2) : [log.next(called(turn, 2))]));
    appends.push(log.next(replied(turn, 2, 'done'), finished(turn, 2, 'let me lookdone', TWICE)));
  } else appends.push(log.next(replied(turn, 1, 'hello there'), finished(turn, 1, 'hello there')));
  if (random() < 0.1) appends.push(log.next({ type: 'session_changed', title: `title ${turn}` }));
  if (random() < 0.1) appends.push(log.next({ type: 'checkpoint', state: { large: 'x'.repeat(500) } }));
  return appends;
}
