// SPDX-License-Identifier: Apache-2.0
// Which actors are shown when there are more than anybody reads: some of every kind, those at work first.

import type { GatewayClient } from './client.ts';
import { type JsonObject, number, object, text } from './json-reading.ts';
import { type ListReading, listOf, withQuery } from './pages.ts';

const PATH = '/debug/actors';
/** The kind of which there are most, and the state in which one of them does something. */
const MANY = { kind: 'session', busy: 'turn' } as const;

/** At most so many actors, chosen so that no kind hides the others. */
export async function pickActors(client: GatewayClient, most: number, kind?: string): Promise<ListReading> {
  const { totals } = object(await client.get(withQuery(PATH, { kind, limit: 1 })));
  const by_kind = Object.entries(object(object(totals)['by_kind'])).map(
    ([name, count]) => [name, number(count)] as const,
  );
  const present = kind === undefined ? by_kind : by_kind.filter(([name]) => name === kind);
  const count = kind === undefined ? number(object(totals)['actors']) : (present[0]?.[1] ?? 0);
  if (count <= most) return await listOf(client, PATH, most, { kind });
  const shares = sharesOf(present, most);
  const picked = await Promise.all([...shares].map(async ([name, share]) => await some(client, name, share)));
  // What is not shown is told as a number, and chosen by kind; a place to go on from there is none.
  return { items: picked.flat(), nextCursor: null, first: { totals } };
}

/** What each kind gets of the room: the small ones all they need, the large ones the rest in equal parts. */
function sharesOf(counts: readonly (readonly [string, number])[], most: number): ReadonlyMap<string, number> {
  const shares = new Map<string, number>();
  let left = most;
  let kinds = counts.length;
  for (const [kind, count] of counts.toSorted(([, one], [, other]) => one - other)) {
    const share = Math.min(count, Math.floor(left / kinds));
    left -= share;
    kinds -= 1;
    if (share > 0) shares.set(kind, share);
  }
  return shares;
}

async function some(client: GatewayClient, kind: string, most: number): Promise<readonly JsonObject[]> {
  const busy = kind === MANY.kind ? (await listOf(client, PATH, most, { kind, state: MANY.busy })).items : [];
  if (busy.length >= most) return busy;
  const known = new Set(busy.map((actor) => text(actor['address'])));
  const others = await listOf(client, PATH, most, { kind });
  return [...busy, ...others.items.filter((actor) => !known.has(text(actor['address'])))].slice(0, most);
}
