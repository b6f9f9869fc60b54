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

/**
 * What has changed about the gateway, as the actor or thread it happened to says it: on the topic {@link STATUS_TOPIC} of
 * its thread, and only while somebody listens there.
 */
export type StatusChange =
  | { readonly type: 'gateway_state'; readonly data: Moved }
  | { readonly type: 'channel_state'; readonly data: Moved & { readonly channel: string } }
  | { readonly type: 'provider_circuit'; readonly data: Moved & { readonly provider: string } }
  | { readonly type: 'mcp_state'; readonly data: Moved & { readonly server: string } }
  | { readonly type: 'thread_lost'; readonly data: { readonly thread: string; readonly reason: string } }
  | { readonly type: 'thread_started'; readonly data: { readonly thread: string; readonly life: number } }
  | { readonly type: 'quarantined'; readonly data: Quarantined }
  | { readonly type: 'released'; readonly data: { readonly what: string } }
  | { readonly type: 'budget_near'; readonly data: BudgetSpent }
  | { readonly type: 'budget_exhausted'; readonly data: BudgetSpent }
  | { readonly type: 'config_applied'; readonly data: { readonly keys: readonly string[] } }
  | { readonly type: 'config_refused'; readonly data: { readonly problems: readonly string[] } }
  | {
      readonly type: 'agent_paused';
      readonly data: { readonly since: string; readonly by: string; readonly reason: string };
    }
  | { readonly type: 'agent_resumed'; readonly data: Record<string, never> }
  | { readonly type: 'backup_done'; readonly data: { readonly took_ms: number } }
  | {
      readonly type: 'approval_requested';
      readonly data: ApprovalPlace & { readonly tool: string; readonly expires_at: string };
    }
  | { readonly type: 'approval_decided'; readonly data: ApprovalPlace & { readonly decision: string } };

interface Moved {
  /** State values, written with dots. */
  readonly from: string;
  readonly to: string;
}

/** A budget that nears its end, or has come to it. */
export interface BudgetSpent {
  readonly scope: string;
  /** `per_hour_tokens`, `per_day_usd`, … */
  readonly limit: string;
  readonly used: number;
  readonly max: number;
  readonly resets_at: string;
}

/** Where somebody is asked; only those hear of it who may see that session. */
interface ApprovalPlace {
  readonly id: string;
  readonly session_id: string;
  readonly workspace_id: string;
  readonly user_id: string;
}

/** A change with its time, RFC 3339. */
export type StatusEvent = StatusChange & { readonly at: string };

/** The topic (of a thread's address) that carries a {@link StatusEvent} for what happens there. */
export const STATUS_TOPIC = 'status';

/** Its life, and changes of the directory, which it owns. */
export type GatewayProtocol = LifeProtocol & DirectoryProtocol;
