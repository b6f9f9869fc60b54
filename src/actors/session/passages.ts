// SPDX-License-Identifier: Apache-2.0
// Calls of models that people make through the gateway, without an agent: scanned, reserved, recorded and failed over as a turn's are.

import { anotherMayAnswer, failedModel, nextCandidate, noneLeft, type TriedModels } from '../../agent/call.ts';
import { estimateTokens, reservationOf } from '../../agent/estimate.ts';
import { type Address, address } from '../../bus/address.ts';
import { type Failure, failure } from '../../errors.ts';
import type { Price } from '../../providers/pricing.ts';
import type { ChatFinish, ChatRequest } from '../../providers/provider.ts';
import type { FailedModel, Usage } from '../../stores/records.ts';
import type { Outcome } from '../../stores/stream-owner.ts';
import type { WorkspaceRecord } from '../../stores/workspace-records.ts';
import type { PassEnd, PassEvent, PassedCall } from '../thread/protocol.ts';
import type { CallHolds } from './call-holds.ts';
import { type CallModelOptions, callModel } from './call-model.ts';
import type { Abort } from './effects.ts';
import { ReplyCollector } from './reply-collector.ts';
import { type ReplyScanOptions, scannedSink } from './reply-scan.ts';
import { type RequestScan, scanRequest } from './request-scan.ts';

export interface PassagesOptions extends Omit<CallModelOptions, 'prepare' | 'turn_timeout'> {
  /**
   * An address by which a call holds its permits, for as long as the call takes: permits are fair between addresses, so each
   * call has one of its own.
   */
  readonly holderOf: (id: string) => Address;
  /** Nothing is held by it any more. */
  readonly over: (holder: Address) => void;
  /** This life of it, see `CallOpened`. */
  readonly holder: string;
  readonly holds: CallHolds;
  readonly route: (model: string, workspace_id: string) => string | Failure;
  /** Models to try after the one asked for, in order. */
  readonly failover: (workspace_id: string) => readonly string[];
  /** The budgets a model's calls could reach. */
  readonly scopes: (model: string, workspace_id: string) => readonly string[];
  /** Why a model may not be used, its price being unknown. */
  readonly unpriced: (model: string, workspace_id: string) => Failure | undefined;
  /** What of a request a model's provider cannot do, in a few words. */
  readonly cannot: (model: string, request: ChatRequest) => string | undefined;
  /** The longest answer where nobody says how long it may be, in tokens. */
  readonly longest: (model: string) => number;
  readonly price: (model: string) => Price | undefined;
  readonly cost: (model: string, usage: Usage) => number;
  /** Takes secrets out of a text. */
  readonly hide: (text: string) => string;
  readonly scan: () => ReplyScanOptions;
  readonly scanInput: () => RequestScan;
  readonly write: (
    workspace_id: string,
    records: readonly WorkspaceRecord[],
    done: (outcome: Outcome<{ readonly seq: number }>) => void,
  ) => void;
  /** What is shown of a call so far, for whoever listens. */
  readonly publish: (id: string, events: readonly PassEvent[]) => void;
  /** Something went wrong that nobody waits for. */
  readonly fault: (error: Failure) => void;
}

export interface Passages {
  /** `done` is called once. */
  pass(asked: PassedCall, done: (outcome: Outcome<PassEnd>) => void): void;
  /** Ends a call: its vendor is let go of at once. */
  off(id: string): void;
  /** Calls back once none is under way. */
  drain(done: () => void): void;
  stop(): void;
}

/** Calls of one thread at once; each holds its request. */
const RUNNING_MOST = 1_024;

const NOT_MADE = { tokens: 0, cost_usd: 0, seq: 0 } as const;

export function createPassages(options: PassagesOptions): Passages {
  const running = new Map<string, Passage>();
  const drained: (() => void)[] = [];
  let stopped = false;
  return {
    pass: (asked, done) => {
      const refused =
        running.size >= RUNNING_MOST
          ? failure('overloaded', `${RUNNING_MOST} calls are under way on this thread already.`)
          : running.has(asked.id)
            ? failure('conflict', `The call ${asked.id} is under way already.`)
            : null;
      if (refused !== null) return done({ ok: false, error: refused });
      const passage = new Passage(options, asked, (outcome) => {
        running.delete(asked.id);
        options.over(options.holderOf(asked.id));
        if (stopped) return;
        done(outcome);
        if (running.size === 0) for (const told of drained.splice(0)) told();
      });
      running.set(asked.id, passage);
      passage.begin();
    },
    off: (id) => running.get(id)?.abort(failure('conflict', 'The call is not wanted any more.')),
    drain: (done) => {
      if (running.size === 0) done();
      else drained.push(done);
    },
    stop: () => {
      stopped = true;
      running.clear();
    },
  };
}

class Passage {
  private readonly options: PassagesOptions;
  private readonly asked: PassedCall;
  private readonly done: (outcome: Outcome<PassEnd>) => void;
  /** As the scanner left it. */
  private request: ChatRequest;
  /** Models that were tried. */
  private tried: TriedModels = { replaced: null };
  private asking = '';
  private calls = 0;
  /** What the calls that came to nothing have used. */
  private spent: Usage | null = null;
  private events: PassEvent[] = [];
  private flushing = false;
  private spoke = false;
  /** Why it was ended, once it was. */
  private ended: Failure | null = null;
  private over = false;
  private stop: Abort = () => undefined;
  private stopTimer: Abort = () => undefined;

  constructor(options: PassagesOptions, asked: PassedCall, done: (outcome: Outcome<PassEnd>) => void) {
    this.options = options;
    this.asked = asked;
    this.request = asked.request;
    this.done = done;
  }

  begin(): void {
    const { options, asked } = this;
    const model = options.route(asked.model, asked.workspace_id);
    const closed = typeof model === 'string' ? options.scan().closed() : model;
    if (closed !== null || typeof model !== 'string') {
      options.world.soon(() => this.end({ ok: false, error: closed ?? (model as Failure) }));
      return;
    }
    const late = failure(
      'deadline_exceeded',
      `${asked.model} did not answer within ${Math.round(asked.within / 1_000)} s.`,
    );
    this.stopTimer = options.world.after(asked.within, () => this.abort(late));
    scanRequest(asked.request, options.scanInput(), (scanned) => {
      if (this.over) return;
      if (this.ended !== null) return this.end({ ok: false, error: this.ended });
      if (!scanned.ok) return this.end(scanned);
      this.request = scanned.body;
      // Whoever waits hears that it is taken: what follows is a matter of the model.
      options.publish(asked.id, []);
      this.ask(model);
    });
  }

  abort(why: Failure): void {
    if (this.over || this.ended !== null) return;
    this.ended = why;
    const { stop } = this;
    this.stop = () => undefined;
    stop();
  }

  /** Reserves, records, and calls a model. */
  private ask(model: string): void {
    const { options, asked } = this;
    const { id, workspace_id, user_id } = asked;
    this.asking = model;
    const { maxTokens = options.longest(model) } = this.request.options;
    const request = {
      ...this.request,
      model: model.slice(model.indexOf('/') + 1),
      options: { ...this.request.options, maxTokens },
    };
    const cannot = options.cannot(model, request);
    const refused =
      options.unpriced(model, workspace_id) ?? (cannot === undefined ? undefined : incapable(model, cannot));
    if (refused !== undefined) return this.failed(refused);
    const scopes = options.scopes(model, workspace_id);
    this.calls += 1;
    const most = reservationOf(estimateTokens(request), maxTokens, options.price(model));
    const held = { id, call: this.calls, ...most };
    const free = (): void => options.holds.settle(held, scopes, NOT_MADE);
    const cancel = options.holds.reserve(held, scopes, (error) => {
      this.stop = () => undefined;
      if (error !== null) return this.failed(error);
      const opened: WorkspaceRecord = {
        ...({ type: 'call_opened', id, call: held.call, user_id, model, holder: options.holder } as const),
        ...{ reserved_tokens: most.tokens, reserved_usd: most.cost_usd },
      };
      options.write(workspace_id, [opened], (written) => {
        if (!written.ok) {
          free();
          return this.failed(written.error);
        }
        // It stands in the record, and is taken out of it again.
        if (this.ended !== null) return this.close(held, scopes, NOTHING, null, this.ended);
        this.call(model, request, held, scopes);
      });
    });
    this.stop = () => {
      cancel();
      this.end({ ok: false, error: this.ended ?? unwanted() });
    };
  }

  private call(model: string, request: ChatRequest, held: Held, scopes: readonly string[]): void {
    const { options, asked } = this;
    const collector = new ReplyCollector((usage) => options.cost(model, usage));
    let finish: ChatFinish | null = null;
    let heard = false;
    let closed = false;
    const close = (error: Failure | null): void => {
      if (closed) return;
      closed = true;
      this.stop = () => undefined;
      const { usage } = collector.ended('stop');
      const failed = error ?? (finish === null ? failure('provider_error', `${model} ended without an answer.`) : null);
      this.close(held, scopes, usage, finish, failed);
    };
    const sink = scannedSink(
      {
        event: (event) => {
          if (closed || event.type === 'notice') return;
          if (event.type === 'error') return close(event.error);
          collector.take(event);
          if (event.type === 'done') finish = event.finishReason;
          else if (event.type !== 'usage') {
            if (!heard) this.show({ type: 'model', model });
            heard = true;
            this.spoke = true;
            if (event.type === 'text_delta') this.show(event.text);
            else if (event.type === 'thinking_delta') this.show({ type: 'thinking', text: event.text });
            else this.show(event);
          }
          if (!collector.full) return;
          // A model that never ends is cut here.
          finish = 'length';
          sink.stop();
          close(null);
        },
        end: close,
      },
      options.scan(),
    );
    sink.stop = callModel(
      options,
      {
        ...{ workspace_id: asked.workspace_id, turn_id: asked.id, tokens: held.tokens },
        from: options.holderOf(asked.id),
        ...{ within: asked.within, background: false, prepare: () => request },
        provider: address('provider', model.slice(0, model.indexOf('/'))),
        model: request.model,
      },
      sink,
    );
    this.stop = () => {
      sink.stop();
      close(this.ended);
    };
  }

  /** What a call has used is recorded, then told to the budgets, then its end is told. */
  private close(
    held: Held,
    scopes: readonly string[],
    usage: Usage,
    finish: ChatFinish | null,
    error: Failure | null,
  ): void {
    const { options, asked, asking: model } = this;
    const { id, user_id, workspace_id } = asked;
    const record: WorkspaceRecord = {
      ...({ type: 'call_closed', id, call: held.call, user_id, model, usage } as const),
      ...{ settled_tokens: 0, settled_usd: 0 },
    };
    options.write(workspace_id, [record], (written) => {
      const tokens = usage.input_tokens + usage.output_tokens + usage.cache_read_tokens + usage.cache_write_tokens;
      // Unwritten it is used all the same: the budget counts it until it begins anew, and finds it open in the record then.
      const seq = written.ok ? written.body.seq : Number.MAX_SAFE_INTEGER;
      options.holds.settle(held, scopes, { tokens, cost_usd: usage.cost_usd, seq });
      if (!written.ok) options.fault(written.error);
      if (error !== null) {
        this.spent = this.spent === null ? usage : sum(this.spent, usage);
        return this.failed(error);
      }
      const whole = this.spent === null ? usage : sum(this.spent, usage);
      this.end({ ok: true, body: { model, finish: finish ?? 'stop', usage: whole } });
    });
  }

  /** Another model is asked, where one may answer and nobody has seen what cannot be taken back. */
  private failed(error: Failure): void {
    const { options, asked, asking: model } = this;
    if (this.ended !== null) return this.end({ ok: false, error: this.ended });
    if (this.spoke && asked.shown) return this.end({ ok: false, error });
    const { tried } = this;
    if (!anotherMayAnswer(error, { ...tried, cancelled: false })) {
      // What a replacement failed of says less than why it was asked.
      const first = tried.replaced?.failed[0];
      return this.end({ ok: false, error: first === undefined ? error : noneLeft(tried, failedModel(model, error)) });
    }
    const failed: FailedModel = failedModel(model, error);
    const next = nextCandidate(tried, failed, options.failover(asked.workspace_id));
    if (next === undefined) {
      const only = (tried.replaced?.failed.length ?? 0) === 0;
      return this.end({ ok: false, error: only ? error : noneLeft(tried, failed) });
    }
    const before = tried.replaced;
    this.tried = {
      replaced: { asked: before?.asked ?? model, failed: [...(before?.failed ?? []), failed], announced: false },
    };
    this.ask(next);
  }

  /** What one turn of the loop brings goes as one batch. */
  private show(event: PassEvent): void {
    this.events.push(event);
    if (this.flushing) return;
    this.flushing = true;
    this.options.world.soon(() => this.flush());
  }

  private flush(): void {
    this.flushing = false;
    const { events } = this;
    if (events.length === 0) return;
    this.events = [];
    this.options.publish(this.asked.id, events);
  }

  private end(outcome: Outcome<PassEnd>): void {
    if (this.over) return;
    this.over = true;
    this.stopTimer();
    // All of it is heard before its end is.
    this.flush();
    if (outcome.ok) return this.done(outcome);
    const { error } = outcome;
    this.done({ ok: false, error: { ...error, message: this.options.hide(error.message) } });
  }
}

type Held = Parameters<CallHolds['reserve']>[0];

const NOTHING: Usage = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  cost_usd: 0,
};

function sum(one: Usage, other: Usage): Usage {
  return {
    input_tokens: one.input_tokens + other.input_tokens,
    output_tokens: one.output_tokens + other.output_tokens,
    cache_read_tokens: one.cache_read_tokens + other.cache_read_tokens,
    cache_write_tokens: one.cache_write_tokens + other.cache_write_tokens,
    cost_usd: one.cost_usd + other.cost_usd,
  };
}

function incapable(model: string, what: string): Failure {
  return failure('provider_bad_request', `${model} ${what}.`, { about: 'model', model });
}

function unwanted(): Failure {
  return failure('conflict', 'The call is not wanted any more.');
}
