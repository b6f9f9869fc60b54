// SPDX-License-Identifier: Apache-2.0
// Which sessions of a workspace are compacted, in which order and when again: one at a time, those somebody asked for first.

import { type Failure, failure } from '../../errors.ts';
import { NO_COMPACTIONS, type OpenCompactions } from '../../stores/compaction-fold.ts';
import type { World } from '../../world.ts';
import { Compaction, type CompactionEnd } from './compaction.ts';
import type { CompactionEffects, CompactionPolicy } from './compaction-effects.ts';
import { concernsAll } from './decide-compaction.ts';
import type { CompactionProgress, CompactionStatus } from './protocol.ts';

export interface CompactorOptions {
  readonly world: Pick<World, 'now' | 'random' | 'uuid' | 'monotonic' | 'after'>;
  readonly policy: CompactionPolicy;
  readonly effects: CompactionEffects;
  /** It has nothing left to do, now or later. */
  readonly rested: () => void;
}

/** Sessions that may wait; what does not fit is told of again when it has grown on. */
const WAITING_MOST = 10_000;
/** Requests somebody may ask about, and how long after they are done, in milliseconds. */
const REQUESTS_MOST = 64;
const REQUEST_KEPT = 60_000;
/** Failures a request tells of. */
const FAILURES_TOLD = 20;

interface Request {
  readonly id: string;
  readonly left: Set<string>;
  readonly sessions: number;
  compactions: number;
  messages: number;
  facts: number;
  readonly failed: CompactionProgress['failed'][number][];
  failures: number;
}

interface Waiting {
  /** Not before this time, epoch milliseconds; 0: now. */
  readonly from: number;
  /** Somebody asked for it: it is not left alone for what failed elsewhere, and down to the last message. */
  readonly asked: boolean;
}

export class Compactor {
  readonly #options: CompactorOptions;
  /** In the order in which they are served. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #requests = new Map<string, Request>();
  #running: Compaction | null = null;
  #looking = false;
  /** A session that is gone is being compacted: what was made of it goes after that. */
  #skipped = false;
  /** The stream's open compactions were looked through: what a life before this one left is known. */
  #known = false;
  /** A failure that is everybody's: until then nothing is tried that nobody asks for. */
  #rest = 0;
  #cancel: () => void = () => undefined;
  #stopped = false;
  /** Something is being erased since it was begun to look. */
  #stale = false;
  #last_error: CompactionStatus['last_error'] = null;

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  get idle(): boolean {
    return this.#running === null && !this.#looking && this.#waiting.size === 0 && this.#requests.size === 0;
  }

  status(): CompactionStatus {
    const running =
      this.#running === null ? null : { session_id: this.#running.session_id, state: this.#running.state };
    return { running, waiting: this.#waiting.size, last_error: this.#last_error };
  }

  /** A session has a batch. */
  due(session_id: string): void {
    if (this.#running?.session_id !== session_id && !this.#waiting.has(session_id)) this.#wait(session_id, 0, false);
    this.#pump();
  }

  /** Somebody wants all of these compacted, as far as there is anything. */
  request(session_ids: readonly string[]): CompactionProgress | Failure {
    if (this.#requests.size >= REQUESTS_MOST)
      return failure('overloaded', 'Too many compactions of this workspace are asked for already.');
    const id = this.#options.world.uuid();
    const left = new Set(session_ids);
    const made: Request = {
      ...{ id, left, sessions: left.size, compactions: 0, messages: 0, facts: 0 },
      ...{ failed: [], failures: 0 },
    };
    this.#requests.set(id, made);
    for (const session_id of left) this.#wait(session_id, 0, true);
    this.#over(made);
    this.#pump();
    return progressOf(made);
  }

  progress(id: string): CompactionProgress | Failure {
    const request = this.#requests.get(id);
    return request === undefined
      ? failure('not_found', `There is no compaction ${id} under way.`)
      : progressOf(request);
  }

  /** Something was left open by a life before, or a session is gone: it is looked what. */
  resume(): void {
    this.#known = false;
    this.#forgetGone();
    this.#pump();
  }

  /** What was said in these sessions, or by this user, is being erased. */
  erased(user_id: string | null, session_ids: readonly string[]): void {
    for (const id of session_ids) {
      this.#waiting.delete(id);
      for (const request of this.#requests.values()) if (request.left.delete(id)) this.#over(request);
    }
    if (this.#looking) this.#stale = true;
    const running = this.#running;
    if (running === null) return;
    if (session_ids.includes(running.session_id)) running.cancel();
    else if (user_id !== null) running.erased(user_id);
  }

  /** A session is gone: so is what was made of it. */
  gone(session_id: string): void {
    this.erased(null, [session_id]);
    this.#forgetGone();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
    this.#running?.stop();
    this.#waiting.clear();
    this.#requests.clear();
  }

  #wait(session_id: string, from: number, asked: boolean): void {
    const known = this.#waiting.get(session_id);
    if (known === undefined && this.#waiting.size >= WAITING_MOST) return;
    this.#waiting.set(session_id, {
      from: asked ? 0 : Math.max(from, known?.from ?? 0),
      asked: asked || known?.asked === true,
    });
  }

  /** The next one, if there is one whose time has come. */
  #pump(): void {
    if (this.#stopped || this.#running !== null || this.#looking) return;
    this.#cancel();
    const now = this.#options.world.now();
    const next = this.#known ? this.#next(now) : null;
    if (this.#known && this.#waiting.size === 0) return this.#rested();
    if (this.#known && next === null) return this.#later(now);
    this.#looking = true;
    this.#options.effects.open((outcome) => {
      this.#looking = false;
      if (this.#stopped) return;
      if (!outcome.ok) return this.#retry(outcome.error);
      // What is read from here on must have seen that somebody's words are gone.
      if (this.#stale) {
        this.#stale = false;
        return this.#pump();
      }
      const { open, seq } = outcome.body;
      if (!this.#known) {
        this.#takeUp(open);
        return this.#pump();
      }
      if (next === null) return this.#pump();
      this.#run(next, open, seq);
    });
  }

  /** What an earlier life has left open. */
  #takeUp(open: OpenCompactions): void {
    this.#known = true;
    for (const { session_id, stage, retry_at } of open.values())
      this.#wait(session_id, stage === 'failed' ? retry_at : 0, false);
  }

  #next(now: number): string | null {
    let first: string | null = null;
    for (const [session_id, { from, asked }] of this.#waiting) {
      if (asked) return session_id;
      if (first === null && from <= now && this.#rest <= now) first = session_id;
    }
    return first;
  }

  #later(now: number): void {
    let soonest = Number.POSITIVE_INFINITY;
    for (const { from } of this.#waiting.values()) soonest = Math.min(soonest, Math.max(from, this.#rest));
    if (soonest === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#options.world.after(Math.max(1, soonest - now), () => this.#pump());
  }

  /** The stream could not be read: nothing can be done before it is. */
  #retry(error: Failure): void {
    this.#note(error);
    if (error.code === 'draining') return;
    this.#cancel = this.#options.world.after(LOOK_AGAIN, () => this.#pump());
  }

  #run(session_id: string, open: OpenCompactions, seq: number): void {
    const { world, policy, effects } = this.#options;
    const waiting = this.#waiting.get(session_id);
    this.#waiting.delete(session_id);
    const asked = waiting?.asked === true;
    const running = new Compaction({
      ...{ session_id, seq, world, policy, effects },
      least: asked ? 1 : policy.batch,
      open: (open === NO_COMPACTIONS ? undefined : open.get(session_id)) ?? null,
      ended: (end) => this.#ended(session_id, asked, end),
    });
    this.#running = running;
    running.begin();
  }

  #ended(session_id: string, asked: boolean, end: CompactionEnd): void {
    const { effects, world } = this.#options;
    this.#running = null;
    if (this.#skipped) this.#forgetGone();
    const requests = [...this.#requests.values()].filter(({ left }) => left.has(session_id));
    switch (end.kind) {
      case 'compacted': {
        const { messages, facts, facts_problem } = end;
        const fields = { session_id, messages, facts, ...(facts_problem === null ? {} : { facts_problem }) };
        effects.log(facts_problem === null ? 'info' : 'warn', fields, 'older messages were summed up');
        for (const request of requests) {
          request.compactions += 1;
          request.messages += messages;
          request.facts += facts;
        }
        // There may be another batch; others have their turn first.
        this.#wait(session_id, 0, asked);
        this.#last_error = null;
        this.#rest = 0;
        break;
      }
      case 'failed': {
        const { error, retry_at } = end;
        this.#note(error);
        const at = retry_at === null ? null : Math.round(retry_at - world.now());
        effects.log('warn', { session_id, error, retry_in_ms: at }, WHY[end.journaled ? 'failed' : 'postponed']);
        if (retry_at !== null) this.#wait(session_id, retry_at, false);
        // Found out once is enough for all.
        if (retry_at !== null && end.journaled && concernsAll(error)) this.#rest = retry_at;
        for (const request of requests) {
          request.failures += 1;
          const { code, message } = error;
          if (request.failed.length < FAILURES_TOLD) request.failed.push({ session_id, code, message });
          request.left.delete(session_id);
          this.#over(request);
        }
        break;
      }
      default:
        for (const request of requests) {
          request.left.delete(session_id);
          this.#over(request);
        }
    }
    this.#pump();
  }

  #note({ code, message }: Failure): void {
    this.#last_error = { code, message };
  }

  /** A request that is done is kept for whoever asks what came of it. */
  #over(request: Request): void {
    if (request.left.size > 0) return;
    this.#options.world.after(REQUEST_KEPT, () => {
      this.#requests.delete(request.id);
      if (!this.#stopped) this.#rested();
    });
  }

  #forgetGone(): void {
    const { effects } = this.#options;
    effects.gone((outcome) => {
      if (this.#stopped) return;
      if (!outcome.ok) return this.#note(outcome.error);
      const sessions = outcome.body.filter((id) => this.#running?.session_id !== id);
      this.#skipped = sessions.length < outcome.body.length;
      if (sessions.length === 0) return;
      const records = sessions.map((session_id) => ({ type: 'session_forgotten', session_id }) as const);
      effects.write(records, (written) => {
        if (this.#stopped) return;
        if (written.ok) this.#forgetGone();
        else this.#note(written.error);
      });
    });
  }

  #rested(): void {
    if (this.idle) this.#options.rested();
  }
}

/** After which the stream is looked at again that could not be read, in milliseconds. */
const LOOK_AGAIN = 1_000;

const WHY = {
  failed: 'a compaction failed; everything is as it was',
  postponed: 'a compaction could not go on; everything is as it was',
} as const;

function progressOf({
  id,
  left,
  sessions,
  compactions,
  messages,
  facts,
  failed,
  failures,
}: Request): CompactionProgress {
  const status = left.size === 0 ? 'done' : 'running';
  return { id, status, sessions, left: left.size, compactions, messages, facts, failures, failed };
}
