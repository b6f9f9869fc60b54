// SPDX-License-Identifier: Apache-2.0
// The actors the page knows: those of each thread that is open, under the filters of the moment, moved along by the stream.

import { computed, effect, signal } from '@preact/signals';
import { ActorRows } from './actor-rows.ts';
import { get, returns } from './api.ts';
import { frames } from './frame.ts';
import type { Actor, Actors, Transition } from './wire.ts';

/** Actors of a page. */
export const PAGE = 200;

export interface Filter {
  readonly q: string;
  readonly kind: string;
  readonly thread: string;
  readonly state: string;
}

export const NO_FILTER: Filter = { q: '', kind: '', thread: '', state: '' };
export const filter = signal<Filter>(NO_FILTER);
export const filtered = computed(() => Object.values(filter.value).some((value) => value !== ''));
/** Threads whose actors are folded away. */
export const folded = signal<ReadonlySet<string>>(new Set());
export const totals = signal<Actors['totals'] | null>(null);
/** Threads that did not answer. */
export const unreachable = signal<readonly string[]>([]);

/** A line of the list: a thread, one of its actors, or one that is not fetched yet. */
export type Line =
  | { readonly type: 'thread'; readonly key: string; readonly thread: string; readonly count: number | null }
  | { readonly type: 'actor'; readonly key: string; readonly rows: ActorRows; readonly nth: number }
  | { readonly type: 'more'; readonly key: string; readonly rows: ActorRows };

const drawing = frames();
/** Rises with whatever is drawn of actors. */
export const { version } = drawing;

let threads = new Map<string, ActorRows>();
const fetching = new Map<ActorRows, Promise<void>>();

/** Forgets everything: under another filter, or of a gateway that was started anew. */
function forget(): void {
  threads = new Map();
  fetching.clear();
  drawing.touch();
}

effect(() => {
  // Both are read so that both are waited for.
  void [filter.value, returns.value];
  forget();
});

function rowsOf(thread: string): ActorRows {
  const known = threads.get(thread);
  if (known !== undefined) return known;
  const rows = new ActorRows(thread);
  threads.set(thread, rows);
  return rows;
}

function pathOf(thread: string, limit: number, cursor: string | null): string {
  const { q, kind, state } = filter.value;
  const query = new URLSearchParams({ limit: String(limit) });
  for (const [name, value] of Object.entries({ thread, q, kind, state, cursor: cursor ?? '' }))
    if (value !== '') query.set(name, value);
  return `/debug/actors?${query}`;
}

/** Fetches the totals, from which all else follows. */
export async function fetchTotals(within: AbortSignal): Promise<void> {
  const answer = await get<Actors>('/debug/actors?limit=1', within);
  totals.value = answer.totals;
  unreachable.value = answer.unreachable ?? [];
}

/** The next page of a thread; asked for twice it is fetched once. */
export function fetchNext(rows: ActorRows): Promise<void> {
  const known = fetching.get(rows);
  if (known !== undefined) return known;
  const page = rows.next();
  if (page === undefined) return Promise.resolve();
  const fetched = get<Actors>(pathOf(rows.thread, PAGE, page.cursor))
    .then((answer) => {
      if (threads.get(rows.thread) !== rows) return;
      rows.take(page, answer);
      drawing.touch();
    })
    .finally(() => fetching.delete(rows));
  fetching.set(rows, fetched);
  return fetched;
}

/** Fetches again what is in view: mailboxes come with it, who is new and who is gone. */
export async function refresh(lines: readonly Line[], within: AbortSignal): Promise<void> {
  const seen = new Map<ActorRows, { first: number; last: number }>();
  for (const line of lines) {
    // Where there was nobody there may be somebody now.
    if (line.type === 'thread' && threads.get(line.thread)?.whole === true) {
      const rows = rowsOf(line.thread);
      if (rows.addresses.length === 0) seen.set(rows, { first: 0, last: 0 });
    }
    if (line.type !== 'actor') continue;
    const range = seen.get(line.rows);
    if (range === undefined) seen.set(line.rows, { first: line.nth, last: line.nth });
    else range.last = line.nth + 1;
  }
  for (const [rows, { first, last }] of seen)
    for (const page of rows.pagesOf(first, last)) {
      const answer = await get<Actors>(pathOf(rows.thread, PAGE, page.cursor), within);
      if (threads.get(rows.thread) === rows) rows.take(page, answer);
    }
  drawing.touch();
}

/** The list from top to bottom; lines that are not fetched yet have their place in it where it is known how many there are. */
export interface Lines {
  readonly length: number;
  at(index: number): Line | undefined;
  /** Where the line of this key stands; -1 when it is not there, or folded away. */
  indexOf(key: string): number;
}

interface Section {
  readonly thread: string;
  readonly rows: ActorRows;
  readonly start: number;
  readonly size: number;
  readonly count: number | null;
}

/** All threads that have actors, or have at present none under the filter. */
export function linesOf(): Lines {
  const { thread: only } = filter.value;
  const byThread = Object.entries(totals.value?.by_thread ?? {}).filter(
    ([name, actors]) => (only === '' || name === only) && (actors > 0 || only !== ''),
  );
  const sections: Section[] = [];
  let start = 0;
  const narrow = filter.value.q !== '' || filter.value.kind !== '' || filter.value.state !== '';
  for (const [thread, actors] of byThread) {
    const rows = rowsOf(thread);
    const got = rows.addresses.length;
    // Under a filter nobody knows how many follow: one line stands for them.
    const size = rows.whole ? got : narrow ? got + 1 : Math.max(got + 1, actors);
    // A thread in which the filter finds nothing is not shown, but one that is still looked through is.
    if (narrow && rows.whole && got === 0) continue;
    const open = !folded.value.has(thread);
    sections.push({ thread, rows, start, size: open ? size : 0, count: narrow ? (rows.whole ? got : null) : actors });
    start += 1 + (open ? size : 0);
  }
  const length = start;
  return {
    length,
    at: (index) => {
      const section = sections.findLast((one) => one.start <= index);
      if (section === undefined || index >= length) return undefined;
      const { thread, rows, count } = section;
      const nth = index - section.start - 1;
      if (nth < 0) return { type: 'thread', key: `thread ${thread}`, thread, count };
      const address = rows.addresses[nth];
      if (address === undefined) return { type: 'more', key: `more ${thread} ${nth}`, rows };
      return { type: 'actor', key: address, rows, nth };
    },
    indexOf: (key) => {
      const [what, thread, place = ''] = key.split(' ');
      for (const { thread: name, rows, start: from, size } of sections) {
        if (what === 'thread' && thread === name) return from;
        if (size === 0) continue;
        // A place whose actor has been fetched meanwhile is the same place.
        if (what === 'more' && thread === name) return Number(place) < size ? from + 1 + Number(place) : -1;
        const nth = rows.addresses.indexOf(key);
        if (nth >= 0) return from + 1 + nth;
      }
      return -1;
    },
  };
}

export function actorOf(line: Line): Actor | undefined {
  return line.type === 'actor' ? line.rows.get(line.rows.addresses[line.nth] ?? '') : undefined;
}

/** Steps since the page was opened; those that were left out are among them. */
export const steps = { shown: 0, dropped: 0 };

export function moved(transition: Transition): void {
  steps.shown += 1;
  for (const rows of threads.values()) {
    if (!rows.moved(transition)) continue;
    drawing.touch();
    return;
  }
}

export function fold(thread: string, away = !folded.value.has(thread)): void {
  const next = new Set(folded.value);
  if (away) next.add(thread);
  else next.delete(thread);
  folded.value = next;
}
