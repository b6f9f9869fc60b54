// SPDX-License-Identifier: Apache-2.0
// The gateway as the command line starts and stops it: given by the composition root, so that no command composes anything itself.

import type { Quarantined } from '../actors/gateway/protocol.ts';
import type { Config } from '../config/schema.ts';

export interface StartOptions {
  readonly config: Config;
  /** Absolute path; created when it is missing. */
  readonly dataDir: string;
  /** The file the config came from, for what a backup says about it; null without one. */
  readonly configFile?: string | null;
  /** How the config was loaded, so that it can be loaded again the same way; where it is not given it stays as it is. */
  readonly loading?: {
    /** What the command line added, nested like the config, and the flags that did. */
    readonly flags: Readonly<Record<string, unknown>>;
    readonly flagNames: Readonly<Record<string, string>>;
  };
  /** As it was written, entries that were left out included; what runs, when not given. */
  readonly declared?: Config;
  /** Entries of the config that were left out, and why: shown in status. */
  readonly quarantined: readonly Quarantined[];
  /** False: only `DATA/gateway.sock` listens, no TCP port (a chat that started its own gateway). */
  readonly tcp: boolean;
  /** Level of the log on stderr; `silent` for a gateway inside an interactive chat. */
  readonly logLevel: string;
  /** The file its log is written to; stderr when not given. */
  readonly logFd?: number;
  /** Whether that level stays whatever the config says; false when not given. */
  readonly levelFixed?: boolean;
}

export interface RunningGateway {
  /** `http://127.0.0.1:18789`; null without TCP. */
  readonly url: string | null;
  /** The unix socket every local command can use. */
  readonly socket: string;
  /** Reads the config again and applies what can be; what comes of it is in the log, the audit and the status. */
  reload(reason: string): Promise<void>;
  /** Refuses new work, finishes or journals running turns within the drain timeout, and ends. */
  drain(reason: string): Promise<void>;
  /** Settles when the gateway has ended, by a drain or because it could not go on (then it rejects). */
  readonly closed: Promise<void>;
}

/**
 * Starts the gateway in this process.
 *
 * @throws SigilError `conflict` when another gateway holds the data directory (naming its pid and URL), `storage_failed`
 * when the directory cannot be used, `validation_failed` when the address cannot be listened on.
 */
export type StartGateway = (options: StartOptions) => Promise<RunningGateway>;
