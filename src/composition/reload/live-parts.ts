// SPDX-License-Identifier: Apache-2.0
// What main knows of the configuration in force, and the parts of the gateway that are made to follow another.

import type { Quarantined } from '../../actors/gateway/protocol.ts';
import type { Config } from '../../config/schema.ts';
import type { ConfigError, TokenGrant } from '../../edge/ports.ts';
import type { Actor } from '../../stores/directory-commands.ts';
import type { ThreadContext } from '../context.ts';
import type { ProcessLog } from '../log.ts';
import type { MainRole } from '../main-role.ts';
import type { RootDirectory } from '../root-directory.ts';
import type { GatewaySkills } from '../skills/gateway-skills.ts';
import type { Threads } from '../threads.ts';
import type { Loading } from './config-job.ts';

/** What changes with the configuration. What reads it has the newest whenever it looks. */
export interface ConfigState {
  /** In force. */
  config: Config;
  /** As it was wanted at the start: what differs from it and waits for a restart waits since then. */
  readonly started: Config;
  /** What is in force, with the entries that are set aside. */
  declared: Config;
  file: string | null;
  applied_at: string;
  restart_pending: readonly string[];
  errors: readonly ConfigError[];
  errors_at: string | null;
  tokens: readonly TokenGrant[];
  /** What of it is set aside. */
  quarantined: readonly Quarantined[];
  /** What else was left out at the start, and stays so. */
  readonly left_out: Quarantined[];
}

/** Writes to the audit; what cannot be written is logged. */
export type NoteConfig = (
  action: 'config.applied' | 'config.refused',
  details: Readonly<Record<string, unknown>>,
  result: 'ok' | 'refused',
  by: Actor,
) => void;

export interface LiveParts {
  readonly context: ThreadContext;
  readonly state: ConfigState;
  readonly dataDir: string;
  readonly loading: Loading;
  readonly log: ProcessLog;
  /** Whether the log's level was asked for by who started the gateway: then the configuration does not decide it. */
  readonly level_fixed: boolean;
  readonly directory: RootDirectory;
  readonly skills: GatewaySkills;
  readonly threads: Threads;
  readonly main: MainRole;
  readonly note: NoteConfig;
  /** Starts what a configuration needs and nothing needed before. */
  readonly wake: (config: Config) => void;
}
