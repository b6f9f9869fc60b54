// SPDX-License-Identifier: Apache-2.0
// Problem details (RFC 9457): every error the edge answers with, made from the one registry of codes.

import { ERRORS, type ErrorCode, type Failure, failure, SigilError } from '../errors.ts';

/** One thing wrong with a request: where (`''` is the whole body) and what. */
export interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

/** What a refusal says besides its code and sentence. */
export interface RefusalExtras {
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors?: readonly FieldProblem[];
  /** More members of the problem: `session_id`, `turn_id`, … */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** An error the edge itself decided on. */
export class Refusal extends SigilError {
  readonly extras: RefusalExtras;
  constructor(code: ErrorCode, message: string, extras: RefusalExtras = {}, details?: Failure['details']) {
    super(failure(code, message, details));
    this.name = 'Refusal';
    this.extras = extras;
  }
}

/** The same failure, telling besides what it is about. */
export function about(thrown: SigilError, members: Readonly<Record<string, unknown>>): Refusal {
  const { code, message, details } = thrown.failure;
  const extras: RefusalExtras = thrown instanceof Refusal ? thrown.extras : {};
  return new Refusal(code, message, { ...extras, members: { ...members, ...extras.members } }, details);
}

/** A refusal because somebody came too often or holds too much. */
export function tooMany(what: string, seconds: number): Refusal {
  return new Refusal('rate_limited', `Too many ${what}.`, {
    headers: { 'Retry-After': String(Math.max(1, Math.ceil(seconds))) },
  });
}

/** A refusal because of what the request says. */
export function invalid(errors: readonly FieldProblem[]): Refusal {
  const first = errors[0];
  const place = first === undefined || first.path === '' ? '' : `\`${first.path}\` `;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return new Refusal('validation_failed', `${place}${first?.message ?? 'is not valid'}${more}.`, { errors });
}

/** A problem ready to be written. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** Its media type, where it is not `application/problem+json`. */
  readonly type?: string;
}

/** Seconds to wait when nobody knows better. */
const DEFAULT_WAIT: Partial<Record<ErrorCode, number>> = { draining: 5 };
const WAIT_STATUSES: ReadonlySet<number> = new Set([429, 503]);

/** The problem that tells of anything thrown. Nothing of an `internal` error is told but its request id. */
export function problemOf(thrown: unknown, requestId: string): Problem {
  const known = thrown instanceof SigilError && Object.hasOwn(ERRORS, thrown.failure.code);
  return problemOfFailure(
    known ? thrown.failure : failure('internal', ''),
    requestId,
    thrown instanceof Refusal ? thrown.extras : {},
  );
}

/** The problem that tells of a failure. */
export function problemOfFailure(
  { code, message, details }: Failure,
  requestId: string,
  extras: RefusalExtras = {},
): Problem {
  const entry = ERRORS[code];
  const secret = code === 'internal';
  const errors = extras.errors ?? (secret ? undefined : details?.['errors']);
  const body: Record<string, unknown> = {
    type: `urn:sigil:error:${code}`,
    title: entry.title,
    status: entry.status,
    detail: secret
      ? `Something went wrong here that should not have; the log tells more under request id ${requestId}.`
      : message,
    code,
    advice: entry.advice,
  };
  if (errors !== undefined) body['errors'] = errors;
  else if (code === 'validation_failed') body['errors'] = [{ path: '', message }];
  if (!secret && details !== undefined && Object.keys(details).some((key) => key !== 'errors'))
    body['details'] = details;
  Object.assign(body, extras.members);
  const headers: Record<string, string> = { ...extras.headers };
  if (WAIT_STATUSES.has(entry.status) && headers['Retry-After'] === undefined) {
    headers['Retry-After'] = String(waitOf(details) ?? DEFAULT_WAIT[code] ?? 1);
  }
  return { status: entry.status, headers, body };
}

/** Whole seconds, at least one, when the one who failed named a time. */
function waitOf(details: Readonly<Record<string, unknown>> | undefined): number | undefined {
  const seconds = details?.['retry_after_s'];
  if (typeof seconds === 'number' && Number.isFinite(seconds)) return Math.max(1, Math.ceil(seconds));
  const ms = details?.['retry_after_ms'];
  return typeof ms === 'number' && Number.isFinite(ms) ? Math.max(1, Math.ceil(ms / 1000)) : undefined;
}

/** A failure that ended a turn, as the answer to the message it belonged to. */
export function turnProblem(error: { readonly code: string; readonly message: string }): Refusal {
  const code = Object.hasOwn(ERRORS, error.code) ? (error.code as ErrorCode) : 'internal';
  return new Refusal(code, error.message);
}
