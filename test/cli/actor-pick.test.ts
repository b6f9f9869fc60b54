// SPDX-License-Identifier: Apache-2.0
// Which actors are shown of more than anybody reads.

import { expect, it } from 'vitest';
import { pickActors } from '../../src/cli/actor-pick.ts';
import type { GatewayClient } from '../../src/cli/client.ts';

/** A gateway with so many sessions, three of them at work, and a few of every other kind. */
function gateway(sessions: number): { readonly client: GatewayClient; readonly asked: string[] } {
  const all = [
    ...['budget/global', 'channel/http', 'gateway/root', 'store/journal', 'workspace/home'],
    ...Array.from({ length: sessions }, (_, at) => `session/${String(at).padStart(6, '0')}`),
  ].sort();
  const busy = new Set(['session/000700', 'session/000800', 'session/000900']);
  const by_kind: Record<string, number> = {};
  for (const address of all) {
    const kind = address.slice(0, address.indexOf('/'));
    by_kind[kind] = (by_kind[kind] ?? 0) + 1;
  }
  const asked: string[] = [];
  const get = async (path: string): Promise<unknown> => {
    asked.push(path);
    const query = new URL(path, 'http://gateway').searchParams;
    const kind = query.get('kind');
    const fitting = all.filter(
      (address) =>
        address > (query.get('cursor') ?? '') &&
        (kind === null || address.startsWith(`${kind}/`)) &&
        (query.get('state') === null || busy.has(address)),
    );
    const items = fitting.slice(0, Number(query.get('limit'))).map((address) => ({ address }));
    const next_cursor = fitting.length > items.length ? items.at(-1)?.address : null;
    return { items, next_cursor, totals: { actors: all.length, by_kind } };
  };
  return { client: { get } as unknown as GatewayClient, asked };
}

const addresses = ({ items }: { readonly items: readonly object[] }): readonly unknown[] =>
  items.map((item) => ('address' in item ? item.address : undefined));

it('shows all while they fit', async () => {
  const { client } = gateway(1_000);
  const picked = await pickActors(client, 1_005);
  expect(picked.items).toHaveLength(1_005);
});

it('shows some of every kind when they do not, those at work first, with few questions', async () => {
  const { client, asked } = gateway(100_000);
  const picked = await pickActors(client, 40);
  const shown = addresses(picked);
  expect(shown).toHaveLength(40);
  for (const one of ['budget/global', 'channel/http', 'gateway/root', 'store/journal', 'workspace/home'])
    expect(shown).toContain(one);
  expect(shown.filter((address) => String(address).startsWith('session/')).slice(0, 4)).toEqual([
    'session/000700',
    'session/000800',
    'session/000900',
    'session/000000',
  ]);
  expect(new Set(shown).size).toBe(40);
  expect(asked.length).toBeLessThan(12);
});

it('shows as many of one kind as there is room for', async () => {
  const { client } = gateway(2_000);
  const sessions = addresses(await pickActors(client, 300, 'session'));
  expect(sessions).toHaveLength(300);
  expect(sessions.every((address) => String(address).startsWith('session/'))).toBe(true);
  expect(addresses(await pickActors(client, 300, 'gateway'))).toEqual(['gateway/root']);
});
