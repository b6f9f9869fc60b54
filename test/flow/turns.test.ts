// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, expect, it } from 'vitest';
import { closeHouses, type House, startHouse } from './house.ts';
let house: House;
beforeAll(async () => { house = await startHouse(); });
afterAll(closeHouses);
it('says', async () => {
  const s = await house.owner.stream('count to 3');
  console.log(JSON.stringify(await s.all()));
  const t = await house.owner.listen('/debug/actors/stream');
  const r = await house.owner.chat('what is 2*3 and what time is it?');
  console.log(JSON.stringify(r.body), r.status);
  console.log(JSON.stringify((await house.owner.get('/debug/turns/'+r.body.turn_id)).body));
  t.leave();
  console.log(t.events.map(e => `${e.data.at} ${e.data.address} ${e.data.event} ${e.data.from_state}>${e.data.to_state}`).join('\n'));
  console.log(JSON.stringify((await house.owner.get('/debug/actors/session/'+r.body.session_id)).body.recent));
  expect(1).toBe(1);
});
