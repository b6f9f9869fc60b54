// SPDX-License-Identifier: Apache-2.0
// What the edge is given by the composition root: the bus, the read store, who may enter, and the world.

import type { Quarantined } from '../actors/gateway/protocol.ts';
import type { SigilBus } from '../actors/protocols.ts';
import type { Address } from '../bus/address.ts';
import type { Config } from '../config/schema.ts';
import type { ReadStore } from '../stores/session-store.ts';
import type { World } from '../world.ts';
import type { Admission } from './admission.ts';

/** A token's owner as the guard knows it. Tokens are kept as SHA-256 digests (hex) only. */
export interface TokenGrant {
  readonly digest: string;
  readonly user_id: string;
  readonly name: string;
  readonly permissions: readonly string[];
}

export interface EdgeLog {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Where a crash test may end the process: before and after its sender learns something. */
export type EdgePoint =
  | 'edge.acknowledged'
  | 'edge.answering'
  | 'edge.answered'
  | 'edge.stream_ending'
  | 'edge.stream_ended';

/** Where backups come from. */
export interface BackupSource {
  /**
   * The chunks of one archive; whoever stops taking them ends it.
   *
   * @throws SigilError `conflict` while another is being made, `storage_failed`
   */
  start(options: { readonly with_secrets: boolean }): AsyncIterable<Uint8Array>;
}

export interface EdgePorts {
  readonly bus: SigilBus;
  readonly store: ReadStore;
  readonly world: World;
  readonly config: Config;
  readonly tokens: readonly TokenGrant[];
  readonly log: EdgeLog;
  readonly version: string;
  readonly commit: string;
  /** Names of the threads that run, in order (`main`, `journal`, …). */
  readonly threads: readonly string[];
  /** Threads on which nothing lives and that were not started. */
  readonly resting: readonly string[];
  /** The name of the thread an actor lives on when it lives. */
  threadOf(of: Address): string;
  /** Configured workspace ids; more exist once somebody wrote in them. */
  readonly workspaces: readonly string[];
  /** Configured providers and channels by actor id, for status. */
  readonly providers: readonly string[];
  readonly channels: readonly string[];
  /** Budget scopes with an actor (`global`, `workspace:<id>`). */
  readonly budgets: readonly string[];
  /** Whether every part is up, and none is stopping. */
  state(): 'starting' | 'running' | 'draining';
  readonly quarantined: readonly Quarantined[];
  /** What was let in and waits; nothing is refused for it when not given. */
  readonly admission?: Admission;
  readonly backup: BackupSource;
  /** Named places of the crash tests. */
  readonly point?: (name: EdgePoint) => void;
}
