// SPDX-License-Identifier: Apache-2.0
// A budget's arithmetic: what is used and reserved in the running hour and day (UTC), and whether one more call fits. Pure.

import { type Failure, failure } from '../../errors.ts';
import type { BudgetSpan } from './protocol.ts';

/** Limits; 0: none. */
export interface BudgetLimits {
  readonly hour: BudgetSpan;
  readonly day: BudgetSpan;
}

export interface Ledger {
  /** When the running hour and day began, epoch milliseconds. */
  readonly hour_at: number;
  readonly day_at: number;
  readonly hour: BudgetSpan;
  readonly day: BudgetSpan;
  readonly reserved: BudgetSpan;
}

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

const NOTHING: BudgetSpan = { tokens: 0, cost_usd: 0 };

export function openLedger(now: number, used: { readonly hour: BudgetSpan; readonly day: BudgetSpan }): Ledger {
  return { hour_at: now - (now % HOUR), day_at: now - (now % DAY), hour: used.hour, day: used.day, reserved: NOTHING };
}

/** The ledger as of `now`: a new hour or day begins with nothing used. */
export function roll(ledger: Ledger, now: number): Ledger {
  const hour_at = now - (now % HOUR);
  const day_at = now - (now % DAY);
  if (hour_at <= ledger.hour_at) return ledger;
  return { ...ledger, hour_at, day_at, hour: NOTHING, day: day_at > ledger.day_at ? NOTHING : ledger.day };
}

/** The ledger with this reserved, or why it does not fit: which limit, how much is used, when it resets. */
export function reserve(
  ledger: Ledger,
  limits: BudgetLimits,
  most: BudgetSpan,
  scope: string,
  iso: (at: number) => string,
): Ledger | Failure {
  const spans = [
    ['per_hour', ledger.hour, limits.hour, ledger.hour_at + HOUR],
    ['per_day', ledger.day, limits.day, ledger.day_at + DAY],
  ] as const;
  for (const [span, used, limit, resets] of spans) {
    for (const unit of ['tokens', 'cost_usd'] as const) {
      const max = limit[unit];
      const taken = used[unit] + ledger.reserved[unit];
      if (max <= 0 || taken + most[unit] <= max) continue;
      const name = `${span}_${unit === 'tokens' ? 'tokens' : 'usd'}`;
      const resets_at = iso(resets);
      const text = `The ${scope} budget ${name} of ${max} does not cover this call: ${taken} are used or reserved and it may need ${most[unit]}; it resets at ${resets_at}.`;
      return failure('budget_exceeded', text, { limit: name, scope, used: taken, max, resets_at });
    }
  }
  return { ...ledger, reserved: add(ledger.reserved, most) };
}

/** The ledger once a reserved call has used what it used. */
export function settle(ledger: Ledger, reserved: BudgetSpan, used: BudgetSpan): Ledger {
  const left = {
    tokens: Math.max(0, ledger.reserved.tokens - reserved.tokens),
    cost_usd: Math.max(0, ledger.reserved.cost_usd - reserved.cost_usd),
  };
  return { ...ledger, hour: add(ledger.hour, used), day: add(ledger.day, used), reserved: left };
}

/** The share of a limit from which on it is near. */
export const NEAR = 0.8;

/** What of a limit is used. */
export interface Spent {
  /** `per_hour_tokens`, … */
  readonly limit: string;
  readonly used: number;
  readonly max: number;
  /** Epoch milliseconds. */
  readonly resets: number;
}

/** Limits that were not near in one ledger and are in the next. What is only reserved does not count: most of it is given back. */
export function nearing(before: Ledger, after: Ledger, limits: BudgetLimits): readonly Spent[] {
  const spans = [
    ['hour', 'per_hour', after.hour_at + HOUR],
    ['day', 'per_day', after.day_at + DAY],
  ] as const;
  const near: Spent[] = [];
  for (const [span, name, resets] of spans) {
    for (const unit of ['tokens', 'cost_usd'] as const) {
      const max = limits[span][unit];
      const used = after[span][unit];
      if (max <= 0 || used < max * NEAR || before[span][unit] >= max * NEAR) continue;
      near.push({ limit: `${name}_${unit === 'tokens' ? 'tokens' : 'usd'}`, used, max, resets });
    }
  }
  return near;
}

/** The ledger with something reserved that is so already, whether it fits or not. */
export function hold(ledger: Ledger, most: BudgetSpan): Ledger {
  return { ...ledger, reserved: add(ledger.reserved, most) };
}

function add(a: BudgetSpan, b: BudgetSpan): BudgetSpan {
  return { tokens: a.tokens + b.tokens, cost_usd: a.cost_usd + b.cost_usd };
}
