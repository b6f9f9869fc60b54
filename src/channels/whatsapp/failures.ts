// SPDX-License-Identifier: Apache-2.0
// What errors of the Cloud API mean for who asked.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes

import { z } from 'zod';
import { type Failure, failure, SigilError } from '../../errors.ts';
import { type ApiResponse, bounded, jsonOf, retryAfter } from '../api-client.ts';

const answered = z.object({
  error: z.object({
    code: z.number(),
    message: z.string().default(''),
    error_data: z.object({ details: z.string().optional() }).optional(),
  }),
});

/** A person may be written to so fast for long, in milliseconds: one message in six seconds. */
const PAIR = 6_000;
const LATER = 30_000;
/** What was written down too often to be sent is left alone for long, in milliseconds. */
const SPAM = 600_000;

/** Codes by what is to be done about them. */
const AUTH = new Set([0, 190]);
const RIGHTS = new Set([3, 10, 33, 131005, 131031, 131042, 131045, 133010, 368]);
const NOBODY = new Set([131021, 131026, 131030, 131009]);
const PASSING = new Set([1, 2, 131000, 131016, 131057, 133004]);

/** What a refusal says, or null where all is well. No answer of it has the token in it. */
export function refusal(response: ApiResponse, now: number): SigilError | null {
  const { status } = response;
  if (status >= 200 && status < 300) return null;
  const read = answered.safeParse(jsonOf(response));
  return new SigilError(read.success ? byCode(read.data.error, response, now) : byStatus(response, now));
}

function byStatus(response: ApiResponse, now: number): Failure {
  const { status } = response;
  const says = `WhatsApp answered ${status}`;
  if (status === 401) return refusedKey(says);
  if (status === 429) return failure('rate_limited', says, { retry_after_ms: retryAfter(response, now, LATER) });
  if (status >= 500) return failure('channel_network', says, { retry_after_ms: retryAfter(response, now, LATER) });
  return failure('channel_refused', says);
}

function byCode(error: z.infer<typeof answered>['error'], response: ApiResponse, now: number): Failure {
  const { code } = error;
  const details = (error.error_data?.details ?? error.message).slice(0, 300);
  const says = `WhatsApp refused (${code}): ${details}`;
  const later = (otherwise: number) =>
    failure('rate_limited', says, { retry_after_ms: regained(response) ?? retryAfter(response, now, otherwise) });
  if (code === 131047)
    return failure(
      'forbidden',
      `WhatsApp refused (${code}): more than 24 hours have passed since this person wrote last, and only a template may be sent now; they can be answered as soon as they write again`,
    );
  if (AUTH.has(code)) return refusedKey(says);
  if (code === 131056) return later(PAIR);
  if (code === 131048) return later(SPAM);
  if (code === 4 || code === 80007 || code === 130429) return later(LATER);
  if (NOBODY.has(code)) return failure('not_found', says);
  if (code === 131052 || code === 131053) return failure('channel_refused', `${says}; the attachment cannot be used`);
  if (RIGHTS.has(code) || (code >= 200 && code <= 299))
    return failure('channel_refused', `${says}; look at the rights of the token and the state of the account there`);
  if (PASSING.has(code) || response.status >= 500)
    return failure('channel_network', says, { retry_after_ms: retryAfter(response, now, LATER) });
  return response.status === 404 ? failure('not_found', says) : failure('channel_refused', says);
}

function refusedKey(says: string): Failure {
  return failure(
    'channel_auth',
    `${says}; the access token is wrong, was revoked, or has ended: make one of a system user, which does not end`,
  );
}

/** When an account that has used up what it may is served again; they say it in minutes, in a header of their own. */
function regained({ headers }: ApiResponse): number | null {
  const said = headers['x-business-use-case-usage'];
  if (typeof said !== 'string') return null;
  const minutes = [...said.matchAll(/"estimated_time_to_regain_access"\s*:\s*(\d{1,6})/g)].map(([, found]) =>
    Number(found),
  );
  const most = Math.max(0, ...minutes);
  return most === 0 ? null : bounded(most * 60_000);
}
