// SPDX-License-Identifier: Apache-2.0
// What errors of Slack mean for who asked (https://docs.slack.dev/apis/web-api/#responses). None of the library's goes on as it is.

import { z } from 'zod';
import { type Failure, failure, SigilError } from '../../errors.ts';
import { bounded } from '../api-client.ts';

/** Where Slack says no time, in milliseconds. */
const LATER = 30_000;

const platformError = z.object({ data: z.object({ error: z.string(), needed: z.string().optional() }) });
const limited = z.object({ retryAfter: z.number() });
const httpError = z.object({ statusCode: z.number() });

const WRONG_KEY = new Set([
  'invalid_auth',
  'not_authed',
  'account_inactive',
  'token_revoked',
  'token_expired',
  'not_allowed_token_type',
]);
const NOT_THERE = new Set([
  'channel_not_found',
  'user_not_found',
  'users_not_found',
  'message_not_found',
  'thread_not_found',
  'is_archived',
  'file_not_found',
]);
const TOO_LARGE = new Set([
  'msg_too_long',
  'msg_blocks_too_long',
  'too_many_attachments',
  'file_too_large',
  'storage_limit_reached',
]);
const LATER_WORKS = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);

export function gone(why: string): SigilError {
  return new SigilError(failure('channel_network', `the connection to Slack is not there: ${why}`));
}

export function wrongKey(which: 'bot_token' | 'app_token', says: string): SigilError {
  return new SigilError(
    failure('channel_auth', `Slack does not take \`${which}\` (${says}); correct it with what the app's settings show`),
  );
}

/** What the Web API says is wrong, or null where it does not. */
export function slackError(thrown: unknown): string | null {
  return platformError.safeParse(thrown).data?.data.error ?? null;
}

/** @param about what was asked for, such as `the message to C42` */
export function slackFailure(thrown: unknown, about: string, key: 'bot_token' | 'app_token' = 'bot_token'): SigilError {
  if (thrown instanceof SigilError) return thrown;
  const limit = limited.safeParse(thrown).data;
  if (limit !== undefined)
    return new SigilError(
      failure('rate_limited', `${about} has to wait: Slack takes no more for now`, {
        retry_after_ms: bounded(limit.retryAfter * 1_000),
      }),
    );
  const said = platformError.safeParse(thrown).data?.data;
  if (said !== undefined) {
    if (WRONG_KEY.has(said.error)) return wrongKey(key, said.error);
    return new SigilError(refusal(said.error, said.needed, about));
  }
  const status = httpError.safeParse(thrown).data?.statusCode;
  if (status !== undefined && status < 500 && status !== 408)
    return new SigilError(failure('forbidden', `${about} was not taken by Slack: status ${status}`));
  return gone(status === undefined ? reasonOf(thrown) : `status ${status}`);
}

function refusal(error: string, needed: string | undefined, about: string): Failure {
  const says = `${about} was not taken by Slack: ${error}`;
  if (error === 'ratelimited' || error === 'rate_limited')
    return failure('rate_limited', says, { retry_after_ms: LATER });
  if (error === 'missing_scope')
    return failure('channel_refused', `${says}; give the app the scope ${needed ?? 'it lacks'} and install it again`);
  if (NOT_THERE.has(error)) return failure('not_found', says);
  if (TOO_LARGE.has(error)) return failure('payload_too_large', says);
  if (LATER_WORKS.has(error)) return failure('channel_network', says);
  if (error === 'not_in_channel') return failure('forbidden', `${says}; invite the app into the channel`);
  return failure('forbidden', says);
}

function reasonOf(thrown: unknown): string {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; depth += 1) {
    const code: unknown = Reflect.get(error, 'code');
    if (typeof code === 'string' && /^E[A-Z_]{2,40}$|^UND_[A-Z_]{2,40}$/.test(code)) return code;
    error = error.cause ?? Reflect.get(error, 'original');
  }
  return 'it broke off';
}
