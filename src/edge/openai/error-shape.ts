// SPDX-License-Identifier: Apache-2.0
// Our problems in the words of OpenAI's clients, which make an error of the right class of them.

import type { ErrorCode } from '../../errors.ts';
import type { Problem } from '../problem.ts';

/** The paths that speak so. */
export const OPENAI_PATHS = '/v1/';

interface Shape {
  readonly status?: number;
  readonly type: string;
  /** Ours where OpenAI has none. */
  readonly code?: string;
}

const REQUEST = 'invalid_request_error';

/** Where OpenAI has a status, kind or code of its own for something. */
const SHAPES: Partial<Record<ErrorCode, Shape>> = {
  validation_failed: { status: 400, type: REQUEST, code: 'invalid_value' },
  unauthenticated: { type: REQUEST, code: 'invalid_api_key' },
  forbidden: { type: REQUEST },
  not_a_member: { type: REQUEST },
  not_found: { type: REQUEST, code: 'model_not_found' },
  method_not_allowed: { type: REQUEST },
  unsupported_media_type: { type: REQUEST },
  payload_too_large: { type: REQUEST },
  misdirected_request: { type: REQUEST },
  conflict: { type: REQUEST },
  input_blocked: { status: 400, type: REQUEST, code: 'content_filter' },
  rate_limited: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  budget_exceeded: { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' },
  provider_model_unknown: { status: 404, type: REQUEST, code: 'model_not_found' },
  provider_bad_request: { status: 400, type: REQUEST, code: 'invalid_value' },
  provider_too_large: { status: 400, type: REQUEST, code: 'context_length_exceeded' },
  provider_rate_limited: { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' },
};

/** Statuses with a code of ours, each as the clients are told it. */
export function openAiStatus(code: ErrorCode, status: number): number {
  return SHAPES[code]?.status ?? status;
}

/** The `error` of an answer, or of a stream that breaks off. */
export function openAiError(problem: Problem) {
  const { status, body } = problem;
  const code = body['code'] as ErrorCode;
  const shape = SHAPES[code] ?? { type: status >= 500 ? 'server_error' : REQUEST };
  const errors = (body['errors'] ?? []) as readonly { readonly path?: unknown }[];
  const path = errors[0]?.path;
  return {
    message: String(body['detail'] ?? body['title'] ?? ''),
    type: shape.type,
    param: typeof path === 'string' && path !== '' ? path : null,
    code: shape.code ?? code,
  };
}

/**
 * A problem as these clients want it. They come again by themselves after a 429, which for a budget is in vain: they are told
 * not to, and when it resets.
 *
 * @param now epoch milliseconds
 */
export function openAiProblem(problem: Problem, now: number): Problem {
  const code = problem.body['code'] as ErrorCode;
  const headers: Record<string, string> = { ...problem.headers };
  const details = (problem.body['details'] ?? {}) as Readonly<Record<string, unknown>>;
  if (code === 'budget_exceeded') {
    headers['x-should-retry'] = 'false';
    const { resets_at } = details;
    const left = typeof resets_at === 'string' ? Date.parse(resets_at) - now : Number.NaN;
    if (Number.isFinite(left)) headers['Retry-After'] = String(Math.max(1, Math.ceil(left / 1_000)));
  }
  const status = openAiStatus(code, problem.status);
  return { status, headers, body: { error: openAiError(problem) }, type: 'application/json; charset=utf-8' };
}
