// SPDX-License-Identifier: Apache-2.0
// A workspace's compactions in a world of their own: its stream, its memory and its sessions are lists, every effect is answered in
// its turn, and the process may be ended between any two of them.

import type { CompactionEffects, CompactionPlan } from '../../../src/actors/workspace/compaction-effects.ts';
import { Compactor } from '../../../src/actors/workspace/compactor.ts';
import { type CompactionTimes, speakersOf } from '../../../src/actors/workspace/decide-compaction.ts';
import { summaryRequest } from '../../../src/agent/summarize.ts';
import { readSummary } from '../../../src/agent/summary-reply.ts';
import { type Failure, failure } from '../../../src/errors.ts';
import { evolveCompactions, NO_COMPACTIONS, type OpenCompactions } from '../../../src/stores/compaction-fold.ts';
import type { MemoryMessageRow } from '../../../src/stores/memory-queries.ts';
import { NO_USAGE } from '../../../src/stores/session-state.ts';
import type { WorkspaceRecord } from '../../../src/stores/workspace-records.ts';

export const USED = { ...NO_USAGE, input_tokens: 10, output_tokens: 5, cost_usd: 0.5 };
export const TIMES: CompactionTimes = { call: 10_000, first: 1_000, longest: 60_000, attempts: 4 };
const MODEL = { maxContextTokens: 8_000, maxOutputTokens: 2_000 };

export interface HouseOptions {
  readonly window?: number;
  readonly batch?: number;
  readonly keep_last?: number;
  /** Models in the order in which they are asked. */
  readonly models?: readonly string[];
  /** What a model answers; a failure instead of a text. */
  readonly answer?: (model: string, material: string) => string | Failure;
}

interface Message extends MemoryMessageRow {
  summarized: boolean;
}

export class CompactionHouse {
  readonly records: WorkspaceRecord[] = [];
  readonly messages: Message[] = [];
  /** Every id that was ever in memory. */
  readonly said: string[] = [];
  /** What sessions know: their newest compaction. */
  readonly told = new Map<string, string>();
  readonly gone = new Set<string>();
  /** What is reserved and not settled. */
  readonly reserved = new Map<string, number>();
  readonly logged: string[] = [];
  readonly asked: string[] = [];
  used = 0;
  now = 0;
  rested = 0;
  compactor: Compactor;
  /** Effects on their way, and the life they are of. */
  readonly #due: { readonly at: number; readonly life: number; readonly run: () => void }[] = [];
  #life = 0;
  #ids = 0;
  /** Whose words memory has forgotten. */
  readonly #erased: string[] = [];
  readonly #options: Required<HouseOptions>;

  constructor(options: HouseOptions = {}) {
    const answer = (_: string, material: string): string => `- ${material.length} characters\nFACTS\n[]`;
    this.#options = { window: 2, batch: 4, keep_last: 3, models: ['one/a'], answer, ...options };
    this.compactor = this.#begin();
  }

  get open(): OpenCompactions {
    return this.records.reduce(evolveCompactions, NO_COMPACTIONS);
  }

  /** Somebody says something; whoever is told of a batch is told. */
  say(session_id: string, count: number, user_id = 'ada'): void {
    for (let at = 0; at < count; at += 1) {
      const id = `${session_id}-${this.said.length}`;
      this.said.push(id);
      const created_at = new Date(this.said.length * 1_000).toISOString();
      const row = { id, session_id, turn_id: id, user_id, content: `said ${id}`, created_at, summarized: false };
      this.messages.push({ ...row, role: 'user', origin: 'user_input' });
    }
    if (this.#left(session_id).length >= this.#options.batch) this.compactor.due(session_id);
  }

  /** The next effect is answered; false when nothing is on its way. */
  step(): boolean {
    const mine = this.#due.filter(({ life }) => life === this.#life);
    const next = mine.toSorted((a, b) => a.at - b.at)[0];
    if (next === undefined) return false;
    this.#due.splice(this.#due.indexOf(next), 1);
    this.now = Math.max(this.now, next.at);
    next.run();
    return true;
  }

  /** Until nothing is left to do, or so many steps were taken. */
  run(steps = 10_000): void {
    for (let at = 0; at < steps; at += 1) if (!this.step()) return;
    throw new Error('it does not come to an end');
  }

  /** The process ends, and another takes up what is journaled. */
  kill(): void {
    this.compactor.stop();
    this.#life += 1;
    // What budgets had granted they read anew: what is journaled as called.
    this.reserved.clear();
    for (const { id, call, stage, reserved_tokens } of this.open.values())
      if (stage === 'called') this.reserved.set(`${id}:${call}`, reserved_tokens);
    this.compactor = this.#begin();
    this.compactor.resume();
  }

  /** A session is deleted by its lane. */
  delete(session_id: string): void {
    this.gone.add(session_id);
    this.#remove((message) => message.session_id === session_id);
    this.compactor.gone(session_id);
  }

  /** What somebody said goes: whoever sums up hears of it as it is being written. */
  erase(user_id: string): void {
    this.compactor.erased(user_id, []);
    const record = { type: 'user_erased', user_id, session_ids: [], own: false } as const;
    this.#due.push({ at: this.now + 1, life: this.#life, run: () => this.#apply(record) });
  }

  /** Ids a summary stands for that its workspace has and that was confirmed. */
  get summarized(): readonly string[] {
    const confirmed = new Set(this.records.flatMap((one) => (one.type === 'summary_confirmed' ? [one.id] : [])));
    return this.records.flatMap((one) =>
      one.type === 'summary_stored' && confirmed.has(one.summary.id) ? one.summary.message_ids : [],
    );
  }

  #begin(): Compactor {
    const life = this.#life;
    const world = {
      now: () => this.now,
      monotonic: () => this.now,
      random: () => 0.5,
      uuid: () => `id-${++this.#ids}`,
      after: (ms: number, run: () => void) => {
        const task = { at: this.now + ms, life, run };
        this.#due.push(task);
        return () => void (this.#due.includes(task) && this.#due.splice(this.#due.indexOf(task), 1));
      },
    };
    const { keep_last, batch } = this.#options;
    return new Compactor({
      world,
      policy: { keep_last, batch, times: TIMES },
      effects: this.#effects(life),
      rested: () => {
        this.rested += 1;
      },
    });
  }

  #effects(life: number): CompactionEffects {
    const { batch, models, answer } = this.#options;
    const later = (run: () => void): void => void this.#due.push({ at: this.now + 1, life, run });
    return {
      open: (done) => {
        const body = { open: this.open, seq: this.records.length };
        later(() => done({ ok: true, body }));
      },
      read: (session_id, least, _after, done) =>
        later(() => {
          if (this.gone.has(session_id)) return done({ ok: true, body: null });
          const left = this.#left(session_id);
          const messages = left.slice(0, Math.max(least, batch));
          const newest = this.records.findLast(
            (record) => record.type === 'summary_stored' && record.summary.session_id === session_id,
          );
          const of = newest?.type === 'summary_stored' ? (newest.summary.user_ids ?? []) : [];
          const user_ids = this.#erased.some((id) => of.includes(id)) ? [] : of;
          const before = this.told.has(session_id) ? { content: 'before', user_ids } : null;
          done({ ok: true, body: { session_id, user_id: 'ada', model: '', messages, left: left.length, before } });
        }),
      gone: (done) =>
        later(() => {
          const forgotten = new Set(
            this.records.flatMap((one) => (one.type === 'session_forgotten' ? [one.session_id] : [])),
          );
          const made = this.records.flatMap((one) => (one.type === 'compaction_stored' ? [one.session_id] : []));
          const body = [...new Set(made)].filter((id) => this.gone.has(id) && !forgotten.has(id));
          done({ ok: true, body });
        }),
      plan: (read, tried): CompactionPlan | undefined => {
        const model = models.find((one) => !tried.includes(one));
        if (model === undefined) return undefined;
        const speakers = speakersOf(read.messages);
        const input = { messages: read.messages, before: null, facts: true, speakers, model: { id: model, ...MODEL } };
        return { model, ...summaryRequest(input), tokens: 100, cost_usd: 1, scopes: ['global'] };
      },
      scopes: () => ['global'],
      reserve: (_scopes, { id, call, tokens }, done) => {
        this.reserved.set(`${id}:${call}`, tokens);
        later(() => done(null));
      },
      settle: (_scopes, id, call, { tokens }) => {
        this.used += tokens;
        this.reserved.delete(`${id}:${call}`);
      },
      call: ({ model, request }, done) => {
        this.asked.push(model);
        later(() => {
          const text = answer(model, request.messages[0]?.content ?? '');
          const failed = typeof text === 'string' ? null : text;
          const usage = failed === null ? USED : NO_USAGE;
          done({
            ok: true,
            body: { text: failed === null ? (text as string) : '', whole: true, usage, error: failed },
          });
        });
      },
      callOff: () => undefined,
      summary: (text) => readSummary(text, true),
      ids: (user_id, fact) => ({ entity_id: `${user_id}/${fact.subject}`, fact_id: JSON.stringify(fact) }),
      write: (records, done) => {
        // On its way to the journal: durable whether or not anybody hears of it.
        later(() => {
          for (const record of records) this.#apply(record);
          const seq = this.records.length;
          later(() => done({ ok: true, body: { seq } }));
        });
      },
      tell: (session_id, id, _summary, done) =>
        later(() => {
          const there = !this.gone.has(session_id);
          if (there) this.told.set(session_id, id);
          later(() => done({ ok: true, body: there }));
        }),
      at: (time) => Date.parse(time),
      point: () => undefined,
      log: (level, fields, message) => void this.logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
      traced: () => undefined,
    };
  }

  #apply(record: WorkspaceRecord): void {
    this.records.push(record);
    if (record.type === 'user_erased') {
      this.#erased.push(record.user_id);
      this.#remove(({ user_id }) => user_id === record.user_id);
    } else if (record.type === 'summary_confirmed') {
      const of = this.records.find((one) => one.type === 'summary_stored' && one.summary.id === record.id);
      const ids = of?.type === 'summary_stored' ? of.summary.message_ids : [];
      for (const message of this.messages) if (ids.includes(message.id)) message.summarized = true;
    } else if (record.type === 'messages_trimmed') {
      const { session_id, keep_last, summarized } = record;
      const own = this.messages.filter((message) => message.session_id === session_id);
      const leaving = new Set(own.slice(0, Math.max(0, own.length - keep_last)));
      this.#remove((message) => leaving.has(message) && (message.summarized || summarized !== true));
    }
  }

  #remove(which: (message: Message) => boolean): void {
    this.messages.splice(0, this.messages.length, ...this.messages.filter((message) => !which(message)));
  }

  /** What left the window and that no summary stands for. */
  #left(session_id: string): readonly Message[] {
    const own = this.messages.filter((message) => message.session_id === session_id);
    return own.slice(0, Math.max(0, own.length - this.#options.window)).filter(({ summarized }) => !summarized);
  }
}

export const busy = (about: 'request' | 'provider' | 'model'): Failure =>
  failure('provider_overloaded', 'The model has no time.', { about });
