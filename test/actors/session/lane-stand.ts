// SPDX-License-Identifier: Apache-2.0
// One thread's lanes over a real journal in memory, with a clock that is moved by hand and a model that answers when it is told.

import { Residents } from '../../../src/actors/residents.ts';
import type { Share } from '../../../src/actors/session/decide.ts';
import type { LaneEffects } from '../../../src/actors/session/effects.ts';
import { Lanes } from '../../../src/actors/session/lanes.ts';
import type { LanePolicy } from '../../../src/actors/session/policy.ts';
import type { Delivered } from '../../../src/actors/session/protocol.ts';
import { address } from '../../../src/bus/address.ts';
import type { Answer, Envelope } from '../../../src/bus/envelope.ts';
import type { Failure } from '../../../src/errors.ts';
import type { ChatEvent } from '../../../src/providers/provider.ts';
import { JournalWriter } from '../../../src/stores/journal-writer.ts';
import { emptyMemoryJournal, MemoryJournalDisk, type MemoryJournalState } from '../../../src/stores/memory-journal.ts';
import type { Outgoing } from '../../../src/stores/outbox.ts';
import type { QueueMode, SessionRecord } from '../../../src/stores/records.ts';
import { restore } from '../../../src/stores/records.ts';
import { packAppend, unpackAppend } from '../../../src/stores/remote/append-wire.ts';
import { BETWEEN_TEXTS, type SessionState, textsOf } from '../../../src/stores/session-state.ts';
import type { World } from '../../../src/world.ts';
import { ManualClock } from '../../stores/manual-clock.ts';
import { policy as played } from './play.ts';

/** When the stand's clock begins, epoch milliseconds. */
const BEGAN = 1_700_000_000_000;

/** What somebody was answered; undefined until then. */
export interface Asked {
  answer: Answer<unknown> | undefined;
}

interface Call {
  readonly state: SessionState;
  readonly sink: Parameters<LaneEffects['callModel']>[3];
}

/** A question to the budgets. */
export interface Reserving {
  readonly turn_id: string;
  readonly tokens: number;
  readonly done: (refused: Failure | null) => void;
  /** Whoever asked has given it up, or given back what was granted. */
  stopped: boolean;
}

export class LaneStand {
  readonly clock = new ManualClock();
  readonly rows: MemoryJournalState;
  readonly lanes: Lanes;
  /** Model calls that are open, by session, when the model is told to wait. */
  readonly calls = new Map<string, Call>();
  /** Tool calls that run, by their ids: each is answered by whoever calls it. */
  readonly tools = new Map<string, (content: string) => void>();
  readonly moved: string[] = [];
  readonly faults: Failure[] = [];
  /** Turns whose end was told, in its order; and those that were led to another. */
  readonly over: string[] = [];
  readonly led = new Map<string, string>();
  /** What each call was shown: the window's contents, then the message. */
  readonly prompts: (readonly string[])[] = [];
  /** Tails asked for, and checkpoints that became durable. */
  tails = 0;
  policy: LanePolicy;
  /** Whether the model answers by itself. */
  answers = true;
  /** What a session has to do with the loss of the thread's life before. */
  share: Share = 'unknown';
  /** What the scanner does with a message. */
  scan: LaneEffects['scan'] = (_, done) => done({ kind: 'pass' });
  /** What the view knows of keys that are not remembered any more, and which it was asked for. */
  readonly old = new Map<string, { readonly turn_id: string; readonly content: string }>();
  readonly looked: { readonly key: string; readonly upto: number }[] = [];
  /** Whether the view answers only when {@link view} is called. */
  looksLater = false;
  private readonly looking: (() => void)[] = [];
  /** No new turn is begun. */
  private paused = false;
  /** Answers of the journal are held back. */
  stalled = false;
  /** What the budgets were asked for; whether whoever made the stand answers. */
  readonly reserving: Reserving[] = [];
  reservesLater = false;
  /** Turns for whose calls permits were sought, and whose were let go of. */
  readonly sought: string[] = [];
  readonly dropped: string[] = [];
  /** What channels were asked to take on, and how each is answered. */
  readonly said: { readonly part: Outgoing; readonly answered: (answer: Answer<{ readonly seq: number }>) => void }[] =
    [];
  /** Channels that did not take an answer in its time; what was to be forgotten, and what came of that. */
  readonly gaveUp: string[] = [];
  readonly unsaid: string[] = [];
  unsaying: Failure | null = null;
  private readonly residents: Residents;
  private readonly journal: JournalWriter;
  private readonly held: (() => void)[] = [];
  private readonly asked = new Map<number, Asked>();
  private ids = 0;

  /** @param rows the journal another stand has left */
  constructor(policy: Partial<LanePolicy> = {}, rows = emptyMemoryJournal()) {
    this.rows = rows;
    this.policy = {
      ...played,
      window: 20,
      idle_timeout: 60_000,
      turn_timeout: 60_000,
      awake_most: 100,
      paused: () => this.paused,
      ...policy,
    };
    const { clock } = this;
    this.journal = new JournalWriter({
      disk: new MemoryJournalDisk('stand', this.rows),
      soon: (run) => clock.soon(run),
    });
    const world: World = {
      now: () => BEGAN + clock.monotonic(),
      iso: (epoch) => new Date(epoch).toISOString(),
      monotonic: clock.monotonic,
      origin: BEGAN,
      after: clock.after,
      soon: clock.soon,
      random: () => 0.5,
      uuid: () => `id-${++this.ids}`,
    };
    const answering = <T>(answered: (answer: Answer<T>) => void) => {
      const tell = (answer: Answer<T>): void => {
        if (this.stalled) this.held.push(() => answered(answer));
        else answered(answer);
      };
      return {
        reply: (body: T) => tell({ ok: true, body }),
        fail: (error: Failure) => tell({ ok: false, error }),
      };
    };
    const { journal } = this;
    const nothing = (): void => undefined;
    const effects: LaneEffects = {
      append: (append, answered) => journal.append({ body: unpackAppend(packAppend(append)), ...answering(answered) }),
      tail: (session_id, answered) => {
        this.tails += 1;
        journal.tail({ body: { stream: address('session', session_id) }, ...answering(answered) });
      },
      oldKey: (_, key, upto, answered) => {
        this.looked.push({ key, upto });
        const look = (): void => answered({ ok: true, body: this.old.get(key) ?? { turn_id: null, content: '' } });
        if (this.looksLater) this.looking.push(look);
        else look();
      },
      refused: () => null,
      say: (_, part, answered) => void this.said.push({ part, answered }),
      gaveUp: (_, { channel }) => void this.gaveUp.push(channel),
      unsay: (session_id, channel, answered) => {
        this.unsaid.push(`${channel} ${session_id}`);
        answered(this.unsaying);
      },
      forward: (envelope, session_id) => this.lanes.receive(envelope, session_id),
      reply: (to, body) => this.tell(to, { ok: true, body }),
      fail: (to, error) => this.tell(to, { ok: false, error }),
      publish: nothing,
      published: (_, turn_id) => void this.over.push(turn_id),
      led: (_, turn_id, answered_by) => void this.led.set(turn_id, answered_by),
      seekPermit: (_, { turn }) => {
        const turn_id = turn?.turn_id ?? '';
        this.sought.push(turn_id);
        return { take: nothing, withdraw: nothing, drop: () => void this.dropped.push(turn_id) };
      },
      callModel: ({ session_id }, state, _, sink) => {
        const asked = state.turn === null ? [] : textsOf(state.turn);
        const said = (state.turn?.said ?? []).flatMap(({ role, content }) => (role === 'user' ? [content] : []));
        this.prompts.push([...state.window.map(({ content }) => content), asked.join(BETWEEN_TEXTS), ...said]);
        this.calls.set(session_id, { state, sink });
        if (this.answers) clock.soon(() => this.answer(session_id));
        return () => void this.calls.delete(session_id);
      },
      runTool: (_, call, done) => {
        const answer = (content: string): void => {
          this.tools.delete(call.id);
          done({ call, content, is_error: false, truncated: false, took_ms: 1 });
        };
        this.tools.set(call.id, answer);
        return () => void this.tools.delete(call.id);
      },
      reserve: ({ turn }, { tokens }, done) => {
        const asked: Reserving = { turn_id: turn?.turn_id ?? '', tokens, done, stopped: false };
        this.reserving.push(asked);
        if (!this.reservesLater) clock.soon(() => asked.stopped || done(null));
        return () => {
          asked.stopped = true;
        };
      },
      settle: nothing,
      settleInterrupted: nothing,
      recorded: nothing,
      cost: () => 0,
      scan: (content, done) => this.scan(content, done),
      digest: (text) => text,
      point: nothing,
    };
    this.residents = new Residents({
      thread: 'lane-1',
      world,
      mailbox_capacity: 1,
      mailbox: () => ({ depth: 0, oldest_ms: 0 }),
      trace: { heard: () => false, publish: nothing },
    });
    this.lanes = new Lanes({
      world,
      policy: () => this.policy,
      effects,
      residents: this.residents,
      moved: (_, session_id, how) => this.moved.push(`${session_id} ${how}`),
      ended: nothing,
      fault: (_, error) => this.faults.push(error),
      share: () => this.share,
    });
  }

  /** Says something in a session; nothing has been done about it yet. */
  say(session_id: string, content: string, message_id = `m-${++this.ids}`, queue: QueueMode = 'followup'): Asked {
    return this.send(session_id, 'session.deliver', {
      message_id,
      user_id: 'ann',
      channel: 'channel/http',
      content,
      model: '',
      queue,
      workspace_id: 'home',
      open: true,
      any_user: false,
    });
  }

  send(session_id: string, type: string, body: unknown): Asked {
    const id = ++this.ids;
    const asked: Asked = { answer: undefined };
    this.asked.set(id, asked);
    const to = address('session', session_id);
    this.lanes.receive({ id, to, from: address('channel', 'http'), type, body, deadline: 0 }, session_id);
    return asked;
  }

  /** The agent is paused, or goes on: as a lane's thread does it. */
  pause(paused: boolean): void {
    const before = this.paused;
    this.paused = paused;
    if (!before || paused) return;
    this.lanes.unpaused();
    this.recover();
  }

  /** Takes up what is open, as a start does. */
  recover(): void {
    this.journal.owed({
      body: {},
      reply: ({ streams }) =>
        this.lanes.recover(
          streams.map((stream) => stream.slice('session/'.length)),
          () => undefined,
        ),
      fail: (error) => this.faults.push(error),
    });
  }

  /** Lets everything happen that can happen now. */
  settle(): void {
    this.clock.settle();
  }

  /** Lets the journal's held answers go. */
  release(): void {
    this.stalled = false;
    for (const run of this.held.splice(0)) run();
    this.settle();
  }

  /** The view answers what it was asked. */
  view(): void {
    for (const look of this.looking.splice(0)) look();
  }

  /** The model answers a call that waits. */
  answer(session_id: string): void {
    const call = this.taken(session_id);
    call.sink.event({ type: 'text_delta', text: `answer to ${call.state.turn?.message.content}` });
    call.sink.event({ type: 'done', finishReason: 'stop' });
    call.sink.end(null);
  }

  /** The model asks for tools instead. */
  askFor(session_id: string, ...calls: readonly { readonly id: string; readonly name: string }[]): void {
    const { sink } = this.taken(session_id);
    for (const call of calls) sink.event({ type: 'tool_call', arguments: '{}', ...call });
    sink.event({ type: 'done', finishReason: 'tool_calls' });
    sink.end(null);
  }

  private taken(session_id: string): Call {
    const call = this.calls.get(session_id);
    if (call === undefined) throw new Error(`no call of ${session_id} is open`);
    this.calls.delete(session_id);
    return call;
  }

  /** The types of a session's records. */
  types(session_id: string): readonly string[] {
    const stream = address('session', session_id);
    return [...this.rows.rows.values()].filter((row) => row.stream === stream).map(({ type }) => type);
  }

  /** The seq of a session's newest row. */
  lastRow(session_id: string): number {
    const stream = address('session', session_id);
    return [...this.rows.rows.values()].findLast((row) => row.stream === stream)?.seq ?? 0;
  }

  /** Where a session's chart stands. */
  place(session_id: string): unknown {
    return this.residents.inside(address('session', session_id), false)?.state;
  }

  /** A session's records. */
  records(session_id: string): readonly SessionRecord[] {
    const stream = address('session', session_id);
    return [...this.rows.rows.values()].filter((row) => row.stream === stream).map(restore);
  }

  private tell(to: Envelope, answer: Answer<unknown>): void {
    const asked = this.asked.get(to.id);
    if (asked === undefined) throw new Error('nobody asked this');
    if (asked.answer !== undefined) throw new Error('answered twice');
    asked.answer = answer;
  }
}

/** An event that nobody can look at: the lane that is told it fails. */
export const BAD = {
  get type(): string {
    throw new Error('a bad event');
  },
} as unknown as ChatEvent;

/** The receipt in an answer that is there and good. */
export function receiptOf({ answer }: Asked): Delivered {
  if (answer === undefined) throw new Error('not answered');
  if (!answer.ok) throw new Error(`${answer.error.code}: ${answer.error.message}`);
  return answer.body as Delivered;
}

/** `ok`, the code of an error, or `waiting`. */
export function codeOf({ answer }: Asked): string {
  if (answer === undefined) return 'waiting';
  return answer.ok ? 'ok' : answer.error.code;
}
