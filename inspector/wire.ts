// SPDX-License-Identifier: Apache-2.0
// What the gateway answers, as far as the page looks at it. The compiler holds it against the gateway's own schemas
// (test/inspector/wire.test.ts); the page and what it asks are always of one build, so nothing is parsed twice.

/** A state chart's state: `"idle"`, `"turn.calling_model"` or `{turn: "calling_model"}`. */
export type StateValue = string | { readonly [region: string]: StateValue };

export interface Actor {
  readonly address: string;
  readonly kind: string;
  readonly id: string;
  readonly parent: string | null;
  readonly thread: string;
  readonly state: StateValue;
  readonly since: string;
  readonly uptime_s: number;
  readonly mailbox: { readonly depth: number; readonly capacity: number; readonly oldest_ms: number };
  readonly processed: number;
  readonly failed: number;
  readonly restarts: number;
  readonly last_event: { readonly type: string; readonly at: string } | null;
  readonly asleep: boolean;
}

export interface Step {
  readonly at: string;
  readonly event: string;
  readonly from_state: StateValue;
  readonly to_state: StateValue;
  readonly took_us: number;
}

export interface ActorInside extends Actor {
  readonly context?: unknown;
  readonly children: readonly string[];
  readonly children_total: number;
  readonly recent: readonly Step[];
  readonly machine?: unknown;
  readonly unreachable?: readonly string[] | undefined;
}

export interface Actors {
  readonly items: readonly Actor[];
  readonly next_cursor: string | null;
  readonly totals: {
    readonly actors: number;
    readonly by_kind: Readonly<Record<string, number>>;
    readonly by_thread: Readonly<Record<string, number>>;
    readonly by_state: Readonly<Record<string, number>>;
  };
  readonly unreachable?: readonly string[] | undefined;
}

/** One line of the live stream. */
export interface Transition {
  readonly at: string;
  readonly address: string;
  readonly event: string;
  readonly from_state: StateValue;
  readonly to_state: StateValue;
}

export interface Thread {
  readonly name: string;
  readonly state: 'up' | 'unreachable' | 'quarantined' | 'resting';
  readonly role: string;
  readonly life: number;
  readonly actors: number;
  readonly messages_in_per_s: number;
  readonly messages_out_per_s: number;
  /** Milliseconds. */
  readonly loop_delay_ms: { readonly p50: number; readonly p99: number };
  readonly heap_bytes: number;
  /** 0 to 1. */
  readonly utilisation: number;
  readonly restarts: number;
  readonly last_restart: { readonly at: string; readonly reason: string } | null;
}

export interface Threads {
  readonly items: readonly Thread[];
}

export interface BusKind {
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

export interface Bus {
  readonly by_kind: Readonly<Record<string, BusKind>>;
  readonly dead_letters: readonly DeadLetter[];
  readonly unreachable?: readonly string[] | undefined;
}

export interface TurnStage {
  readonly stage: string;
  readonly start: string;
  readonly end: string | null;
  readonly outcome: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface TurnStep {
  readonly seq: number;
  readonly type: string;
  readonly start: string;
  readonly end: string | null;
  readonly outcome: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface Turn {
  readonly id: string;
  readonly session_id: string;
  readonly workspace_id: string;
  readonly user_id: string;
  readonly status: string;
  readonly stages: readonly TurnStage[];
  readonly steps: readonly TurnStep[];
}

export interface Status {
  readonly version: string;
  readonly commit: string;
  readonly uptime_s: number;
  readonly state: string;
  readonly actors: { readonly total: number };
  readonly quarantined: readonly { readonly what: string; readonly message: string }[];
}

/** Messages of a session; only whose turn they are is looked at. */
export interface Messages {
  readonly items: readonly { readonly turn_id: string; readonly created_at: string; readonly role: string }[];
  readonly next_cursor: string | null;
}

/** Who is signed in. */
export interface Caller {
  readonly user_id: string;
  readonly name: string;
  readonly permissions: readonly string[];
  readonly expires_at: string | null;
}

/** Problem details (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly advice?: string;
}
