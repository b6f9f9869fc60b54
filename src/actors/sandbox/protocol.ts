// SPDX-License-Identifier: Apache-2.0
// What `sandbox/commands` answers to: a command run where it can reach nothing, from its start to its end.

/** A command of a shell. */
export interface SandboxCommand {
  /** Its own name, under which it can be stopped. */
  readonly id: string;
  readonly command: string;
  /** What it reads from its standard input. */
  readonly stdin: string;
  /** How long it may run, in milliseconds; then it is killed with all it has started. */
  readonly within: number;
}

/** What came of it. */
export interface SandboxOutcome {
  /** Null when a signal ended it. */
  readonly exit_status: number | null;
  /** The signal that ended it: `SIGKILL` for one that ran past its time. */
  readonly signal: string | null;
  /** Whether it was killed because its time was over. */
  readonly timed_out: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** Whole milliseconds. */
  readonly took_ms: number;
}

export type SandboxProtocol = {
  /** `tool_failed` where there is no sandbox, with what to do about it; `overloaded` when too many run. */
  readonly 'sandbox.run': { readonly body: SandboxCommand; readonly reply: SandboxOutcome };
  /** Kills one that runs; nothing happens when it does not. */
  readonly 'sandbox.stop': { readonly body: { readonly id: string }; readonly reply: never };
};

/** The sandbox's only address is `sandbox/` and this. */
export const SANDBOX_ID = 'commands';
