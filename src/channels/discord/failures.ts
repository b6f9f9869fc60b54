// SPDX-License-Identifier: Apache-2.0
// What errors of Discord mean for who asked (https://discord.com/developers/docs/topics/opcodes-and-status-codes). None of the
// library's goes on as it is: they hold the whole request.

import { z } from 'zod';
import { type Failure, failure, SigilError } from '../../errors.ts';
import { bounded } from '../api-client.ts';

const limited = z.object({ retryAfter: z.number(), timeToReset: z.number() });
const refused = z.object({
  status: z.number(),
  code: z.union([z.number(), z.string()]).optional(),
  rawError: z.unknown().optional(),
});
const said = z.object({ message: z.string().optional(), errors: z.unknown().optional() });

/** Codes of what is not there: channel, guild, message, user. */
const NOT_THERE = new Set([10_003, 10_004, 10_008, 10_013]);
/** A file, or all of a message, is too large. */
const TOO_LARGE = new Set([40_005]);

export function gone(why: string): SigilError {
  return new SigilError(failure('channel_network', `the connection to Discord is not there: ${why}`));
}

export function wrongToken(): SigilError {
  return new SigilError(
    failure(
      'channel_auth',
      'Discord does not know the token of this bot; correct `token`, which the developer portal gives',
    ),
  );
}

export function statusOf(thrown: unknown): number | null {
  return refused.safeParse(thrown).data?.status ?? null;
}

/** @param about what was asked for, such as `the message to 42` */
export function discordFailure(thrown: unknown, about: string): SigilError {
  if (thrown instanceof SigilError) return thrown;
  const limit = limited.safeParse(thrown).data;
  if (limit !== undefined)
    return new SigilError(
      failure('rate_limited', `${about} has to wait: Discord takes no more for now`, {
        retry_after_ms: bounded(limit.retryAfter),
      }),
    );
  const answer = refused.safeParse(thrown).data;
  if (answer === undefined) return gone(reasonOf(thrown));
  if (answer.status === 401) return wrongToken();
  return new SigilError(refusal(answer, about));
}

function refusal({ status, code, rawError }: z.infer<typeof refused>, about: string): Failure {
  const { message = `status ${status}`, errors } = said.safeParse(rawError).data ?? {};
  const fields = errors === undefined ? '' : ` ${JSON.stringify(errors).slice(0, 200)}`;
  const says = `${about} was not taken by Discord: ${message.slice(0, 200)}${fields}`;
  if (status >= 500) return failure('channel_network', says);
  if (status === 413 || TOO_LARGE.has(Number(code)) || fields.includes('BASE_TYPE_MAX_LENGTH'))
    return failure('payload_too_large', says);
  return failure(status === 404 || NOT_THERE.has(Number(code)) ? 'not_found' : 'forbidden', says);
}

/**
 * Why the gateway ended a connection for good, by the code it closed with; null where it may be taken up again
 * (https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes).
 */
export function closedForGood(code: number): SigilError | null {
  const refused = (says: string) => new SigilError(failure('channel_refused', says));
  switch (code) {
    case 4_004:
      return wrongToken();
    case 4_011:
      return refused('this bot is in more servers than one connection to Discord can serve');
    case 4_014:
      return refused(
        'Discord does not let this bot read messages; allow the Message Content Intent for it in the developer portal, or set `message_content: false`',
      );
    case 4_010:
    case 4_012:
    case 4_013:
      return refused(`Discord does not take this connection (close code ${code})`);
    default:
      return null;
  }
}

function reasonOf(thrown: unknown): string {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth += 1) {
    const code: unknown = Reflect.get(error, 'code');
    if (typeof code === 'string' && /^[A-Z_]{2,40}$/.test(code)) return code;
    if (error.name === 'AbortError') return 'it took too long, or was stopped';
  }
  return 'it broke off';
}
