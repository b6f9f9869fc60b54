// SPDX-License-Identifier: Apache-2.0
// Whether a request is Slack's (https://docs.slack.dev/authentication/verifying-requests-from-slack): an HMAC over the time and the raw bytes.

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { WebhookRequest } from '../adapter.ts';

/** How old a request may be, in milliseconds: an older one may be somebody else's copy. */
const TOLERANCE = 300_000;

/** @param now epoch milliseconds */
export function isSlacks({ headers, body }: WebhookRequest, secret: string, now: number): boolean {
  const at = headers['x-slack-request-timestamp'] ?? '';
  const shown = Buffer.from(headers['x-slack-signature'] ?? '');
  if (!/^\d{1,12}$/.test(at) || Math.abs(now - Number(at) * 1_000) > TOLERANCE) return false;
  const made = Buffer.from(`v0=${createHmac('sha256', secret).update(`v0:${at}:`).update(body).digest('hex')}`);
  return shown.length === made.length && timingSafeEqual(shown, made);
}
