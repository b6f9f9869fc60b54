// SPDX-License-Identifier: Apache-2.0
// What the gateway's root actor answers to: the life of the whole, what is quarantined, and its directory.

import type { ErrorCode } from '../../errors.ts';
import type { DirectoryProtocol } from '../../stores/directory-commands.ts';

/** A part that does not run although it was configured, and what to do about it. */
export interface Quarantined {
  /** A config path (`channels.telegram`) or an address (`thread/io-1`). */
  readonly what: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly advice: string;
}

export type GatewayState = 'starting' | 'running' | 'draining' | 'stopped';

/** The life of the whole, as its chart knows it. */
export type LifeProtocol = {
  /** Every part of the tree is up: accept messages. */
  readonly 'gateway.started': { readonly body: Record<string, never>; readonly reply: undefined };
  /** Take no new messages; what runs is finished or stays journaled. */
  readonly 'gateway.drain': {
    readonly body: { readonly reason: string };
    readonly reply: { readonly state: GatewayState };
  };
  readonly 'gateway.quarantine': { readonly body: Quarantined; readonly reply: undefined };
  /** A part that was quarantined runs again. */
  readonly 'gateway.released': { readonly body: { readonly what: string }; readonly reply: undefined };
  /** A thread ended and another took its name. */
  readonly 'gateway.thread_restarted': {
    readonly body: { readonly thread: string; readonly reason: string };
    readonly reply: undefined;
  };
  readonly 'gateway.status': {
    readonly body: Record<string, never>;
    readonly reply: {
      readonly state: GatewayState;
      readonly started_at: string;
      readonly quarantined: readonly Quarantined[];
      readonly restarts: readonly {
        readonly thread: string;
        readonly count: number;
        readonly last_at: string;
        readonly reason: string;
      }[];
    };
  };
};

/** Its life, and changes of the directory, which it owns. */
export type GatewayProtocol = LifeProtocol & DirectoryProtocol;
