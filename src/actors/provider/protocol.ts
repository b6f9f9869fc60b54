// SPDX-License-Identifier: Apache-2.0
// What a provider's actor answers to: permits, and how the call went.

import type { ErrorCode } from '../../errors.ts';

export type ProviderProtocol = {
  /** Asks to make one call; the answer is a permit, a lease on the asker's life. `provider_unavailable` when it may not. */
  readonly 'provider.request': {
    readonly body: { readonly workspace_id: string; readonly turn_id: string; readonly model: string };
    readonly reply: { readonly permit: number };
  };
  /** The call is over. */
  readonly 'provider.release': {
    readonly body: {
      readonly permit: number;
      readonly outcome: 'ok' | 'cancelled' | ErrorCode;
      readonly took_ms: number;
    };
    readonly reply: undefined;
  };
  /** The asker has given up: what it waits for, or was granted without hearing of it, is void. */
  readonly 'provider.withdraw': { readonly body: { readonly turn_id: string }; readonly reply: undefined };
  readonly 'provider.status': { readonly body: Record<string, never>; readonly reply: ProviderStatus };
};

export interface ProviderStatus {
  readonly name: string;
  readonly state: string;
  readonly available: boolean;
  readonly message: string;
  readonly in_flight: number;
  readonly waiting: number;
  readonly calls: number;
  readonly failures: number;
  readonly last_error: { readonly code: string; readonly at: string } | null;
}
