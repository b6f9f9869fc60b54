// SPDX-License-Identifier: Apache-2.0
// A failing plan made small: fewer faults, messages, lanes and steps, as long as the same rule still breaks.

import type { Plan, PlannedMessage } from './plan.ts';
import { simulate } from './simulate.ts';

/** Runs a shrinking may take. */
const RUNS_MOST = 400;

/** The smallest plan found that breaks the same rule, and how many runs it took. */
export async function shrink(plan: Plan, rule: string): Promise<{ readonly plan: Plan; readonly runs: number }> {
  let best = plan;
  let runs = 0;
  const fails = async (candidate: Plan): Promise<boolean> => {
    if (runs >= RUNS_MOST) return false;
    runs += 1;
    return (await simulate(candidate)).broken?.rule === rule;
  };
  /** Takes what still fails of these, one after the other, until none does. */
  const attempt = async (candidates: (of: Plan) => Iterable<Plan>): Promise<boolean> => {
    let smaller = false;
    for (let again = true; again; ) {
      again = false;
      for (const candidate of candidates(best)) {
        if (!(await fails(candidate))) continue;
        best = candidate;
        smaller = true;
        again = true;
        break;
      }
    }
    return smaller;
  };
  for (let smaller = true; smaller && runs < RUNS_MOST; ) {
    smaller = await attempt(withoutFaults);
    smaller = (await attempt(withoutMessages)) || smaller;
    smaller = (await attempt(simpler)) || smaller;
  }
  return { plan: best, runs };
}

/** Halves first, then one by one. */
function* without<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let size = Math.floor(list.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < list.length; at += size) yield [...list.slice(0, at), ...list.slice(at + size)];
  }
}

function* withoutFaults(plan: Plan): Generator<Plan> {
  for (const faults of without(plan.faults)) yield { ...plan, faults };
}

function* withoutMessages(plan: Plan): Generator<Plan> {
  for (const messages of without(plan.messages)) if (messages.length > 0) yield { ...plan, messages };
}

function* simpler(plan: Plan): Generator<Plan> {
  if (plan.outage !== undefined) {
    const { outage: _, ...rest } = plan;
    yield rest;
  }
  if (plan.lanes > 1) yield { ...plan, lanes: plan.lanes - 1 };
  if (plan.link.slow_share > 0) yield { ...plan, link: { ...plan.link, slow_share: 0 } };
  const { settings } = plan;
  if (settings.queue !== 'followup') yield { ...plan, settings: { ...settings, queue: 'followup' } };
  if (settings.awake_max < 5_000) yield { ...plan, settings: { ...settings, awake_max: 5_000 } };
  if (settings.max_concurrency > 0) yield { ...plan, settings: { ...settings, max_concurrency: 0 } };
  if (settings.per_hour_tokens > 0) yield { ...plan, settings: { ...settings, per_hour_tokens: 0 } };
  if (settings.per_session_tokens > 0) yield { ...plan, settings: { ...settings, per_session_tokens: 0 } };
  if (settings.idle_timeout < 900_000) yield { ...plan, settings: { ...settings, idle_timeout: 900_000 } };
  for (const [at, message] of plan.messages.entries()) {
    for (const plainer of plain(message)) {
      yield { ...plan, messages: [...plan.messages.slice(0, at), plainer, ...plan.messages.slice(at + 1)] };
    }
  }
}

function* plain(message: PlannedMessage): Generator<PlannedMessage> {
  if (message.again > 0) yield { ...message, again: 0 };
  if (message.cancel !== null) yield { ...message, cancel: null };
  if (message.leaves !== null) yield { ...message, leaves: null };
  if (message.mode !== 'send' && message.mode !== 'chat') yield { ...message, mode: 'send' };
  if (message.calls.length > 1) yield { ...message, calls: [message.calls[0]] };
  const [first, ...rest] = message.calls;
  if (first.fault !== null) yield { ...message, calls: [{ ...first, fault: null }, ...rest] };
  if (first.tools.length > 1) yield { ...message, calls: [{ ...first, tools: first.tools.slice(0, 1) }, ...rest] };
  if (first.tools.length > 0) yield { ...message, calls: [{ ...first, tools: [] }, ...rest] };
}
