// SPDX-License-Identifier: Apache-2.0
// What a provider's actor answers to: permits, how the call went, and how the vendor is.

import type { ErrorCode, Failure } from '../../errors.ts';
import type { FailureScope, ProviderFailureDetails } from '../../providers/provider.ts';

/** How a call went, as far as the circuits and the limits must know. */
export interface CallOutcome {
  readonly outcome: 'ok' | 'cancelled' | ErrorCode;
  /** Of a failure: what it says something about; the provider where it does not say. */
  readonly about?: FailureScope;
  /** Of a failure: what went wrong, in a sentence without secrets. */
  readonly message?: string;
  /** Of a failure: how long the vendor asks to be left alone, in milliseconds. */
  readonly retry_after_ms?: number;
  /** From the permit to the end, in milliseconds. */
  readonly took_ms: number;
  /** From the permit to the first event; absent when there was none. */
  readonly first_event_ms?: number;
  /** Tokens it used, in and out; absent when nobody knows. */
  readonly tokens?: number;
}

/** What a failure of a call tells the circuits, beside its code. */
export function failedOutcome({
  message,
  details,
}: Failure): Pick<CallOutcome, 'message' | 'about' | 'retry_after_ms'> {
  const { about, retry_after_ms } = (details ?? {}) as Partial<ProviderFailureDetails>;
  return {
    message,
    ...(about === undefined ? {} : { about }),
    ...(retry_after_ms === undefined ? {} : { retry_after_ms }),
  };
}

export type ProviderProtocol = {
  /**
   * Asks to make one call; the answer is a permit, a lease on the asker's life. `provider_unavailable` when it may not, with
   * what that is about and until when.
   */
  readonly 'provider.request': {
    readonly body: {
      readonly workspace_id: string;
      readonly turn_id: string;
      /** As the provider calls it, without the provider's name. */
      readonly model: string;
      /** The most it may use, in and out: what is held against `tokens_per_minute` until the call is over. */
      readonly tokens: number;
      /** Nobody waits for it: it comes after all that somebody waits for, and takes a part of the permits at most. */
      readonly background?: true;
    };
    readonly reply: { readonly permit: number };
  };
  /** The call is over. */
  readonly 'provider.release': {
    readonly body: CallOutcome & { readonly permit: number };
    readonly reply: undefined;
  };
  /** The asker has given up: what it waits for, or was granted without hearing of it, is void. */
  readonly 'provider.withdraw': { readonly body: { readonly turn_id: string }; readonly reply: undefined };
  readonly 'provider.status': { readonly body: Record<string, never>; readonly reply: ProviderStatus };
};

/** The newest failure of a provider or a model. */
export interface LastError {
  readonly code: string;
  readonly message: string;
  readonly at: string;
}

/** A circuit: `closed`, `open` or `half_open`. */
export interface CircuitStatus {
  readonly state: string;
  /** When it is tried again; null when it is closed. */
  readonly retry_at: string | null;
  readonly last_error: LastError | null;
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Of the newest calls that went well, in milliseconds; null when there were none. */
export interface LatencyStatus {
  readonly first_event_ms: Percentiles | null;
  readonly took_ms: Percentiles | null;
}

/** What a request waits for: the setting of the provider that allows no more just now. */
export type WaitsFor = 'max_concurrency' | 'requests_per_minute' | 'tokens_per_minute';

export interface ProviderStatus extends CircuitStatus {
  readonly name: string;
  readonly available: boolean;
  readonly message: string;
  readonly in_flight: number;
  readonly waiting: number;
  /** What the next of those that wait waits for; null when none does. */
  readonly waits_for: WaitsFor | null;
  readonly calls: number;
  readonly failures: number;
  /** Calls that were made only to find out whether the vendor is back, over all its circuits. */
  readonly probes: number;
  readonly latency: LatencyStatus;
  /** Models whose own circuit is not closed. */
  readonly models: readonly (CircuitStatus & { readonly model: string })[];
}
