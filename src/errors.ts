// SPDX-License-Identifier: Apache-2.0
// The registry of error codes: what each means over HTTP, whether trying again can help, and what to do about it.

interface ErrorEntry {
  /** HTTP status when it is the whole answer; errors that only occur inside a turn or a stream carry 500. */
  readonly status: number;
  /** Short human title, stable. */
  readonly title: string;
  /** Whether the same request may succeed later without being changed. */
  readonly retryable: boolean;
  /** One sentence saying what to do next. */
  readonly advice: string;
}

const entry = (status: number, title: string, retryable: boolean, advice: string): ErrorEntry => ({
  status,
  title,
  retryable,
  advice,
});

/** Every code Sigil answers with. The reference documentation is made from this table. */
export const ERRORS = {
  validation_failed: entry(
    422,
    'Validation failed',
    false,
    'Correct the fields listed under `errors` and send it again.',
  ),
  unauthenticated: entry(
    401,
    'Unauthenticated',
    false,
    'Send `Authorization: Bearer TOKEN`; the owner token is in DATA/owner.token.',
  ),
  forbidden: entry(403, 'Forbidden', false, 'Use a token that has the permission named in the detail.'),
  not_a_member: entry(403, 'Not a member', false, 'Ask an owner to add you to the workspace.'),
  not_paired: entry(403, 'Not paired', false, 'Ask the owner to pair this sender first.'),
  not_found: entry(404, 'Not found', false, 'Check the id; list what exists to find the right one.'),
  conflict: entry(409, 'Conflict', false, 'Fetch the current state and decide again.'),
  payload_too_large: entry(413, 'Payload too large', false, 'Send less than the limit named in the detail.'),
  misdirected_request: entry(
    421,
    'Misdirected request',
    false,
    'Use the listen address, or add the host to `networking.allowed_hosts`.',
  ),
  rate_limited: entry(429, 'Rate limited', true, 'Wait for the time in `Retry-After` and try again.'),
  overloaded: entry(
    503,
    'Overloaded',
    true,
    'Wait for the time in `Retry-After` and try again with the same message_id.',
  ),
  draining: entry(
    503,
    'Draining',
    true,
    'The gateway is stopping; try again when it is back, with the same message_id.',
  ),
  input_blocked: entry(422, 'Input blocked', false, 'Rephrase the message; the scanner refused it.'),
  method_not_allowed: entry(405, 'Method not allowed', false, 'Use one of the methods in the `Allow` header.'),
  unsupported_media_type: entry(415, 'Unsupported media type', false, 'Send the body as application/json.'),
  slow_consumer: entry(
    500,
    'Slow consumer',
    true,
    'Read faster; the turn goes on and stays readable at /turns/{id}/stream.',
  ),
  approval_expired: entry(500, 'Approval expired', false, 'Ask again; nobody decided in time.'),
  poisoned: entry(
    500,
    'Poisoned turn',
    false,
    'This turn was interrupted too often and was given up; send the message again in other words.',
  ),
  thread_lost: entry(
    503,
    'Thread lost',
    true,
    'The thread that works on this ended; repeat it with the same message_id, and see `sigil status` if that does not help.',
  ),
  view_behind: entry(503, 'View behind', true, 'The read model is catching up; try again in a moment.'),
  budget_exceeded: entry(
    402,
    'Budget exceeded',
    false,
    'Wait until the limit resets or raise it under `models.budgets`.',
  ),
  provider_unavailable: entry(502, 'Provider unavailable', true, 'See `sigil status` for what each provider answered.'),
  provider_error: entry(502, 'Provider error', true, 'The model provider failed; try again or choose another model.'),
  provider_auth: entry(
    502,
    'Provider refused the key',
    false,
    'Correct `providers.NAME.api_key`; `sigil secret set` keeps a new key.',
  ),
  provider_quota: entry(
    502,
    'Provider account exhausted',
    false,
    "The key's account has no credit left: top it up at the vendor, or choose another model.",
  ),
  provider_rate_limited: entry(
    503,
    'Provider rate limited',
    true,
    'Wait for the time in `retry_after_ms`; a lower `requests_per_minute` of the provider keeps below its limit.',
  ),
  provider_overloaded: entry(503, 'Provider overloaded', true, 'Try again in a moment, or choose another model.'),
  provider_model_unknown: entry(
    502,
    'Model unknown to provider',
    false,
    'Choose a model the provider has and this key may use.',
  ),
  provider_too_large: entry(
    413,
    'Too large for the model',
    false,
    'Send less, begin a new session, or choose a model with a larger context.',
  ),
  provider_bad_request: entry(
    502,
    'Provider refused the request',
    false,
    'Change what the detail names, or choose another model.',
  ),
  provider_network: entry(
    502,
    'Provider not reached',
    true,
    'Check the network and the `endpoint` of the provider, and whether its server runs.',
  ),
  provider_timeout: entry(
    504,
    'Provider timed out',
    true,
    'Try again; `providers.NAME.timeouts` says how long it is waited for.',
  ),
  provider_ended_early: entry(
    502,
    'Provider ended early',
    true,
    'The answer broke off; try again or choose another model.',
  ),
  channel_auth: entry(
    502,
    'Platform refused the key',
    false,
    'Correct the account and its password or token under `channels.NAME`; `sigil secret set` keeps a new one.',
  ),
  channel_network: entry(
    502,
    'Platform not reached',
    true,
    'Check the network and the address under `channels.NAME`, and whether its server runs.',
  ),
  channel_refused: entry(
    502,
    'Platform refused',
    false,
    'Change what the detail names under `channels.NAME` or there.',
  ),
  tool_denied: entry(500, 'Tool denied', false, 'Allow the tool for this workspace and user.'),
  tool_timeout: entry(500, 'Tool timed out', true, 'Raise `sessions.tool_timeout` or ask for less.'),
  tool_failed: entry(500, 'Tool failed', false, 'See the tool result for what went wrong.'),
  tool_loop_limit: entry(
    500,
    'Tool loop limit',
    false,
    'Raise `sessions.max_tool_iterations` or ask for less in one turn.',
  ),
  deadline_exceeded: entry(
    504,
    'Deadline exceeded',
    true,
    'Try again with the same message_id; what was accepted is not repeated.',
  ),
  storage_failed: entry(500, 'Storage failed', true, 'Check free space and permissions of the data directory.'),
  internal: entry(500, 'Internal error', false, 'This is a bug in Sigil; the log has the request id.'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** An error as data: the only form in which one crosses a thread, the journal or the wire. */
export interface Failure {
  readonly code: ErrorCode;
  /** What went wrong, in one sentence, without secrets. */
  readonly message: string;
  readonly retryable: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Makes a {@link Failure}; whether it is retryable comes from the registry. */
export function failure(code: ErrorCode, message: string, details?: Readonly<Record<string, unknown>>): Failure {
  const retryable = ERRORS[code].retryable;
  return details === undefined ? { code, message, retryable } : { code, message, retryable, details };
}

/** A {@link Failure} that is thrown: in adapters, the edge and the command line, never across a thread. */
export class SigilError extends Error {
  readonly failure: Failure;
  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.message, options);
    this.name = 'SigilError';
    this.failure = failure;
  }
}

/** What any thrown thing is as a {@link Failure}; a foreign error is `internal` and keeps its message. */
export function toFailure(thrown: unknown): Failure {
  if (thrown instanceof SigilError) return thrown.failure;
  return failure('internal', thrown instanceof Error ? thrown.message : String(thrown));
}
