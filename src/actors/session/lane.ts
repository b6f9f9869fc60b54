// SPDX-License-Identifier: Apache-2.0
// One session's lane: the only writer of its stream. It journals first, then acts; the chart only ever sees what is durable.

import { type Actor, createActor } from 'xstate';
import type { Envelope } from '../../bus/envelope.ts';
import { type Failure, failure } from '../../errors.ts';
import { evolve, packSession, placeOf, type SessionState } from '../../stores/fold.ts';
import type { SessionRecord } from '../../stores/records.ts';
import type { World } from '../../world.ts';
import {
  type Deciding,
  type Decision,
  decideCancel,
  decideHappened,
  decideReceive,
  decideResume,
  type Happened,
  nextStep,
} from './decide.ts';
import type { LaneEffects } from './effects.ts';
import { Few } from './few.ts';
import { LiveTurn } from './live-turn.ts';
import { type LaneEffect, type LaneEvent, sessionMachine } from './machine.ts';
import type { SessionNames } from './names.ts';
import type { LanePolicy } from './policy.ts';
import type { Deliver, Delivered, SessionChange, Watched } from './protocol.ts';
import { StreamWriter } from './stream-writer.ts';
import { TurnRunner } from './turn-runner.ts';

export interface LaneOptions {
  readonly session_id: string;
  readonly names: SessionNames;
  readonly world: World;
  readonly policy: () => LanePolicy;
  readonly effects: LaneEffects;
  /** The folded log: state, head number, newest seq, and the seqs of what it owes. */
  readonly state: SessionState;
  readonly n: number;
  readonly seq: number;
  readonly owed: Map<string, number>;
  /** Told after every event of the chart: its name, the state value now, when handling began. */
  readonly traced: (event: string, to: unknown, started: number) => void;
  /** The session was opened: its creation is durable. */
  readonly opened: (workspace_id: string) => void;
  /** The lane cannot go on; it has told everyone who waits. */
  readonly lost: (error: Failure) => void;
}

export class Lane {
  readonly session_id: string;
  /** When it last had something to do, by the monotonic clock. */
  active_at: number;
  private readonly names: SessionNames;
  private readonly options: LaneOptions;
  private readonly effects: LaneEffects;
  private readonly world: World;
  private readonly actor: Actor<typeof sessionMachine>;
  private readonly writer: StreamWriter;
  /** The state with everything handed to the journal; decisions are made on it. */
  private ahead: SessionState;
  /** The state with what is durable; answers are given from it. */
  private durable: SessionState;
  private seq: number;
  private readonly owed: Few<number>;
  private readonly turns = new Few<LiveTurn>();
  /** Receipts on their way to the journal, by key, with everyone who waits for them. */
  private readonly receipts = new Few<Envelope[]>();
  private emitted: LaneEffect[] = [];
  private events: LaneEvent[] = [];
  private feeding = false;
  private readonly runner: TurnRunner;
  private stopped = false;

  constructor(options: LaneOptions) {
    this.options = options;
    this.session_id = options.session_id;
    this.names = options.names;
    this.effects = options.effects;
    this.world = options.world;
    this.active_at = options.world.monotonic();
    this.ahead = options.state;
    this.durable = options.state;
    this.seq = options.seq;
    this.owed = new Few();
    for (const [turn_id, seq] of options.owed) this.owed.set(turn_id, seq);
    this.writer = new StreamWriter({
      stream: options.names.address,
      n: options.n,
      workspace: () => this.ahead.facts?.workspace_id ?? '',
      append: options.effects.append,
      later: (run) => void options.world.after(50, run),
      checkpoint: (before) => this.dueCheckpoint(before),
      lost: (error) => this.lose(error),
    });
    this.runner = new TurnRunner({
      names: options.names,
      policy: options.policy,
      effects: options.effects,
      show: (turn_id, event) => {
        const live = this.turns.get(turn_id);
        if (live !== undefined) this.effects.publish(this.names, turn_id, live.show(event), event);
      },
      returned: (result) => {
        this.write(decideHappened(this.ahead, { kind: 'tool_returned', result }, this.deciding()), () => undefined);
      },
      happened: (what) => this.feed({ type: 'happened', what }),
    });
    this.actor = createActor(sessionMachine);
    this.actor.on('*', (effect) => void this.emitted.push(effect));
    this.actor.start();
    const { turn, facts } = options.state;
    if (turn !== null && facts !== null)
      this.turns.set(turn.turn_id, new LiveTurn(turn.turn_id, placeOf(facts), turn.cursor));
  }

  /** The chart's state value, for the inspector. */
  get value(): unknown {
    return this.actor.getSnapshot().value;
  }

  /** The newest folded state. */
  get state(): SessionState {
    return this.ahead;
  }

  /** Nothing runs, nothing waits, nothing is on its way to the journal. */
  get quiet(): boolean {
    const { ahead } = this;
    return ahead.turn === null && ahead.waiting.length === 0 && this.receipts.size === 0 && this.writer.idle;
  }

  /** Goes on with what the log left open. */
  resume(): void {
    if (nextStep(this.ahead) === 'idle') return;
    this.write(decideResume(this.ahead, this.deciding()), (state) => this.feed({ type: 'received', state }));
  }

  /** Takes a message in: checked, journaled, then answered. */
  deliver(envelope: Envelope): void {
    const message = envelope.body as Deliver;
    const { facts } = this.ahead;
    const refused = this.refusal(message);
    if (refused !== null) return this.effects.fail(envelope, refused);
    const digest = this.effects.digest(`${message.model}\n${message.content}`);
    const known = this.ahead.keys.get(message.message_id);
    if (known !== undefined) return this.repeat(envelope, message, known.digest === digest, known.turn_id);
    const asked = this.receipts.get(message.message_id);
    if (asked !== undefined) return void asked.push(envelope);
    if (facts !== null && this.ahead.keys_forgotten) return this.askOldKey(envelope, message);
    this.receive(envelope, message, digest);
  }

  /** Where a turn stands, with the events memory holds. */
  watch(envelope: Envelope): void {
    const { turn_id, from } = envelope.body as { turn_id: string; from: number };
    const live = this.turns.get(turn_id);
    const watched: Watched = {
      status: this.statusOf(turn_id),
      events: live === undefined ? [] : live.since(from),
      first: live === undefined ? 1 : live.first,
      seq: this.seq,
    };
    this.effects.reply(envelope, watched);
  }

  /** Stops a running turn, drops a waiting one. */
  cancel(envelope: Envelope): void {
    const { turn_id, by } = envelope.body as { turn_id: string; by: string };
    const decision = decideCancel(this.ahead, turn_id, by, this.deciding());
    if (decision === null) return this.effects.reply(envelope, { status: 'ended', seq: this.seq });
    this.write(decision, (state) => {
      this.effects.reply(envelope, { status: 'cancelling', seq: this.seq });
      this.feed({ type: 'received', state });
    });
  }

  change(envelope: Envelope): void {
    const { by: _, ...change } = envelope.body as SessionChange & { by: string };
    if (this.ahead.facts === null) return this.effects.fail(envelope, unknownSession(this.session_id));
    this.write(this.one({ type: 'session_changed', ...change }), (state) => {
      this.effects.reply(envelope, { seq: this.seq });
      this.feed({ type: 'received', state });
    });
  }

  /** Ends a turn that runs past its time. */
  sweep(now: number): void {
    const { turn } = this.durable;
    const most = this.options.policy().turn_timeout;
    if (turn === null || !this.runner.busy || now - turn.started_at < most) return;
    this.runner.end(failure('deadline_exceeded', `The turn took longer than ${Math.round(most / 1_000)} s.`));
  }

  /** Writes what it knows into one record; `asleep` is told whether the lane may be forgotten now. */
  sleep(asleep: (quiet: boolean) => void): void {
    if (!this.quiet) return asleep(false);
    if (this.ahead.facts === null || this.ahead.since_checkpoint === 0) return asleep(true);
    const state = this.ahead;
    this.write(this.one({ type: 'checkpoint', state: packSession(state, []) }), () => asleep(this.quiet));
  }

  /** Forgets everything; effects are aborted, nobody is told. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.writer.close();
    this.runner.stop();
    // An interrupted call is paid for as reserved: what it really used nobody will be told.
    const open = this.durable.turn?.open_call;
    if (open) this.effects.settle(this.durable, open.reserved_tokens, open.reserved_usd);
    this.actor.stop();
  }

  private refusal(message: Deliver): Failure | null {
    const { facts } = this.ahead;
    if (facts === null) return message.open ? null : unknownSession(this.session_id);
    if (facts.user_id !== message.user_id && !message.any_user)
      return failure('forbidden', 'The session belongs to somebody else.');
    if (message.workspace_id !== '' && message.workspace_id !== facts.workspace_id) {
      return failure(
        'conflict',
        `The session belongs to workspace ${facts.workspace_id}, not to ${message.workspace_id}.`,
      );
    }
    return facts.status === 'archived'
      ? failure('conflict', 'The session is archived; it takes no more messages.')
      : null;
  }

  private receive(envelope: Envelope, message: Deliver, digest: string): void {
    const policy = this.options.policy();
    const { facts, waiting, waiting_size } = this.ahead;
    if (waiting.length >= policy.waiting_most || waiting_size + message.content.length > policy.waiting_size) {
      return this.effects.fail(
        envelope,
        failure(
          'overloaded',
          `${waiting.length} messages wait in this session already; try again when some are answered.`,
        ),
      );
    }
    const workspace_id = facts?.workspace_id ?? message.workspace_id;
    const model = policy.route({ requested: message.model, session: facts?.model ?? '', workspace_id });
    if (typeof model !== 'string') return this.effects.fail(envelope, model);
    this.effects.point('receive.before_journal');
    this.receipts.set(message.message_id, [envelope]);
    const turn_id = this.world.uuid();
    const decision = decideReceive(this.ahead, this.session_id, message, turn_id, digest, this.deciding());
    this.write(decision, (state) => {
      this.effects.point('receive.journaled');
      const [first, ...others] = this.receipts.get(message.message_id) ?? [];
      this.receipts.delete(message.message_id);
      if (first !== undefined) this.effects.reply(first, this.delivered(message.message_id, turn_id, false));
      for (const other of others) this.deliver(other);
      this.feed({ type: 'received', state });
    });
  }

  private repeat(envelope: Envelope, message: Deliver, same: boolean, turn_id: string): void {
    if (!same) {
      return this.effects.fail(
        envelope,
        failure('conflict', `Another message was sent under the id ${message.message_id}; use a new one.`),
      );
    }
    const receipt = this.receipts.get(message.message_id);
    if (receipt !== undefined) receipt.push(envelope);
    else this.effects.reply(envelope, this.delivered(message.message_id, turn_id, true));
  }

  /** The key may be older than what the lane remembers: the view knows every message there ever was. */
  private askOldKey(envelope: Envelope, message: Deliver): void {
    const { message_id } = message;
    this.receipts.set(message_id, []);
    this.effects.oldKey(this.session_id, message_id, (answer) => {
      if (this.stopped) return;
      const others = this.receipts.get(message_id) ?? [];
      this.receipts.delete(message_id);
      if (!answer.ok) this.effects.fail(envelope, answer.error);
      else if (answer.body.turn_id === null)
        this.receive(envelope, message, this.effects.digest(`${message.model}\n${message.content}`));
      else this.repeat(envelope, message, answer.body.content === message.content, answer.body.turn_id);
      for (const other of others) this.deliver(other);
    });
  }

  private delivered(message_id: string, turn_id: string, repeated: boolean): Delivered {
    return {
      session_id: this.session_id,
      workspace_id: this.ahead.facts?.workspace_id ?? '',
      turn_id,
      message_id,
      status: this.statusOf(turn_id),
      repeated,
      seq: this.seq,
    };
  }

  private statusOf(turn_id: string): Delivered['status'] {
    if (this.durable.turn?.turn_id === turn_id) return 'running';
    return this.durable.waiting.some((message) => message.turn_id === turn_id) ? 'queued' : 'ended';
  }

  private deciding(): Deciding {
    return { now: this.world.now(), uuid: () => this.world.uuid(), policy: this.options.policy() };
  }

  private one(record: SessionRecord): Decision {
    const { now, policy } = this.deciding();
    return { records: [record], state: evolve(this.ahead, record, now, policy.window) };
  }

  /** Hands a decision to the journal; `then` runs with the state it leads to, once it is durable. */
  private write(decision: Decision, then: (state: SessionState) => void): void {
    const { records, state } = decision;
    if (records.length === 0) return then(this.durable);
    this.ahead = state;
    this.active_at = this.world.monotonic();
    const settles: number[] = [];
    const over: string[] = [];
    for (const record of records) {
      if (record.type !== 'turn_finished' && record.type !== 'turn_failed') continue;
      over.push(record.turn_id);
      const seq = this.owed.get(record.turn_id);
      if (seq !== undefined) settles.push(seq);
    }
    if (over.length > 0) this.effects.point('turn.before_finish');
    this.writer.write(this.world.now(), records, settles, (seq) => {
      this.durable = state;
      this.seq = seq + records.length - 1;
      this.tell(records, seq);
      for (const turn_id of over) {
        this.owed.delete(turn_id);
        this.turns.delete(turn_id);
        this.effects.published(this.names, turn_id, this.seq);
      }
      if (over.length > 0) this.effects.point('turn.finished');
      then(state);
    });
  }

  /** What became durable, told to whoever follows. */
  private tell(records: readonly SessionRecord[], first: number): void {
    const { facts } = this.durable;
    let seq = first;
    for (const record of records) {
      if (record.type === 'session_created') this.options.opened(record.workspace_id);
      if (record.type === 'message_received') this.owed.set(record.turn_id, seq);
      seq += 1;
      if (!('turn_id' in record) || facts === null) continue;
      let live = this.turns.get(record.turn_id);
      if (live === undefined && record.type === 'turn_started') {
        live = new LiveTurn(record.turn_id, placeOf(facts), { n: 0, text: '' });
        this.turns.set(record.turn_id, live);
      }
      for (const { turn_id, n, event } of live?.recorded(record) ?? []) {
        this.effects.publish(this.names, turn_id, n, event);
      }
    }
  }

  private dueCheckpoint(before: readonly { readonly records: readonly SessionRecord[] }[]): SessionRecord | null {
    const { ahead } = this;
    // A larger state is written more seldom, so that writing it stays a small share of writing its records.
    const every = Math.max(this.options.policy().checkpoint_every, ahead.keys.size / 4);
    if (ahead.facts === null || ahead.since_checkpoint < every) return null;
    const records = before.flatMap((write) => write.records);
    const open = [
      ...(ahead.turn === null ? [] : [ahead.turn.turn_id]),
      ...ahead.waiting.map((message) => message.turn_id),
    ];
    const owed = open.map(
      (turn_id) => [turn_id, this.owed.get(turn_id) ?? seqFromCheckpoint(records, turn_id)] as const,
    );
    this.ahead = { ...ahead, since_checkpoint: 0 };
    return { type: 'checkpoint', state: packSession(ahead, owed) };
  }

  /** Gives the chart one event at a time and does what it emits after it has returned. */
  private feed(event: LaneEvent): void {
    this.events.push(event);
    if (this.feeding) return;
    this.feeding = true;
    for (let next = this.events.shift(); next !== undefined && !this.stopped; next = this.events.shift()) {
      const started = this.world.monotonic();
      this.actor.send(next);
      this.options.traced(next.type === 'happened' ? next.what.kind : next.type, this.value, started);
      const effects = this.emitted;
      this.emitted = [];
      for (const effect of effects) this.perform(effect);
    }
    this.feeding = false;
  }

  private perform(effect: LaneEffect): void {
    switch (effect.type) {
      case 'call':
        return this.runner.call(effect.state);
      case 'run_tools':
        return this.runner.tools(effect.state);
      case 'reserve':
        return this.runner.reserve(effect.state);
      case 'abort':
        return this.runner.end('cancelled');
      case 'write':
        return this.writeHappened(effect.what);
      default:
        effect satisfies never;
    }
  }

  private writeHappened(what: Happened): void {
    this.write(decideHappened(this.ahead, what, this.deciding()), (state) => this.feed({ type: 'written', state }));
  }

  private lose(error: Failure): void {
    const waiters = this.receipts.values().flat();
    this.receipts.clear();
    for (const envelope of waiters) this.effects.fail(envelope, error);
    this.options.lost(error);
  }
}

/** Where a turn's receipt in the same batch lies, counted back from the checkpoint's own row. */
function seqFromCheckpoint(before: readonly SessionRecord[], turn_id: string): number {
  return before.findIndex((record) => record.type === 'message_received' && record.turn_id === turn_id) - before.length;
}

function unknownSession(session_id: string): Failure {
  return failure('not_found', `There is no session ${session_id}.`);
}
