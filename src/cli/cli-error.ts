// SPDX-License-Identifier: Apache-2.0
// An error as the command line tells it: what is wrong, what to do next, and the exit status.

import { ERRORS, type ErrorCode, SigilError } from '../errors.ts';

/** Exit statuses: done, failed, wrong usage, interrupted. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** A registry code, or what only the command line can meet: it never crosses the wire. */
export type CliErrorCode =
  | ErrorCode
  | 'wrong_usage'
  | 'not_running'
  | 'unreachable'
  | 'connection_lost'
  | 'interrupted';

/** What an error may carry besides its two sentences. */
export interface CliErrorExtras {
  readonly exitStatus?: number;
  /** How long the gateway asks to wait before the same request may succeed. */
  readonly retryAfterMs?: number | undefined;
  /** Lines under the first sentence, such as every problem of a configuration. */
  readonly lines?: readonly string[];
  /** Fields of the JSON form besides code, message and advice. */
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An error for a person: `message` says what is wrong, `advice` what to do next. */
export class CliError extends Error {
  readonly code: CliErrorCode;
  readonly advice: string;
  readonly exitStatus: number;
  readonly retryAfterMs: number | undefined;
  readonly lines: readonly string[];
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: CliErrorCode, message: string, advice: string, extras: CliErrorExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.name = 'CliError';
    this.code = code;
    this.advice = advice;
    this.exitStatus = extras.exitStatus ?? EXIT.failed;
    this.retryAfterMs = extras.retryAfterMs;
    this.lines = extras.lines ?? [];
    this.fields = extras.fields ?? {};
  }
}

/** Wrong usage: exit status 2. */
export function wrongUsage(message: string, advice: string): CliError {
  return new CliError('wrong_usage', message, advice, { exitStatus: EXIT.usage });
}

/** The user stopped it: exit status 130. */
export function interrupted(): CliError {
  return new CliError('interrupted', 'Interrupted.', 'Run the command again.', { exitStatus: EXIT.interrupted });
}

/** True for the codes of the registry, which the command line can also receive from a newer gateway as mere text. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

/** Whatever was thrown, as an error for a person. */
export function toCliError(thrown: unknown): CliError {
  if (thrown instanceof CliError) return thrown;
  if (thrown instanceof SigilError) {
    const { code, message, details } = thrown.failure;
    const advice = details?.['advice'];
    return new CliError(code, message, typeof advice === 'string' ? advice : ERRORS[code].advice, { cause: thrown });
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const advice = 'This is a bug in Sigil; run it again with --verbose and report what it prints.';
  return new CliError('internal', message, advice, { cause: thrown });
}
