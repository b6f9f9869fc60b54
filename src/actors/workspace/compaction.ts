// SPDX-License-Identifier: Apache-2.0
// One compaction of one session, from its batch to its end: the chart says what comes next, this has it done and takes what comes of it.

import { createActor } from 'xstate';
import type { SummaryReply } from '../../agent/summary-reply.ts';
import { type Failure, failure } from '../../errors.ts';
import { nextCompactionStep, WITHOUT_WORDS } from '../../stores/compaction-fold.ts';
import type { OpenCompaction } from '../../stores/compaction-records.ts';
import type { Usage } from '../../stores/records.ts';
import { NO_USAGE, tokensOf } from '../../stores/session-state.ts';
import type { World } from '../../world.ts';
import type { CallResult } from '../thread/protocol.ts';
import type { CompactionEffects, CompactionPlan, CompactionPolicy } from './compaction-effects.ts';
import { type CompactionEffect, type CompactionEvent, compactionMachine } from './compaction-machine.ts';
import {
  type CallOf,
  endedRecords,
  failedRecord,
  NOT_SETTLED,
  type ReadBatch,
  settledRecord,
  speakersOf,
  storedRecords,
} from './decide-compaction.ts';

/** What became of a session that was looked at. */
export type CompactionEnd =
  /** A batch of it is summed up: there may be another. */
  | {
      readonly kind: 'compacted';
      readonly messages: number;
      readonly facts: number;
      readonly facts_problem: string | null;
    }
  | { readonly kind: 'nothing' }
  /** It was not there any more. */
  | { readonly kind: 'gone' }
  /** `retry_at`: when it is tried again, epoch milliseconds; null: not by itself. `journaled`: the record says so. */
  | { readonly kind: 'failed'; readonly error: Failure; readonly retry_at: number | null; readonly journaled: boolean };

export interface CompactionOptions {
  readonly session_id: string;
  /** Messages beyond the window below which there is nothing to do. */
  readonly least: number;
  /** What its last compaction has left open. */
  readonly open: OpenCompaction | null;
  /** The newest row of the workspace's stream: what is read must have seen it. */
  readonly seq: number;
  readonly world: Pick<World, 'now' | 'random' | 'uuid' | 'monotonic'>;
  readonly policy: CompactionPolicy;
  readonly effects: CompactionEffects;
  /** Called once. */
  readonly ended: (end: CompactionEnd) => void;
}

/** A pause before what could not be read or written is looked at again, in milliseconds. */
const AGAIN = 2_000;

export class Compaction {
  readonly session_id: string;
  readonly #options: CompactionOptions;
  readonly #actor = createActor(compactionMachine);
  #emitted: CompactionEffect[] = [];
  #over = false;
  #seq: number;
  #open: OpenCompaction | null;
  #batch: ReadBatch | null = null;
  #plan: CompactionPlan | null = null;
  /** The call that is made; its number counts on over failures. */
  #of: CallOf;
  #attempts: number;
  readonly #tried: string[] = [];
  #error: Failure = failure('internal', 'nothing has failed');
  #usage: Usage = NO_USAGE;
  /** The call is journaled and has not been accounted for. */
  #made = false;
  /** Nobody knows what became of the call: it is settled as reserved. */
  #unknown = false;
  #reply: SummaryReply | null = null;
  #told: Extract<CompactionEnd, { kind: 'compacted' }> | null = null;
  /** It is not wanted any more: nothing of it is stored. */
  #cancelled = false;
  /** Somebody's words are going: what is being read may hold them still. */
  #stale = false;
  /** What its end will say, where that is known before the chart rests. */
  #end: CompactionEnd = { kind: 'nothing' };

  constructor(options: CompactionOptions) {
    const { session_id, open, world, seq } = options;
    this.#options = options;
    this.session_id = session_id;
    this.#open = open;
    this.#seq = seq;
    this.#of = { id: open?.id ?? world.uuid(), session_id, call: open?.call ?? 0, model: open?.model ?? '' };
    this.#attempts = open?.attempts ?? 0;
    this.#actor.on('*', (effect) => void this.#emitted.push(effect));
  }

  /** The chart's state. */
  get state(): string {
    return String(this.#actor.getSnapshot().value);
  }

  begin(): void {
    this.#actor.start();
    const { open } = this.#options;
    const step = open === null ? null : nextCompactionStep(open);
    this.#send({ type: 'begin', open: step === 'settle' || step === 'tell' ? step : null });
  }

  /** Somebody's words go: it is called off where they are in it, and reads anew where that is not known yet. */
  erased(user_id: string): void {
    if (this.#batch === null) this.#stale = true;
    if (this.#concerns(user_id)) this.cancel();
  }

  #concerns(user_id: string): boolean {
    if (this.#open?.summary?.user_ids?.includes(user_id) === true) return true;
    const batch = this.#batch;
    if (batch === null) return false;
    // What the summary before says goes into this one.
    const before = batch.before?.user_ids ?? [];
    return batch.user_id === user_id || speakersOf(batch.messages).includes(user_id) || before.includes(user_id);
  }

  /** What it is made of is being erased: nothing of it is stored from now on. */
  cancel(): void {
    this.#cancelled = true;
    this.#options.effects.callOff(this.#of.id, this.session_id);
  }

  /** Forgets everything; nobody is told. */
  stop(): void {
    this.#over = true;
    this.#actor.stop();
  }

  #send(event: CompactionEvent): void {
    if (this.#over) return;
    const { effects, world, ended } = this.#options;
    const started = world.monotonic();
    this.#actor.send(event);
    effects.traced(`compaction.${event.type}`, started);
    const emitted = this.#emitted;
    this.#emitted = [];
    for (const effect of emitted) this.#perform(effect);
    if (this.#over || this.state !== 'resting') return;
    this.#over = true;
    this.#actor.stop();
    ended(this.#end);
  }

  #perform(effect: CompactionEffect): void {
    switch (effect.type) {
      case 'settle':
        return this.#settle();
      case 'read':
        return this.#read();
      case 'reserve':
        return this.#reserve();
      case 'call':
        return this.#call();
      case 'store':
        return this.#store();
      case 'tell':
        return this.#tell();
      case 'end':
        return this.#confirm();
      case 'forget':
        return this.#forget();
      case 'note':
        return this.#note();
      default:
        effect.type satisfies never;
    }
  }

  /** Nothing of this attempt is journaled, and the next begins where this one did. */
  #postpone(error: Failure): void {
    const { world } = this.#options;
    this.#end = { kind: 'failed', error, retry_at: world.now() + AGAIN * (1 + world.random()), journaled: false };
    this.#send({ type: 'failed' });
  }

  #settle(): void {
    const { world, effects } = this.#options;
    const open = this.#open;
    if (open === null) return this.#send({ type: 'failed' });
    const record = settledRecord(open, world.now());
    effects.write([record], (outcome) => {
      if (!outcome.ok) return this.#postpone(outcome.error);
      const { seq } = outcome.body;
      this.#seq = seq;
      const used = { tokens: open.reserved_tokens, cost_usd: open.reserved_usd, seq };
      effects.settle(effects.scopes(open.model), open.id, open.call, used);
      this.#attempts = record.attempts;
      if (record.retry_at !== null) return this.#send({ type: 'settled' });
      const { code, message } = record;
      this.#end = { kind: 'failed', error: failure(code, message), retry_at: null, journaled: true };
      this.#send({ type: 'failed' });
    });
  }

  #read(): void {
    const { effects, session_id, least } = this.#options;
    effects.read(session_id, least, this.#seq, (outcome) => {
      if (this.#stale) return this.#readAnew();
      if (!outcome.ok) return this.#postpone(outcome.error);
      if (outcome.body === null) {
        this.#end = { kind: 'gone' };
        return this.#send({ type: 'gone' });
      }
      // What failed may have nothing left to do: its messages have gone meanwhile.
      if (outcome.body.left < least || outcome.body.messages.length === 0) return this.#nothingLeft();
      this.#batch = outcome.body;
      effects.point('compaction.read');
      this.#send({ type: 'ready' });
    });
  }

  /** From what was written after it was begun. */
  #readAnew(): void {
    this.#stale = false;
    this.#options.effects.open((outcome) => {
      if (this.#over) return;
      if (!outcome.ok) return this.#postpone(outcome.error);
      this.#seq = outcome.body.seq;
      this.#read();
    });
  }

  #nothingLeft(): void {
    const { effects } = this.#options;
    if (this.#open === null) return this.#send({ type: 'nothing' });
    const { id, session_id } = this.#of;
    effects.write([{ type: 'compaction_ended', id, session_id }], (outcome) => {
      if (!outcome.ok) return this.#postpone(outcome.error);
      this.#send({ type: 'nothing' });
    });
  }

  #reserve(): void {
    const { effects } = this.#options;
    const batch = this.#batch;
    if (batch === null) return this.#failed(failure('internal', 'there is nothing to be summed up'));
    if (this.#cancelled) return this.#failed(NOT_WANTED);
    const plan = effects.plan(batch, this.#tried);
    // The models that were tried have been tried in vain: it is the last failure that counts.
    if (plan === undefined) return this.#failed(this.#error);
    if ('code' in plan) return this.#failed(plan);
    this.#plan = plan;
    this.#made = false;
    this.#usage = NO_USAGE;
    const { id, call } = this.#of;
    this.#of = { ...this.#of, call: call + 1, model: plan.model };
    const { tokens, cost_usd, scopes } = plan;
    effects.reserve(scopes, { id, call: call + 1, tokens, cost_usd }, (refused) =>
      refused === null ? this.#send({ type: 'granted' }) : this.#failed(refused),
    );
  }

  /** Journaled first, then made. */
  #call(): void {
    const { effects } = this.#options;
    const plan = this.#plan;
    if (plan === null) return this.#failed(failure('internal', 'there is no plan to sum anything up'));
    const { request, taken: _, model, tokens, cost_usd, scopes } = plan;
    const { id, session_id, call } = this.#of;
    const called = { type: 'compaction_called', id, session_id, call, model } as const;
    effects.write([{ ...called, reserved_tokens: tokens, reserved_usd: cost_usd }], (outcome) => {
      if (!outcome.ok) {
        effects.settle(scopes, id, call, { tokens: 0, cost_usd: 0, seq: 0 });
        return this.#failed(outcome.error);
      }
      this.#made = true;
      this.#seq = outcome.body.seq;
      effects.point('compaction.called');
      effects.call({ id, session_id, model, request, tokens }, (answer) => this.#answered(answer));
    });
  }

  #answered(answer: Parameters<Parameters<CompactionEffects['call']>[1]>[0]): void {
    const { effects } = this.#options;
    effects.point('compaction.summed');
    if (!answer.ok) return this.#failed(answer.error, true);
    const result: CallResult = answer.body;
    this.#usage = result.usage;
    if (this.#cancelled) return this.#failed(NOT_WANTED);
    if (result.error !== null) return this.#failed(result.error);
    const reply = effects.summary(result.text);
    if (reply.summary === '')
      return this.#failed(failure('provider_error', `${this.#of.model} wrote no summary.`, { about: 'request' }));
    // A part of a summary is one: it is said where it is asked for what there is of facts.
    const problem = result.whole ? reply.problem : [reply.problem, 'the answer was cut'].filter(Boolean).join('; ');
    this.#reply = { ...reply, problem };
    this.#send({ type: 'summed' });
  }

  #store(): void {
    const { effects } = this.#options;
    const [batch, plan, reply] = [this.#batch, this.#plan, this.#reply];
    if (batch === null || plan === null || reply === null)
      return this.#failed(failure('internal', 'there is no summary to be stored'));
    if (this.#cancelled) return this.#failed(NOT_WANTED);
    const { taken, scopes } = plan;
    const of = this.#of;
    const usage = this.#usage;
    const records = storedRecords({ of, batch, taken, reply, usage, ids: effects.ids, at: effects.at });
    effects.write(records, (outcome) => {
      if (!outcome.ok) return this.#failed(outcome.error);
      const { seq } = outcome.body;
      this.#seq = seq;
      effects.settle(scopes, of.id, of.call, { tokens: tokensOf(usage), cost_usd: usage.cost_usd, seq });
      for (const record of records) {
        if (record.type === 'summary_stored') {
          const { content, from, to, message_ids, user_ids = [] } = record.summary;
          this.#open = openOf(of, { content, from, to, messages: message_ids.length, user_ids });
        } else if (record.type === 'compaction_stored') {
          const { messages, facts, facts_problem } = record;
          this.#told = { kind: 'compacted', messages, facts, facts_problem };
        }
      }
      effects.point('compaction.stored');
      this.#send({ type: 'stored' });
    });
  }

  #tell(): void {
    const { effects, session_id } = this.#options;
    const open = this.#open;
    if (open?.summary == null) return this.#postpone(failure('internal', 'there is no summary to be told'));
    const summary = this.#cancelled ? { ...open.summary, content: WITHOUT_WORDS } : open.summary;
    effects.tell(session_id, open.id, summary, (outcome) => {
      if (!outcome.ok) return this.#postpone(outcome.error);
      if (!outcome.body) {
        this.#end = { kind: 'gone' };
        return this.#send({ type: 'gone' });
      }
      effects.point('compaction.told');
      this.#send({ type: 'told' });
    });
  }

  /** The messages may go: the last thing of all. */
  #confirm(): void {
    const { effects, policy } = this.#options;
    effects.write(endedRecords(this.#of, policy.keep_last), (outcome) => {
      if (!outcome.ok) return this.#postpone(outcome.error);
      effects.point('compaction.ended');
      const messages = this.#open?.summary?.messages ?? 0;
      this.#end = this.#told ?? { kind: 'compacted', messages, facts: 0, facts_problem: null };
      this.#send({ type: 'ended' });
    });
  }

  #forget(): void {
    const { effects, session_id } = this.#options;
    // Of one that nothing was ever called for nothing is there.
    if (this.#open === null) return this.#send({ type: 'ended' });
    effects.write([{ type: 'session_forgotten', session_id }], (outcome) => {
      if (!outcome.ok) return this.#postpone(outcome.error);
      this.#send({ type: 'ended' });
    });
  }

  #failed(error: Failure, unknown = false): void {
    this.#error = error;
    this.#unknown = unknown;
    this.#send({ type: 'failed' });
  }

  /** Another model is asked at once where it is the model that failed; else it is tried again in its time. */
  #note(): void {
    const { effects, world, policy } = this.#options;
    const [error, plan] = [this.#error, this.#plan];
    const made = this.#made;
    const of = made ? this.#of : { ...this.#of, call: 0, model: '' };
    const batch = this.#batch;
    const another = this.#another(error, batch);
    const settled =
      made && this.#unknown && plan !== null ? { tokens: plan.tokens, cost_usd: plan.cost_usd } : NOT_SETTLED;
    const record = failedRecord({
      ...{ of, error, settled, usage: this.#usage },
      attempts: this.#attempts,
      now: world.now(),
      random: world.random(),
      times: policy.times,
      final: this.#cancelled,
    });
    // A model that could not be asked at all counts as one attempt with the one that is asked instead.
    const written = another ? { ...record, attempts: this.#attempts, retry_at: world.now() } : record;
    effects.write([written], (outcome) => {
      if (!outcome.ok) return this.#postponeNote(outcome.error);
      const { seq } = outcome.body;
      this.#seq = seq;
      if (made && plan !== null) {
        const usage = this.#usage;
        const used = this.#unknown ? settled : { tokens: tokensOf(usage), cost_usd: usage.cost_usd };
        effects.settle(plan.scopes, this.#of.id, this.#of.call, { ...used, seq });
      }
      this.#made = false;
      if (!another) this.#end = { kind: 'failed', error, retry_at: written.retry_at, journaled: true };
      this.#send({ type: 'noted', again: another });
    });
  }

  /** The failure itself could not be written: what is journaled stays open, and is settled when it is taken up. */
  #postponeNote(error: Failure): void {
    const { world } = this.#options;
    this.#end = { kind: 'failed', error, retry_at: world.now() + AGAIN * (1 + world.random()), journaled: false };
    this.#send({ type: 'noted', again: false });
  }

  #another(error: Failure, batch: ReadBatch | null): boolean {
    const plan = this.#plan;
    if (batch === null || plan === null || this.#cancelled) return false;
    const about = error.details?.['about'];
    if (about !== 'provider' && about !== 'key' && about !== 'model') return false;
    this.#tried.push(plan.model);
    const next = this.#options.effects.plan(batch, this.#tried);
    return next !== undefined && !('code' in next);
  }
}

const NOT_WANTED = failure('conflict', 'What is summed up is being erased.');

function openOf(
  { id, session_id, call, model }: CallOf,
  summary: NonNullable<OpenCompaction['summary']>,
): OpenCompaction {
  const nothing = { reserved_tokens: 0, reserved_usd: 0, attempts: 0, retry_at: 0 };
  return { id, session_id, call, model, stage: 'stored', ...nothing, summary };
}
