// SPDX-License-Identifier: Apache-2.0
// Sessions that sleep, in the whole house: past the cap and after their idle time they leave memory, and answer as before.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../edge/client.ts';
import { closeHouses, type House, startHouse } from './house.ts';

let house: House;
beforeAll(async () => {
  house = await startHouse({ gateway: { threads: 1, awake_max: 5, session_idle_timeout: '1s' } });
});
afterAll(closeHouses);

/** Actors of a kind that live somewhere in the house now. */
async function alive(kind: string): Promise<number> {
  const { body } = await house.owner.get(`/debug/actors?kind=${kind}&limit=100`);
  return body.items.length;
}

describe('sessions asleep', () => {
  it('are out of memory, with their workspaces, and go on where they were', async () => {
    const numbers = Array.from({ length: 40 }, (_, at) => at);
    const sessions = await Promise.all(
      numbers.map(async (at) => {
        const { status, body } = await house.owner.chat(`what is ${at} + 1000?`);
        expect(status).toBe(200);
        expect(body.content).toContain(String(at + 1000));
        return body.session_id as string;
      }),
    );
    await until(async () => (await alive('session')) === 0 && (await alive('workspace')) === 0);

    for (const at of [0, 17, 39]) {
      const session_id = sessions[at] ?? '';
      const again = await house.owner.chat(`what is ${at} + 2000?`, { session_id });
      expect(again.body).toMatchObject({ session_id });
      const { body } = await house.owner.get(`/api/v1/sessions/${session_id}/messages`);
      const said = body.items.map(({ content }: { readonly content: string }) => content);
      expect(said[0]).toBe(`what is ${at} + 1000?`);
      expect(said.at(-1)).toContain(String(at + 2000));
    }
  });

  it('know a message they had before', async () => {
    const message = { message_id: 'known-message' };
    const first = await house.owner.chat('hello', message);
    await until(async () => (await alive('session')) === 0);
    const session_id = first.body.session_id as string;
    const again = await house.owner.chat('hello', { ...message, session_id });
    expect(again.body.turn_id).toBe(first.body.turn_id);
    const { body } = await house.owner.get(`/api/v1/sessions/${session_id}/messages`);
    expect(body.items.length).toBe(2);
  });
});
