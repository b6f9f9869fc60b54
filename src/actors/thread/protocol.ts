// SPDX-License-Identifier: Apache-2.0
// What every thread's own door answers to: its actors and its figures, for the live inspector.

import type { Failure } from '../../errors.ts';
import type { ChatFinish, ChatRequest, ChatToolCall, ModelInfo } from '../../providers/provider.ts';
import type { Usage } from '../../stores/records.ts';
import type { CallOutcome } from '../provider/protocol.ts';

/** An actor as the inspector shows it. Times are RFC 3339. */
export interface ActorView {
  readonly address: string;
  readonly kind: string;
  readonly id: string;
  readonly parent: string | null;
  readonly thread: string;
  /** The state chart's state value: `"idle"`, `{turn: "calling_model"}`. */
  readonly state: unknown;
  readonly since: string;
  readonly uptime_s: number;
  readonly mailbox: { readonly depth: number; readonly capacity: number; readonly oldest_ms: number };
  readonly processed: number;
  readonly failed: number;
  readonly restarts: number;
  readonly last_event: { readonly type: string; readonly at: string } | null;
  readonly asleep: boolean;
}

export interface ActorStep {
  readonly at: string;
  readonly event: string;
  readonly from_state: unknown;
  readonly to_state: unknown;
  readonly took_us: number;
}

/** An actor with everything its own thread knows about it. */
export interface ActorInside extends ActorView {
  readonly context: unknown;
  readonly recent: readonly ActorStep[];
  /** The state chart's definition, so that a viewer can draw it; null for what is not a state chart. */
  readonly machine: unknown;
}

/** Whose parent an actor is, on one thread or on all. */
export interface Children {
  /** The first thousand, in address order. */
  readonly addresses: readonly string[];
  readonly count: number;
}

/** Children listed of one actor. */
export const CHILDREN_MOST = 1_000;

/** Which steps somebody wants to see; without a wish all. */
export interface TraceWish {
  readonly kind?: string | undefined;
  /** One actor. */
  readonly address?: string | undefined;
}

/** One line of the live stream. */
export interface TraceLine extends ActorStep {
  readonly address: string;
}

/** Steps that were more than a second has room for. */
export interface TraceGap {
  readonly dropped: number;
}

export type TraceEvent = TraceLine | TraceGap;

export interface ActorFilter {
  readonly kind?: string | undefined;
  readonly state?: string | undefined;
  /** A part of the address. */
  readonly q?: string | undefined;
}

/** A part of a thread's actors in address order. */
export interface ActorSlice {
  readonly items: readonly ActorView[];
  readonly reached: string | null;
}

export interface ActorTotals {
  readonly actors: number;
  readonly by_kind: Readonly<Record<string, number>>;
  readonly by_state: Readonly<Record<string, number>>;
}

export interface ThreadStats {
  readonly thread: string;
  readonly role: string;
  readonly life: number;
  readonly actors: number;
  readonly messages_in_per_s: number;
  readonly messages_out_per_s: number;
  readonly loop_delay_ms: { readonly p50: number; readonly p99: number };
  readonly heap_bytes: number;
  /** Share of time the thread's loop was busy in the last second, 0 to 1. */
  readonly utilisation: number;
}

export interface BusKindStats {
  readonly sent: number;
  readonly delivered: number;
  readonly asks_in_flight: number;
  readonly timeouts: number;
  readonly dead_letters: number;
}

export interface DeadLetter {
  readonly at: string;
  readonly to: string;
  readonly from: string;
  readonly type: string;
  readonly reason: string;
}

export interface BusStats {
  readonly by_kind: Readonly<Record<string, BusKindStats>>;
  readonly dead_letters: readonly DeadLetter[];
}

/** Of a provider's key, as a thread that makes its calls knows it. */
export interface KeyState {
  /** A hash of the key under the salt that came with the question; null where there is none, or nobody knows it. */
  readonly fingerprint: string | null;
  /** Whether this very key is the one that the thread last saw refused. */
  readonly refused: boolean;
}

/** What came of a call that was no turn's. */
export interface CallResult {
  readonly text: string;
  /** Whether the text is whole. */
  readonly whole: boolean;
  readonly usage: Usage;
  /** Why there is no answer; null when there is one. */
  readonly error: Failure | null;
}

/** A call of a model that somebody makes through the gateway, without an agent and without a session. */
export interface PassedCall {
  /** What its permits and reservations are under, and its topic: {@link passName}. A session of this id would live where it is made. */
  readonly id: string;
  readonly user_id: string;
  /** Whose budgets it counts against besides the global one. */
  readonly workspace_id: string;
  /** The model asked for, as its name was given: it is routed as a turn's. */
  readonly model: string;
  /** Its model is whichever is asked. */
  readonly request: ChatRequest;
  /** Whether what was shown of an answer cannot be taken back: no other model is asked then. */
  readonly shown: boolean;
  /** How long it may take, the wait for its permits included, in milliseconds. */
  readonly within: number;
}

/** What is seen of it as it comes; a text delta is a plain string. */
export type PassEvent =
  | string
  /** This model answers from here on; what came before is nobody's any more. */
  | { readonly type: 'model'; readonly model: string }
  | { readonly type: 'thinking'; readonly text: string }
  | ({ readonly type: 'tool_call' } & ChatToolCall);

/** How it ended. */
export interface PassEnd {
  readonly model: string;
  readonly finish: ChatFinish;
  readonly usage: Usage;
}

/** Texts somebody wants to have as vectors. */
export interface EmbedCall {
  /** Of the call: a session of this id would live where it is made. */
  readonly id: string;
  readonly user_id: string;
  readonly workspace_id: string;
  /** `provider/model`. */
  readonly model: string;
  readonly texts: readonly string[];
  /** Numbers in a vector; null: as the model gives them. */
  readonly dimensions: number | null;
  readonly within: number;
}

/** What a provider's models are. */
export interface ListedModels {
  readonly models: readonly ModelInfo[];
  /** Whether the vendor's own list is in it; else only what is known without asking. */
  readonly live: boolean;
  /** Why it is not; null when it is. */
  readonly reason: string | null;
}

/** One value of a metric; labels are few, and never name a session, a user or a message. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a thread has to say when somebody scrapes. */
export interface ThreadMetrics {
  readonly life: number;
  /** What it has counted since this life of it began. */
  readonly counters: readonly MetricSample[];
  readonly gauges: readonly MetricSample[];
}

export type ThreadProtocol = {
  /**
   * Actors of this thread in address order, from after `cursor` (an address) on. A question looks at so many and no more:
   * `reached` is how far it came, null when nothing is left; there may be more though it found none.
   */
  readonly 'thread.actors': {
    readonly body: { readonly filter: ActorFilter; readonly limit: number; readonly cursor: string };
    readonly reply: ActorSlice & { readonly totals: ActorTotals };
  };
  /** One actor, if it lives here, and which of its children do. */
  readonly 'thread.actor': {
    readonly body: { readonly address: string; readonly reveal: boolean };
    readonly reply: { readonly actor: ActorInside | null; readonly children: Children };
  };
  /** Somebody watches steps of this thread's actors and will say so again within seconds. */
  readonly 'thread.follow': { readonly body: TraceWish; readonly reply: Record<string, never> };
  readonly 'thread.stats': { readonly body: Record<string, never>; readonly reply: ThreadStats };
  /** The models of a provider, its vendor asked: only lanes know how, and answer. */
  readonly 'thread.models': { readonly body: { readonly provider: string }; readonly reply: ListedModels };
  /** What it counts, put together now. */
  readonly 'thread.metrics': { readonly body: Record<string, never>; readonly reply: ThreadMetrics };
  readonly 'thread.bus': { readonly body: Record<string, never>; readonly reply: BusStats };
  /**
   * A lane makes the smallest call there is of a provider's model, for nobody, and tells how it went. It takes as long as
   * `within` at most, in milliseconds.
   */
  readonly 'thread.probe': {
    readonly body: { readonly provider: string; readonly model: string; readonly within: number };
    readonly reply: CallOutcome;
  };
  /**
   * A lane makes a call of a model that is no turn's and that nobody waits for: under a permit that comes after those of turns,
   * made again where a failure may pass. Whatever comes of it is an answer, with what it has used.
   */
  readonly 'thread.call': {
    readonly body: {
      /** `provider/model`. */
      readonly model: string;
      readonly workspace_id: string;
      /** Under which its permit is asked for. */
      readonly id: string;
      /** What is reserved for it. */
      readonly tokens: number;
      readonly request: ChatRequest;
      /** How long it may take, the wait for its permit included, in milliseconds. */
      readonly within: number;
    };
    readonly reply: CallResult;
  };
  /** The call is not wanted any more: it is answered with what it has used. */
  readonly 'thread.call_off': { readonly body: { readonly id: string }; readonly reply: undefined };
  /**
   * A lane makes a call for somebody who has no session: scanned, within the budgets, under permits, with failover, as a turn's.
   * What comes of it is published on {@link passName} of its address, all of it before this is answered.
   */
  readonly 'thread.pass': { readonly body: PassedCall; readonly reply: PassEnd };
  /** Nobody wants it any more: it is aborted, and fails as `conflict`. */
  readonly 'thread.pass_off': { readonly body: { readonly id: string }; readonly reply: undefined };
  /** A lane has texts turned into vectors by a vendor; one after the other, `dimensions` numbers each. */
  readonly 'thread.embed': {
    readonly body: EmbedCall;
    readonly reply: { readonly vectors: Float32Array; readonly dimensions: number; readonly input_tokens: number };
  };
  /** A lane tells which key a provider has now, and lets go of the one it uses. */
  readonly 'thread.key': {
    readonly body: { readonly provider: string; readonly salt: string };
    readonly reply: KeyState;
  };
  /** Answered when the thread's lanes have no running turn left, or have been asked to stop and written what they had. */
  readonly 'thread.drain': { readonly body: Record<string, never>; readonly reply: { readonly turns_left: number } };
};

/** The topic (of a thread's address) that carries a {@link TraceEvent} for the steps of a wish while somebody listens. */
export function traceName({ kind = '', address = '' }: TraceWish): string {
  return `trace:${kind}:${address}`;
}

/** The topic (of a lane's address) that carries arrays of {@link PassEvent}s of one call; the first, empty, says that it is taken. */
export function passName(id: string): string {
  return `pass:${id}`;
}

/** The topic (of a lane's address) that carries a `WireEntry` for the traffic of a provider, or of all without a name. */
export function wireName(provider = ''): string {
  return `wire:${provider}`;
}
