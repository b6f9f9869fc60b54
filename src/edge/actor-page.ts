// SPDX-License-Identifier: Apache-2.0
// A page of the live actors of all threads in the order of their addresses, and what they are in numbers.

import type { ActorFilter, ActorTotals, ActorView } from '../actors/thread/protocol.ts';
import { address } from '../bus/address.ts';
import type { PageRequest } from '../stores/session-store.ts';
import { tryAsk } from './ask.ts';
import { openCursor, sealCursor } from './cursor.ts';
import type { EdgePorts } from './ports.ts';
import type { ActorsAnswer } from './schemas/debug.ts';

/**
 * Questions to one thread for one page. Each looks at some thousands of its actors and no more, so that it does not hold
 * the thread; a page for which that was not enough has fewer items than it could, and goes on where it stands.
 */
const MOST_QUESTIONS = 64;
/** In a cursor: how far all threads but those named beside it have been shown. */
const ALL = '';

/** How far a thread has told of its actors. */
interface Told {
  readonly thread: string;
  /** From where this page began with it. */
  readonly from: string;
  items: ActorView[];
  /** Null: to the end. */
  reached: string | null;
  totals: ActorTotals | null;
  /** It did not answer. */
  failed: boolean;
}

/**
 * A page of the actors of these threads. Each thread is asked from where all have been shown, one that did not answer
 * from where it was itself, so that it goes on later where it stood.
 */
export async function actorPage(
  ports: EdgePorts,
  threads: readonly string[],
  filter: ActorFilter,
  page: PageRequest,
): Promise<ActorsAnswer> {
  const { limit } = page;
  const cursors = page.cursor === undefined ? {} : openCursor(page.cursor);
  const all = threads.map((thread): Told => {
    const from = cursors[thread] ?? cursors[ALL] ?? '';
    return { thread, from, items: [], reached: from, totals: null, failed: false };
  });
  for (let question = 0; question < MOST_QUESTIONS; question += 1) {
    // The first question is also for the totals.
    const wants = (told: Told): boolean => question === 0 || (told.reached !== null && told.items.length < limit);
    const asked = all.filter((told) => !told.failed && wants(told));
    await Promise.all(asked.map((told) => goOn(ports, told, filter, limit)));
    if (asked.length === 0 || shownOf(all).length >= limit) break;
  }
  const answered = all.filter((told) => !told.failed);
  const ready = shownOf(all);
  const shown = ready.slice(0, limit);
  const horizon = horizonOf(answered);
  const last = shown.at(-1)?.address ?? '';
  const more = horizon !== null || ready.length > limit;
  const next: Record<string, string> = { [ALL]: ready.length >= limit || horizon === null ? last : horizon };
  for (const told of all) if (told.failed) next[told.thread] = told.from;
  const totals = answered.flatMap((told) => (told.totals === null ? [] : [[told.thread, told.totals] as const]));
  return {
    items: shown,
    next_cursor: more ? sealCursor(next) : null,
    totals: {
      actors: totals.reduce((sum, [, { actors }]) => sum + actors, 0),
      by_kind: summed(totals.map(([, { by_kind }]) => by_kind)),
      by_thread: Object.fromEntries(totals.map(([thread, { actors }]) => [thread, actors])),
      by_state: summed(totals.map(([, { by_state }]) => by_state)),
    },
    ...(answered.length < all.length
      ? { unreachable: all.filter((told) => told.failed).map(({ thread }) => thread) }
      : {}),
  };
}

/** What all threads host, counted; no actor is looked at for it. */
export async function threadTotals(ports: EdgePorts): Promise<ActorsAnswer['totals']> {
  const { totals } = await actorPage(ports, ports.threads, {}, { limit: 0 });
  return totals;
}

async function goOn(ports: EdgePorts, told: Told, filter: ActorFilter, limit: number): Promise<void> {
  const body = { filter, limit: limit - told.items.length, cursor: told.reached ?? '' };
  const asked = await tryAsk(ports.bus, address('thread', told.thread), 'thread.actors', body);
  if (!asked.ok) {
    told.failed = true;
    told.items = [];
    return;
  }
  told.items.push(...asked.answer.items);
  told.reached = asked.answer.reached;
  told.totals ??= asked.answer.totals;
}

/** How far every thread has told: what is beyond could still have something before it. Null: all to the end. */
function horizonOf(answered: readonly Told[]): string | null {
  let horizon: string | null = null;
  for (const { reached } of answered)
    if (reached !== null && (horizon === null || reached < horizon)) horizon = reached;
  return horizon;
}

/** Everything that can be shown in order by now. */
function shownOf(all: readonly Told[]): readonly ActorView[] {
  const answered = all.filter((told) => !told.failed);
  const horizon = horizonOf(answered);
  return answered
    .flatMap(({ items }) => items)
    .filter((item) => horizon === null || item.address <= horizon)
    .sort((one, other) => (one.address < other.address ? -1 : 1));
}

function summed(counts: readonly ActorTotals['by_kind'][]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const count of counts)
    for (const [name, value] of Object.entries(count)) sums.set(name, (sums.get(name) ?? 0) + value);
  return Object.fromEntries(sums);
}
