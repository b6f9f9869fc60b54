// SPDX-License-Identifier: Apache-2.0
// What errors of the Bot API mean for who asked. None of the library's goes on as it is: the token is part of every address.

import { z } from 'zod';
import { type Failure, failure, SigilError } from '../../errors.ts';
import { bounded } from '../api-client.ts';

/** Where Telegram says no time, in milliseconds. */
const LATER = 30_000;

/** As much of grammy's `GrammyError` as is used. */
const answered = z.object({
  error_code: z.number(),
  description: z.string(),
  parameters: z.object({ retry_after: z.number().optional(), migrate_to_chat_id: z.number().optional() }).optional(),
});

export type Refusal = z.infer<typeof answered>;

export function gone(why: string): SigilError {
  return new SigilError(failure('channel_network', `the connection to Telegram is not there: ${why}`));
}

/** What the Bot API answered, or null where it did not. */
export function refusalOf(thrown: unknown): Refusal | null {
  return answered.safeParse(thrown).data ?? null;
}

/** Whether the text was refused for its marks alone. */
export function isMarkup(refusal: Refusal | null): boolean {
  return refusal?.error_code === 400 && /can't parse entities/i.test(refusal.description);
}

/** @param about what was asked for, such as `the message to 42` */
export function telegramFailure(thrown: unknown, about: string): SigilError {
  if (thrown instanceof SigilError) return thrown;
  const refusal = refusalOf(thrown);
  return refusal === null ? gone(reasonOf(thrown)) : new SigilError(refused(refusal, about));
}

function refused({ error_code: code, description, parameters }: Refusal, about: string): Failure {
  const says = `${about} was not taken by Telegram: ${description}`;
  if (code === 429)
    return failure('rate_limited', says, {
      retry_after_ms: parameters?.retry_after === undefined ? LATER : bounded(parameters.retry_after * 1_000),
    });
  if (code === 401 || (code === 404 && description === 'Not Found'))
    return failure(
      'channel_auth',
      'Telegram does not know the token of this bot; correct `token`, which @BotFather gives',
    );
  if (code === 409)
    return failure('channel_network', `another program reads the messages of this bot: ${description}; end it`);
  if (code >= 500) return failure('channel_network', says);
  if (parameters?.migrate_to_chat_id !== undefined)
    return failure('not_found', `${says}; the group is now ${parameters.migrate_to_chat_id}`);
  if (code === 413 || /too (?:long|big|large)/i.test(description)) return failure('payload_too_large', says);
  if (/not found|chat_id is empty|PEER_ID_INVALID|deactivated/i.test(description)) return failure('not_found', says);
  return failure('forbidden', says);
}

/** What kind of failure it was; what the library says of it may have the address in it. */
function reasonOf(thrown: unknown): string {
  const inner = typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, 'error') : undefined;
  const code = typeof inner === 'object' && inner !== null ? Reflect.get(inner, 'code') : undefined;
  if (typeof code === 'string' && /^[A-Z_]{2,40}$/.test(code)) return code;
  const type = typeof inner === 'object' && inner !== null ? Reflect.get(inner, 'type') : undefined;
  return type === 'aborted' ? 'it took too long, or was stopped' : 'it broke off';
}
