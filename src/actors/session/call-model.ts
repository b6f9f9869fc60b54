// SPDX-License-Identifier: Apache-2.0
// The effect of a model call: a permit from the provider's actor, the stream here in the lane's thread, then the permit back.

import { type Address, address } from '../../bus/address.ts';
import type { Answer } from '../../bus/envelope.ts';
import type { Failure } from '../../errors.ts';
import { failure } from '../../errors.ts';
import type { ChatEvent, ChatRequest, ChatUsage } from '../../providers/provider.ts';
import type { SessionState } from '../../stores/session-state.ts';
import type { World } from '../../world.ts';
import type { SigilBus } from '../protocols.ts';
import { type CallOutcome, failedOutcome, type ProviderProtocol } from '../provider/protocol.ts';
import type { Abort, LaneEffects, SoughtPermit } from './effects.ts';
import type { SessionNames } from './names.ts';

export interface StreamSink {
  readonly event: (event: ChatEvent) => void;
  /** Called once when the stream is over; null when it ended with its own last event. */
  readonly end: (error: Failure | null) => void;
}

/** How often a call that came to nothing is made again, and for how long it may go on so, in milliseconds. */
export interface Retries {
  readonly most: number;
  readonly within: number;
}

export interface CallModelOptions {
  readonly bus: Pick<SigilBus, 'ask' | 'send'>;
  readonly world: World;
  /** Runs a provider's stream; the adapter's promises stay behind this. */
  readonly stream: (provider: string, request: ChatRequest, sink: StreamSink, turn_id?: string) => Abort;
  /** The request for the next call of a state's turn. */
  readonly prepare: (state: SessionState) => ChatRequest | Failure;
  readonly retries: (provider: string) => Retries;
  /** What a call has used whose vendor never told: its input, and so many characters of output. */
  readonly unreported: (request: ChatRequest, characters: number) => ChatUsage;
  readonly turn_timeout: (state: SessionState) => number;
}

/** The first pause before a call is made again, in milliseconds; it doubles with each. */
const PAUSE = 250;

/**
 * Failures that may be gone a moment later. Not those of a key or a model, which stay; and not those after which a vendor
 * may bill, for what is reserved is one call.
 */
const PASSING: ReadonlySet<string> = new Set([
  'provider_error',
  'provider_overloaded',
  'provider_rate_limited',
  'provider_network',
]);
/** Failures after which a vendor may have worked, and so bills, although nothing of it was heard. */
const BILLED_UNHEARD: ReadonlySet<string> = new Set(['provider_timeout', 'provider_ended_early']);

const nothing = (): void => undefined;

export function createCallModel(options: CallModelOptions): Pick<LaneEffects, 'seekPermit' | 'callModel'> {
  const providers = new Map<string, Address<'provider'>>();
  /** Of `provider/model`; the same string every time. */
  const providerOf = (model: string): Address<'provider'> => {
    const name = model.slice(0, model.indexOf('/'));
    const known = providers.get(name);
    if (known !== undefined) return known;
    const made = address('provider', name);
    providers.set(name, made);
    return made;
  };
  const wantedOf = ({ address: from }: SessionNames, state: SessionState): WantedCall => {
    const { turn } = state;
    if (turn === null) throw new Error('a model is only called for a turn that runs');
    const { model, turn_id, open_call } = turn;
    return {
      from,
      provider: providerOf(model),
      model: model.slice(model.indexOf('/') + 1),
      workspace_id: state.facts?.workspace_id ?? '',
      turn_id,
      tokens: open_call?.reserved_tokens ?? 0,
      prepare: () => options.prepare(state),
      within: options.turn_timeout(state),
      background: false,
    };
  };
  return {
    seekPermit: (names, state) => new PermitRequest(options, wantedOf(names, state)),
    callModel: (names, state, permit, sink) => callModel(options, wantedOf(names, state), sink, permit),
  };
}

/** A call as it is asked for, whoever it is for. */
export interface WantedCall {
  readonly from: Address;
  readonly provider: Address<'provider'>;
  /** As the provider calls it. */
  readonly model: string;
  readonly workspace_id: string;
  /** Under which its permit is asked for, and withdrawn. */
  readonly turn_id: string;
  /** What is reserved for it. */
  readonly tokens: number;
  /** Asked once there is a permit. */
  readonly prepare: () => ChatRequest | Failure;
  /** How long a permit may take, in milliseconds. */
  readonly within: number;
  /** Nobody waits for it: calls of turns come first. */
  readonly background: boolean;
}

type CallParts = Omit<CallModelOptions, 'prepare' | 'turn_timeout'>;
type PermitAnswer = Answer<ProviderProtocol['provider.request']['reply']>;

/** Makes a call, with a permit that was asked for before, or with one of its own. `end` of the sink is called once, unless it is aborted. */
export function callModel(
  options: CallParts,
  wanted: WantedCall,
  sink: StreamSink,
  permit: SoughtPermit = new PermitRequest(options, wanted),
): Abort {
  const call = new ModelCall(options, wanted, sink);
  call.begin(permit);
  return () => call.abort();
}

/** Asks for one permit: until somebody takes the answer, or it is given up. */
class PermitRequest implements SoughtPermit {
  private readonly options: CallParts;
  private readonly wanted: WantedCall;
  private answer: PermitAnswer | null = null;
  private taker: ((answer: PermitAnswer) => void) | null = null;
  private over = false;

  constructor(options: CallParts, wanted: WantedCall) {
    this.options = options;
    this.wanted = wanted;
    this.ask();
  }

  take(answered: (answer: PermitAnswer) => void): void {
    const { answer } = this;
    this.taker = answered;
    if (answer === null) return;
    this.over = true;
    if (answer.ok) return answered(answer);
    // Told later, as by every call: whoever makes it has not got hold of it yet.
    this.options.world.soon(() => answered(answer));
  }

  withdraw(): void {
    if (this.over) return;
    this.over = true;
    this.tellWithdrawn();
  }

  drop(): void {
    if (this.taker === null) this.withdraw();
  }

  private ask(): void {
    const { from, provider, turn_id, workspace_id, model, tokens, within, background } = this.wanted;
    const body = { workspace_id, turn_id, model, tokens, ...(background && ({ background } as const)) };
    const options = { from, within, trace: turn_id };
    this.options.bus.ask(provider, 'provider.request', body, options, (answer) => this.answered(answer));
  }

  private answered(answer: PermitAnswer): void {
    if (this.over) {
      if (!answer.ok) return;
      const { provider, from, turn_id } = this.wanted;
      const body = { permit: answer.body.permit, outcome: 'cancelled', took_ms: 0 } as const;
      return void this.options.bus.send(provider, 'provider.release', body, { from, trace: turn_id });
    }
    // Its thread is replaced, and nobody there knows of the request: the same again finds the next life.
    if (!answer.ok && answer.error.code === 'thread_lost' && answer.error.retryable) return this.ask();
    // Nobody knows whether the provider has granted it meanwhile.
    if (!answer.ok && answer.error.in_doubt === true) this.tellWithdrawn();
    if (this.taker === null) {
      this.answer = answer;
      return;
    }
    this.over = true;
    this.taker(answer);
  }

  private tellWithdrawn(): void {
    const { from, provider, turn_id } = this.wanted;
    this.options.bus.send(provider, 'provider.withdraw', { turn_id }, { from, trace: turn_id });
  }
}

/** One call: tries until one of them has answered, as long as the failures are of a kind that may pass. */
class ModelCall {
  private readonly options: CallParts;
  private readonly wanted: WantedCall;
  private readonly name: string;
  private readonly sink: StreamSink;
  private readonly began: number;
  private tries = 0;
  private over = false;
  /** Ends what is going on now: waiting for a permit, streaming, or pausing. */
  private stop: Abort = nothing;

  constructor(options: CallParts, wanted: WantedCall, sink: StreamSink) {
    this.options = options;
    this.wanted = wanted;
    this.name = wanted.provider.slice('provider/'.length);
    this.sink = sink;
    this.began = options.world.monotonic();
  }

  begin(permit: SoughtPermit = new PermitRequest(this.options, this.wanted)): void {
    this.tries += 1;
    this.stop = () => permit.withdraw();
    permit.take((answer) => this.answered(answer));
  }

  abort(): void {
    if (this.over) return;
    this.over = true;
    const { stop } = this;
    this.stop = nothing;
    stop();
  }

  private end(error: Failure | null): void {
    if (this.over) return;
    this.over = true;
    this.sink.end(error);
  }

  private answered(answer: PermitAnswer): void {
    this.stop = nothing;
    if (answer.ok) return this.run(answer.body.permit);
    // Left alone for as long as its vendor asked for, a provider may still be looked for when that is over.
    if (this.tries > 1 && answer.error.code === 'provider_unavailable' && this.again(answer.error)) return;
    this.end(
      answer.error.code === 'not_found'
        ? failure('provider_unavailable', `Provider of ${this.name}/${this.wanted.model} is not running.`)
        : answer.error,
    );
  }

  /** Streams with a permit, and gives it back. */
  private run(permit: number): void {
    const { options } = this;
    const { from, provider, turn_id } = this.wanted;
    const { bus, world } = options;
    const started = world.monotonic();
    const release = (outcome: CallOutcome): void => {
      bus.send(provider, 'provider.release', { permit, ...outcome }, { from, trace: turn_id });
    };
    if (this.over) return release({ outcome: 'cancelled', took_ms: 0 });
    const request = this.wanted.prepare();
    if ('code' in request) {
      // Ours, not the vendor's: its circuit has nothing to do with it.
      release({ outcome: 'cancelled', took_ms: 0 });
      return void world.soon(() => this.end(request));
    }
    const heard = new Heard();
    let open = true;
    /** What nobody has told of is booked all the same: the vendor bills it. */
    const account = (): void => {
      if (heard.usage !== null) return;
      const usage = options.unreported(request, heard.characters);
      heard.usage = usage;
      this.sink.event({ type: 'usage', ...usage });
    };
    const close = (outcome: CallOutcome['outcome'], failed: Partial<ReturnType<typeof failedOutcome>> = {}): void => {
      open = false;
      this.stop = nothing;
      const { first_event_ms, tokens } = heard;
      const took_ms = world.monotonic() - started;
      if (outcome === 'ok' && first_event_ms !== null && tokens !== null)
        return release({ outcome, took_ms, first_event_ms, tokens });
      const figures = {
        ...(first_event_ms === null ? {} : { first_event_ms }),
        ...(tokens === null ? {} : { tokens }),
      };
      release({ outcome, took_ms, ...figures, ...failed });
    };
    const fail = (error: Failure): void => {
      abortStream();
      if (heard.first_event_ms !== null || BILLED_UNHEARD.has(error.code)) account();
      close(error.code, failedOutcome(error));
      if (heard.first_event_ms !== null || !PASSING.has(error.code) || !this.again(error)) this.end(error);
    };
    let abortStream: Abort = nothing;
    const sink: StreamSink = {
      event: (event) => {
        if (!open || this.over) return;
        if (event.type === 'error') return fail(event.error);
        heard.take(event, world.monotonic() - started);
        this.sink.event(event);
      },
      end: (error) => {
        if (!open || this.over) return;
        if (error !== null) return fail(error);
        close('ok');
        this.end(null);
      },
    };
    abortStream = options.stream(this.name, request, sink, turn_id);
    this.stop = () => {
      abortStream();
      account();
      close('cancelled');
    };
  }

  /** Makes the call again after a pause, when there is hope and time; false when not. */
  private again({ details }: Failure): boolean {
    const { options, tries } = this;
    const { world } = options;
    const { most, within } = options.retries(this.name);
    const about = details?.['about'];
    if (about === 'model' || about === 'request' || tries > most) return false;
    const asked = details?.['retry_after_ms'];
    const pause = typeof asked === 'number' ? asked : PAUSE * 2 ** (tries - 1) * (0.75 + world.random() / 2);
    if (world.monotonic() - this.began + pause >= within) return false;
    this.stop = world.after(pause, () => {
      this.stop = nothing;
      this.begin();
    });
    return true;
  }
}

/** What came of a stream so far. */
class Heard {
  usage: ChatUsage | null = null;
  first_event_ms: number | null = null;
  /** Of text, thoughts and tool calls. */
  characters = 0;

  take(event: ChatEvent, at: number): void {
    this.first_event_ms ??= at;
    if (event.type === 'text_delta' || event.type === 'thinking_delta') this.characters += event.text.length;
    else if (event.type === 'tool_call') this.characters += event.name.length + event.arguments.length;
    else if (event.type === 'usage') this.usage = event;
  }

  /** What it used, in and out; null when nobody has told. */
  get tokens(): number | null {
    const { usage } = this;
    if (usage === null) return null;
    return usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  }
}
