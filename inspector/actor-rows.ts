// SPDX-License-Identifier: Apache-2.0
// The actors of one thread as far as they were fetched, page by page, in the order of their addresses: pages that are fetched
// again put in who is new and take out who is gone.

import type { Actor, Actors, Transition } from './wire.ts';

/** Where a page begins. */
interface Page {
  /** As the gateway gave it; null for the first. */
  readonly cursor: string | null;
  /** The last address before it; nothing is before the first. */
  readonly after: string;
}

/** After every address. */
const END = '\uffff';

export class ActorRows {
  readonly thread: string;
  /** In address order. */
  addresses: readonly string[] = [];
  readonly #actors = new Map<string, Actor>();
  #pages: Page[] = [{ cursor: null, after: '' }];
  /** Pages that were fetched: all but the last of {@link #pages}, or that too when nothing follows. */
  #fetched = 0;

  constructor(thread: string) {
    this.thread = thread;
  }

  /** Whether all were fetched. */
  get whole(): boolean {
    return this.#fetched >= this.#pages.length;
  }

  get(address: string): Actor | undefined {
    return this.#actors.get(address);
  }

  /** The cursor of the page to be fetched next; undefined when there is none. */
  next(): Page | undefined {
    return this.#pages[this.#fetched];
  }

  /** The pages, among those that were fetched, in which these rows lie. */
  pagesOf(first: number, last: number): readonly Page[] {
    const begin = this.addresses[first] ?? '';
    // Behind the last one there may be somebody by now: the page that would have them goes with it, also an empty one.
    const end = this.addresses[last] ?? END;
    return this.#pages
      .slice(0, this.#fetched)
      .filter(({ after }, at) => after < end && (this.#pages[at + 1]?.after ?? END) >= begin);
  }

  /** Takes a page in. One that was fetched before is replaced in its place. */
  take(page: Page, { items, next_cursor }: Pick<Actors, 'items' | 'next_cursor'>): void {
    const at = this.#pages.findIndex(({ cursor }) => cursor === page.cursor);
    if (at < 0) return;
    const last = items.at(-1)?.address ?? page.after;
    const until = next_cursor === null ? END : last;
    const known = this.addresses.filter((address) => address <= page.after || address > until);
    const there = new Set(items.map(({ address }) => address));
    for (const address of this.addresses)
      if (address > page.after && address <= until && !there.has(address)) this.#actors.delete(address);
    for (const actor of items) this.#actors.set(actor.address, actor);
    const before = known.filter((address) => address <= page.after);
    const behind = known.slice(before.length);
    this.addresses = [...before, ...there, ...behind];
    // Who came or went has moved this page's end, and with it where the next begins: one that would begin before is none.
    const following = next_cursor === null ? [] : [{ cursor: next_cursor, after: last }];
    const later = next_cursor === null ? [] : this.#pages.slice(at + 2).filter((one) => one.after > last);
    const unfetched = this.#pages.slice(this.#fetched);
    this.#pages = [...this.#pages.slice(0, at + 1), ...following, ...later];
    if (at >= this.#fetched) this.#fetched = at + 1;
    else {
      const left = this.#pages.filter((one) => unfetched.includes(one)).length;
      // The page after the last that was fetched is not known yet, also where it begins elsewhere now.
      const next = at + 1 === this.#fetched ? following.length : 0;
      this.#fetched = this.#pages.length - left - next;
    }
  }

  /** Notes a step as it is told. False: nothing is known of that actor here. */
  moved({ address, at, event, to_state }: Transition): boolean {
    const actor = this.#actors.get(address);
    if (actor === undefined) return false;
    // Lines of two threads come in any order, those of one actor in theirs.
    this.#actors.set(address, {
      ...actor,
      state: to_state,
      processed: actor.processed + 1,
      last_event: { type: event, at },
    });
    return true;
  }
}
