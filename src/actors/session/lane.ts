// SPDX-License-Identifier: Apache-2.0
// One session's lane: the only writer of its stream. It journals first, then acts; the chart only ever sees what is durable.

import type { Answer, Envelope } from '../../bus/envelope.ts';
import { type Failure, failure } from '../../errors.ts';
import { evolve, withoutOldKeys } from '../../stores/fold.ts';
import type { DatedRecords } from '../../stores/imported-turn.ts';
import type { Append, Committed } from '../../stores/journal.ts';
import type { Outgoing } from '../../stores/outbox.ts';
import { packSession } from '../../stores/packed-session.ts';
import type { ReplyHanded, ReplyLost, SessionRecord } from '../../stores/records.ts';
import { type KnownKey, type SessionState, type TurnState, tokensOf } from '../../stores/session-state.ts';
import type { ShortEvent } from '../../stores/turn-events.ts';
import type { World } from '../../world.ts';
import type { Resident } from '../residents.ts';
import { decideApproval, decideExpired, nextExpiry } from './approvals.ts';
import { auditOf } from './audit.ts';
import { SessionChanges } from './changes.ts';
import { type ChartPlace, RESTS } from './chart.ts';
import type { CommandedSession } from './conversation.ts';
import type { Timed } from './deadlines.ts';
import {
  decideBlocked,
  decideCancel,
  decideHappened,
  decideReceive,
  decideResume,
  type Happened,
  type Scanned,
  type Share,
} from './decide.ts';
import type { Deciding, Decision } from './draft.ts';
import type { LaneEffects } from './effects.ts';
import { FirstCall } from './first-call.ts';
import { type Handing, HandOver } from './hand-over.ts';
import type { FoldedLog, LaneHost } from './lane-host.ts';
import { eventOf, type LaneEffect, type LaneEvent } from './machine.ts';
import type { SessionNames } from './names.ts';
import { nextStep } from './next-step.ts';
import { OwedRows } from './owed-rows.ts';
import type { LanePolicy } from './policy.ts';
import type { Answered, Deliver, Delivered, GivenAnswer, Watched } from './protocol.ts';
import { type MessageOwner, Reception } from './reception.ts';
import type { Ordered } from './rest-order.ts';
import { type StreamOwner, StreamWriter } from './stream-writer.ts';
import type { ToolResult } from './tool-result.ts';
import { TurnNews } from './turn-news.ts';
import { type TurnOwner, TurnRunner } from './turn-runner.ts';

/** What the chart is still to be told, and the durable state it is about. */
interface Fact {
  readonly type: LaneEvent['type'];
  readonly state: SessionState;
}

const NOT_MADE = { tokens: 0, cost_usd: 0, seq: 0 } as const;
/** Pause before an append is made again that may not have reached the journal, in milliseconds. */
const AGAIN_MS = 50;

export class Lane implements StreamOwner, Handing, TurnOwner, MessageOwner, CommandedSession, Ordered<Lane>, Timed {
  readonly names: SessionNames;
  /** Its entry with the inspector, once it has one. */
  resident: Resident | null = null;
  /** When it was last used, by the monotonic clock, in whole milliseconds. */
  active_at: number;
  /** Its place in the order of those that rest, and among the deadlines. */
  older: Lane | null = null;
  newer: Lane | null = null;
  slot = 0;
  /** It is to be forgotten as soon as it rests. */
  sleepy = false;
  private readonly host: LaneHost<Lane>;
  readonly effects: LaneEffects;
  readonly world: World;
  private readonly writer: StreamWriter;
  private readonly runner: TurnRunner;
  /** Where its chart stands. */
  private chart: ChartPlace = RESTS;
  /** The state with everything handed to the journal; decisions are made on it. */
  private ahead: SessionState;
  /** The state with what is durable; answers are given from it. */
  private durable: SessionState;
  seq: number;
  private readonly owed: OwedRows;
  private readonly news: TurnNews;
  private readonly reception: Reception;
  /** Others who are answered once something is durable. */
  private waiters: Envelope[] | null = null;
  private changing: SessionChanges | null = null;
  private handing: HandOver | null = null;
  /** What is reserved for a message that is not journaled yet. */
  private first: FirstCall | null = null;
  /** The chart is being fed, and what came meanwhile. */
  private feeding = false;
  private facts: Fact[] | null = null;
  /** Nothing runs, nothing waits, nothing is on its way, and its thread knows. */
  resting = false;
  stopped = false;

  constructor(host: LaneHost<Lane>, names: SessionNames, log: FoldedLog) {
    const { state, n, seq, owed } = log;
    this.host = host;
    this.names = names;
    this.effects = host.effects;
    this.world = host.world;
    this.active_at = Math.floor(host.world.monotonic());
    this.ahead = state;
    this.durable = state;
    this.seq = seq;
    this.owed = new OwedRows(owed);
    this.news = new TurnNews(this, state);
    this.writer = new StreamWriter(this, n);
    this.runner = new TurnRunner(this);
    this.reception = new Reception(this);
  }

  get session_id(): string {
    return this.names.session_id;
  }

  /** The chart's state value, for the inspector. */
  get value(): unknown {
    return this.chart.value;
  }

  /** The newest folded state. */
  get state(): SessionState {
    return this.ahead;
  }

  /** Whether its log, as far as it is known to be durable, leaves something open: what was decided since may be lost. */
  get open(): boolean {
    return nextStep(this.durable) !== 'idle' || this.durable.outbox.length > 0;
  }

  /** Nothing runs, nothing waits, nothing is on its way to the journal. */
  get quiet(): boolean {
    const { ahead } = this;
    if (this.changing?.busy === true) return false;
    return ahead.turn === null && !this.begins && this.reception.idle && this.writer.idle;
  }

  /** Whether messages wait for a turn of theirs that is about to begin: while the agent is paused none is. */
  private get begins(): boolean {
    return this.ahead.waiting.length > 0 && !this.policy.paused();
  }

  /**
   * Goes on with what the log left open.
   *
   * @param share its share in the interruption: none, or that it was worked on when its thread was lost
   */
  resume(share: Share = 'unknown'): void {
    this.handOver();
    const { turn } = this.ahead;
    if (turn === null && !this.begins) return this.rest();
    if (turn !== null) this.host.began(this, turn.started_at);
    this.effects.point('recover.tail_read');
    const before = this.ahead;
    const decision = decideResume(before, this.deciding(), share);
    this.write(decision, (state) => {
      this.effects.point('recover.resumed');
      const [resumed] = decision.records;
      if (resumed?.type === 'turn_resumed') {
        // An interrupted call is paid for as reserved: what it really used nobody will be told.
        const { settled_tokens: tokens, settled_usd: cost_usd } = resumed;
        const seq = this.seq - decision.records.length + 1;
        this.effects.settleInterrupted(before, { tokens, cost_usd, seq });
      }
      this.feed('received', state);
    });
  }

  /** The agent is paused no longer: what waited for its turn begins. */
  unpaused(): void {
    if (this.ahead.turn === null && this.begins && this.changing?.going !== true) this.resume();
  }

  /** Takes a message in: checked, journaled, then answered. */
  deliver(envelope: Envelope): void {
    this.reception.deliver(envelope);
  }

  /** Whether this message waits for its receipt. */
  owesReceipt(envelope: Envelope): boolean {
    return this.reception.owes(envelope);
  }

  /** Where a turn stands, with the events memory holds. */
  watch(envelope: Envelope): void {
    const { turn_id: asked, from } = envelope.body as { turn_id: string; from: number };
    const turn_id = this.news.answering(asked);
    const status = this.statusOf(turn_id);
    const watched: Watched = { turn_id, status, ...this.news.since(turn_id, from), seq: this.seq };
    this.effects.reply(envelope, watched);
  }

  /** Stops a running turn, drops a waiting one. */
  cancel(envelope: Envelope): void {
    const { turn_id, by } = envelope.body as { turn_id: string; by: string };
    const decision = decideCancel(this.ahead, turn_id, by, this.deciding());
    this.wait(envelope);
    if (decision === null || decision.records.length === 0) {
      const status = decision === null ? 'ended' : 'cancelling';
      // It is so as far as it is decided; whoever asks is told once that is durable.
      return this.writer.whenDurable(() => this.answer(envelope, { status, seq: this.seq }));
    }
    this.write(decision, (state) => {
      this.answer(envelope, { status: 'cancelling', seq: this.seq });
      this.feed('received', state);
    });
  }

  /** Takes a person's answer to a request for approval: journaled, then the call runs or is refused. */
  approval(envelope: Envelope): void {
    this.wait(envelope);
    this.giveAnswer(envelope.body as GivenAnswer, (answered) => this.answer(envelope, answered));
  }

  giveAnswer(answer: GivenAnswer, told: (answered: Answered) => void): void {
    const decision = decideApproval(this.ahead, answer, this.deciding());
    if (decision === null) {
      const known = this.ahead.turn?.tools.find(({ approval }) => approval?.id === answer.id)?.approval;
      return this.writer.whenDurable(() => {
        const body: Answered = {
          status: 'over',
          by: known?.by ?? '',
          decision: known?.decision ?? null,
          seq: this.seq,
        };
        told(body);
      });
    }
    this.write(decision, (state) => {
      const { by, decision: taken } = answer;
      told({ status: 'taken', by, decision: taken, seq: this.seq });
      this.feed('received', state);
    });
  }

  /** What is asked of it beside its turns, which is seldom. */
  get changes(): SessionChanges {
    this.changing ??= new SessionChanges(this);
    return this.changing;
  }

  /** Whether nothing is left to it but to wait for a person, or for a channel to come back: it is durable as it is, whatever becomes of its thread. */
  get asks(): boolean {
    if (!this.reception.idle || !this.writer.idle) return false;
    const next = nextStep(this.ahead);
    return next === 'approval' || (next === 'idle' && this.handing?.waits === true);
  }

  /**
   * Ends a turn that runs past its time, not counting what a person took to answer, and requests nobody answered in theirs;
   * when to look again, epoch milliseconds, or null when none runs.
   */
  sweep(now: number): number | null {
    const { turn } = this.durable;
    if (turn === null) return null;
    const expiry = nextExpiry(this.durable);
    if (expiry !== null) {
      if (now < expiry) return expiry;
      const decision = decideExpired(this.ahead, this.deciding());
      this.write(decision, (state) => {
        if (decision.records.length > 0) this.feed('received', state);
      });
      return this.stopped ? null : (nextExpiry(this.ahead) ?? now);
    }
    const until = this.deadline(turn);
    if (now >= until && this.runner.busy) {
      const seconds = Math.round(this.policy.turn_timeout / 1_000);
      this.runner.end(failure('deadline_exceeded', `The turn took longer than ${seconds} s.`));
    }
    return this.stopped ? null : until;
  }

  /** When a turn's time is over, epoch milliseconds: what people took to answer is not of it. */
  private deadline({ started_at, waited }: TurnState): number {
    return started_at + this.policy.turn_timeout + (waited?.ms ?? 0);
  }

  /** Writes what it knows into one record, from which alone it wakes again; false when its log ends with that already. */
  checkpoint(): boolean {
    if (this.ahead.facts === null || this.ahead.since_checkpoint === 0) return false;
    const state = this.ahead;
    this.write(this.one({ type: 'checkpoint', state: packSession(state, this.owed.inCheckpoint(state, [])) }), () =>
      this.effects.point('lane.asleep'),
    );
    return true;
  }

  get keys(): number {
    return this.ahead.keys.size;
  }

  /** What is not durable yet is known by its receipt. */
  forgetKeys(left: number): void {
    this.ahead = withoutOldKeys(this.ahead, left);
  }

  /** Forgets everything; effects are aborted, nobody is told. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.writer.close();
    this.runner.stop();
    this.giveBackFirst();
    this.handing?.stop();
  }

  // What its writer needs of it.

  get stream(): string {
    return this.names.address;
  }

  get workspace_id(): string {
    // What deletes it is of its workspace still.
    return (this.ahead.facts ?? this.durable.facts)?.workspace_id ?? '';
  }

  append(append: Append<SessionRecord>, answered: (answer: Answer<Committed>) => void): void {
    this.effects.append(append, answered);
  }

  later(run: () => void): void {
    this.world.after(AGAIN_MS, () => this.host.guarded(this, run));
  }

  // What hands its answers to channels needs of it.

  get outbox(): readonly Outgoing[] {
    return this.durable.outbox;
  }

  get outboxAge(): number {
    return this.policy.outbox_age;
  }

  say(part: Outgoing, answered: (answer: Answer<{ readonly seq: number }>) => void): void {
    this.effects.point('reply.handing');
    this.effects.say(this.session_id, part, (answer) => {
      if (answer.ok) this.effects.point('reply.taken');
      answered(answer);
    });
  }

  handed(record: ReplyHanded | ReplyLost, then: () => void): void {
    // It may have been deleted meanwhile, with all it had to say.
    if (!this.ahead.outbox.some(({ key }) => key === record.key)) return then();
    this.write(this.one(record), () => {
      this.effects.point('reply.handed');
      if (record.type === 'reply_lost') this.effects.gaveUp(this.session_id, record);
      then();
    });
  }

  guard(run: () => void): void {
    this.host.guarded(this, run);
  }

  /** Nothing more is handed over, so that nothing comes to a channel behind its being told to forget. */
  unsay(told: (error: Failure | null) => void): void {
    this.handing?.stop();
    this.handing = null;
    this.effects.unsay(this.session_id, this.ahead.facts?.channel ?? '', (error) => {
      if (this.stopped) return;
      told(error);
      this.handOver();
    });
  }

  private handOver(): void {
    if (this.changing?.going === true) return;
    if (this.durable.outbox.length === 0) return;
    this.handing ??= new HandOver(this);
    this.handing.look();
  }

  owedParts(): readonly number[] {
    return this.owed.ofParts(this.durable.outbox);
  }

  written(): void {
    if (this.going) this.changing?.endDeleted();
    else this.rest();
  }

  lost(error: Failure): void {
    const waiters = [...this.reception.dismiss(), ...(this.waiters ?? [])];
    this.waiters = null;
    this.changing?.forget();
    for (const envelope of waiters) this.effects.fail(envelope, error);
    this.host.lost(this, error);
  }

  // What takes its messages in needs of it.

  get going(): boolean {
    return this.changing?.going ?? false;
  }

  newTurn(): string {
    return this.world.uuid();
  }

  block(message: Deliver, digest: string, rules: readonly string[], blocked: () => void): void {
    const decision = decideBlocked(this.ahead, this.session_id, message, digest, rules, this.deciding());
    this.write(decision, blocked);
  }

  reserveFirst(message: Scanned, turn_id: string, digest: string, done: () => void): void {
    const { ahead } = this;
    // Known without deciding anything: one runs already, or no budget could be reached.
    const workspace_id = ahead.facts?.workspace_id ?? message.workspace_id;
    const asked = { requested: message.model, session: ahead.facts?.model ?? '', workspace_id };
    const model = this.host.policy().route(asked);
    if (ahead.turn !== null || typeof model !== 'string') return done();
    if (this.host.policy().budgets(model, workspace_id).length === 0) return done();
    // With keys of its own: in the session's, which are shared, a checkpoint would find the message before the journal has it.
    const apart = { ...ahead, keys: new Map<string, KnownKey>() };
    const { state } = decideReceive(apart, this.session_id, message, turn_id, digest, this.deciding());
    if (!FirstCall.isFor(ahead, state, turn_id)) return done();
    this.first = new FirstCall(ahead);
    this.first.reserve(state, this, done);
  }

  giveBackFirst(): void {
    this.first?.stop();
    this.first = null;
  }

  take(message: Scanned, turn_id: string, digest: string, received: () => void): void {
    const { first, ahead } = this;
    const reserved = first?.take(ahead) ?? undefined;
    const decision = decideReceive(ahead, this.session_id, message, turn_id, digest, this.deciding(), reserved);
    // What was reserved for a call that is not made after all goes back.
    if (decision.state.turn?.open_call == null) first?.stop();
    this.first = null;
    this.write(decision, (state) => {
      received();
      this.feed('received', state);
    });
  }

  delivered(message_id: string, taken_as: string, repeated: boolean): Delivered {
    const turn_id = this.news.answering(taken_as);
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

  // What changes it needs of it.

  record(records: readonly SessionRecord[], then: () => void, by = ''): void {
    const { now, policy } = this.deciding();
    let state = this.ahead;
    for (const record of records) state = evolve(state, record, now, policy.window);
    const durable = (reached: SessionState): void => {
      then();
      if (!this.stopped) this.feed('received', reached);
    };
    this.write({ records, state }, durable, by);
  }

  recordDated(parts: readonly DatedRecords[], then: () => void): void {
    this.stir();
    let state = this.ahead;
    const { window } = this.policy;
    for (const { at, records } of parts) for (const record of records) state = evolve(state, record, at, window);
    this.ahead = state;
    this.host.remembered(this);
    const count = parts.reduce((sum, { records }) => sum + records.length, 0);
    this.writer.writeTogether(parts, (seq) => {
      this.durable = state;
      this.seq = seq + count - 1;
      then();
    });
  }

  whenDurable(run: () => void): void {
    this.writer.whenDurable(run);
  }

  stopTurn(turn_id: string, by: string): void {
    const decision = decideCancel(this.ahead, turn_id, by, this.deciding());
    if (decision !== null) this.write(decision, (state) => this.feed('received', state));
  }

  digest(message: Pick<Deliver, 'content' | 'model'>): string {
    return this.reception.digest(message);
  }

  opened(workspace_id: string): void {
    this.host.opened(this, workspace_id);
  }

  deleted(workspace_id: string): void {
    this.host.deleted(this, workspace_id);
  }

  // What the runner of its turns needs of it.

  get policy(): LanePolicy {
    return this.host.policy(this.ahead.turn?.turn_id);
  }

  /** Listeners are shown a delta. */
  show(turn_id: string, event: ShortEvent): void {
    this.news.show(turn_id, event);
  }

  returned(result: ToolResult): void {
    this.write(decideHappened(this.ahead, { kind: 'tool_returned', result }, this.deciding()), () => undefined);
  }

  /** What the chart asked for came to its end: journaled first, then the chart goes on from there. */
  happened(what: Happened): void {
    this.host.traced(this, what.kind, this.value, this.world.monotonic());
    this.writeHappened(what);
  }

  wait(envelope: Envelope): void {
    this.waiters ??= [];
    this.waiters.push(envelope);
  }

  answer(envelope: Envelope, body: unknown): void {
    this.waiters = this.waiters?.filter((waiter) => waiter !== envelope) ?? null;
    this.effects.reply(envelope, body);
  }

  refuse(envelope: Envelope, error: Failure): void {
    this.waiters = this.waiters?.filter((waiter) => waiter !== envelope) ?? null;
    this.effects.fail(envelope, error);
  }

  private statusOf(turn_id: string): Delivered['status'] {
    if (this.durable.turn?.turn_id === turn_id) return 'running';
    return this.durable.waiting.some((message) => message.turn_id === turn_id) ? 'queued' : 'ended';
  }

  private deciding(): Deciding {
    const { world, policy } = this;
    return { now: world.now(), uuid: () => world.uuid(), policy, begins: this.host.policy() };
  }

  private one(record: SessionRecord): Decision {
    const { now, policy } = this.deciding();
    return { records: [record], state: evolve(this.ahead, record, now, policy.window) };
  }

  /** Hands a decision to the journal; `then` runs with the state it leads to, once it is durable. */
  private write(decision: Decision, then: (state: SessionState) => void, by = ''): void {
    const { records, state } = decision;
    if (records.length === 0) return then(this.durable);
    this.stir();
    const now = this.world.now();
    const audit = auditOf(this.ahead, state, this.session_id, records, { by, now });
    this.ahead = state;
    this.host.remembered(this);
    const over: string[] = [];
    for (const record of records) {
      if (record.type === 'turn_finished' || record.type === 'turn_failed') over.push(record.turn_id);
    }
    if (over.length > 0) this.effects.point('turn.before_finish');
    const durable = (seq: number): void => {
      this.durable = state;
      this.seq = seq + records.length - 1;
      this.tell(records, seq);
      for (const turn_id of over) this.news.over(turn_id, this.seq);
      if (over.length > 0) this.effects.point('turn.finished');
      this.handOver();
      then(state);
    };
    this.writer.write(now, records, durable, audit);
    if (records.some(({ type }) => type === 'model_called') && state.turn?.open_call != null && !this.stopped)
      this.runner.foresee(state);
  }

  /** What became durable, told to whoever it concerns. */
  private tell(records: readonly SessionRecord[], first: number): void {
    let seq = first;
    for (const record of records) {
      this.effects.recorded(this.durable, record);
      this.owed.note(record, seq);
      this.became(record, seq);
      this.news.note(record, this.durable.facts);
      seq += 1;
    }
  }

  /** What follows from a record that is durable, beside what the chart does. */
  private became(record: SessionRecord, seq: number): void {
    const { turn } = this.durable;
    switch (record.type) {
      case 'session_created':
        return this.host.opened(this, record.workspace_id);
      case 'turn_started':
        if (turn !== null) this.host.began(this, turn.started_at);
        return;
      case 'model_replied': {
        this.effects.point('model.journaled');
        const { turn_id, usage } = record;
        return this.effects.settle(turn_id, { tokens: tokensOf(usage), cost_usd: usage.cost_usd, seq });
      }
      case 'tool_returned':
        return this.effects.point('tool.journaled');
      case 'cancel_requested':
        return this.effects.point('cancel.journaled');
      case 'approval_requested':
        this.effects.point('approval.journaled');
        return this.host.due(this, record.expires_at);
      case 'approval_decided':
        this.effects.point('approval.decided');
        // Its time runs on, and is over sooner than the next look at what was asked.
        if (turn?.waited?.since === null) this.host.due(this, this.deadline(turn));
        return;
      default:
        return;
    }
  }

  owedSeq(turn_id: string): number | undefined {
    return this.owed.receiptOf(turn_id);
  }

  dueCheckpoint(before: readonly { readonly records: readonly SessionRecord[] }[]): SessionRecord | null {
    const { ahead } = this;
    // A larger state is written more seldom, so that writing it stays a small share of writing its records.
    const every = Math.max(this.policy.checkpoint_every, ahead.keys.size / 4);
    if (ahead.facts === null || ahead.since_checkpoint < every) return null;
    const records = before.flatMap((write) => write.records);
    this.ahead = { ...ahead, since_checkpoint: 0 };
    this.effects.point('lane.checkpoint');
    return { type: 'checkpoint', state: packSession(ahead, this.owed.inCheckpoint(ahead, records)) };
  }

  /** Gives the chart one event at a time and does what it asks for after it has moved. */
  private feed(type: LaneEvent['type'], state: SessionState): void {
    if (this.feeding) {
      this.facts ??= [];
      this.facts.push({ type, state });
      return;
    }
    this.feeding = true;
    if (!this.stopped) this.move(type, state);
    for (let next = this.facts?.shift(); next !== undefined && !this.stopped; next = this.facts?.shift())
      this.move(next.type, next.state);
    this.facts = null;
    this.feeding = false;
  }

  private move(type: LaneEvent['type'], state: SessionState): void {
    const started = this.world.monotonic();
    const { to, effects } = this.chart.after(eventOf(type, state));
    this.chart = to;
    this.host.traced(this, type, to.value, started);
    for (const effect of effects) this.perform(effect, state);
  }

  /** It has something to do. */
  stir(): void {
    if (!this.resting) return;
    this.resting = false;
    this.host.stirred(this);
  }

  /** Tells that it rests, if it does. */
  private rest(): void {
    if (this.resting || this.stopped || !this.quiet || this.ahead.outbox.length > 0) return;
    this.resting = true;
    this.host.rested(this);
  }

  private perform(effect: LaneEffect, state: SessionState): void {
    switch (effect.type) {
      case 'call':
        return this.runner.call(state);
      case 'run_tools':
        return this.runner.tools(state);
      case 'reserve':
        return this.runner.reserve(state);
      case 'abort':
        return this.runner.end('cancelled');
      case 'conclude':
        return this.writeHappened({ kind: 'concluded' });
      default:
        effect satisfies never;
    }
  }

  private writeHappened(what: Happened): void {
    const before = this.ahead;
    const decision = decideHappened(before, what, this.deciding());
    // What was reserved for a call that is not made after all goes back.
    if (what.kind === 'reserved' && decision.state.turn?.open_call == null)
      this.effects.settle(before.turn?.turn_id ?? '', NOT_MADE);
    this.write(decision, (state) => this.feed('written', state));
  }
}
