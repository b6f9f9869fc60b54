// SPDX-License-Identifier: Apache-2.0
// The gateway's store: the contracts kept in one process and over the bus, and what only one of them has to show.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { mintToken } from '../../src/composition/owner-token.ts';
import { mintCode } from '../../src/composition/pairing-code.ts';
import { realWorld } from '../../src/composition/real-world.ts';
import { type Config, ConfigSchema } from '../../src/config/schema.ts';
import { type LocalGateway, openGatewayStore } from '../../src/stores/sqlite/local-gateway-store.ts';
import {
  auditStoreContract,
  CONFIGURED,
  type OpenGateway,
  pairingStoreContract,
  tokenStoreContract,
  userStoreContract,
} from './gateway-contract.ts';
import { openMeshHouse } from './mesh-house.ts';
import { dumpRebuilt, dumpViews } from './store-house.ts';

const BY = { user_id: 'ada', via: '' };

function openLocal(dir: string, settings: Readonly<Record<string, unknown>> = CONFIGURED): LocalGateway {
  const config = ConfigSchema.parse({ storage: { durability: 'normal' }, ...settings }) as Config;
  const uuid = (): string => realWorld.uuid();
  const mints = {
    mint: () => mintToken(uuid),
    mintCode: (channel: string) => mintCode(channel, uuid, () => Date.now()),
  };
  return openGatewayStore({ config, clock: realWorld, now: () => Date.now(), uuid, ...mints }, dir);
}

const local: OpenGateway = async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-local-'));
  const gateway = openLocal(dir);
  const close = async (): Promise<void> => {
    await gateway.close();
    rmSync(dir, { recursive: true, force: true });
  };
  return { gateway, close };
};
const remote: OpenGateway = () => openMeshHouse(CONFIGURED);

for (const [name, open, runs] of [
  ['in one process', local, 1_000],
  ['over the bus', remote, 100],
] as const) {
  userStoreContract(name, open, runs);
  pairingStoreContract(name, open, runs);
  tokenStoreContract(name, open, runs);
  auditStoreContract(name, open);
}

describe('the store in a directory', () => {
  it('is the same after a restart, over checkpoints, and when gateway.db was deleted', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sigil-local-'));
    let gateway = openLocal(dir);
    for (let count = 0; count < 150; count += 1) {
      const id = `u${count}`;
      const identities = [{ channel: 'irc', platformId: id, displayName: '' }];
      await gateway.users.create({ id, name: `User ${count}`, identities }, BY);
      if (count % 3 === 0) await gateway.tokens.create({ userId: id, name: 'phone', permissions: null }, BY);
      if (count % 5 === 0) await gateway.users.delete(`u${count - 1}`, BY).catch(() => undefined);
    }
    const shown = async () => ({
      users: (await gateway.users.list({ limit: 200 })).items,
      tokens: (await gateway.tokens.list({}, { limit: 200 })).items,
      audit: (await gateway.auditLog.query({}, { limit: 200 })).items,
    });
    const before = await shown();
    expect(before.users.length).toBeGreaterThan(100);
    await gateway.close();
    expect(dumpRebuilt(dir)).toEqual(dumpViews(dir));
    for (const end of ['', '-wal', '-shm']) rmSync(join(dir, `gateway.db${end}`), { force: true });
    gateway = openLocal(dir);
    expect(await shown()).toEqual(before);
    // The owner, too, knows what was before its time.
    await expect(gateway.users.create({ id: 'u0' }, BY)).rejects.toThrow('already');
    const taken = { id: 'new', identities: [{ channel: 'irc', platformId: 'u0', displayName: '' }] };
    await expect(gateway.users.create(taken, BY)).rejects.toThrow('u0');
    await gateway.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('does not do what it cannot note', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sigil-local-'));
    const gateway = openLocal(dir);
    await gateway.users.create({ id: 'one' }, BY);
    const db = new Database(join(dir, 'journal.db'));
    db.exec(`CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the audit cannot be written'); END`);
    await expect(gateway.users.create({ id: 'two' }, BY)).rejects.toThrow('the audit cannot be written');
    await expect(gateway.users.delete('one', BY)).rejects.toThrow('the audit cannot be written');
    db.exec('DROP TRIGGER no');
    db.close();
    expect((await gateway.users.list()).items.map(({ id }) => id)).toEqual(['zoe', 'one']);
    await gateway.users.create({ id: 'two' }, BY);
    expect((await gateway.auditLog.verify()).broken).toBeNull();
    await gateway.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('refuses a backend there is none of, naming what there is', () => {
    const settings = { storage: { gateway: { backend: 'postgres' } } };
    expect(() => openLocal('/nowhere', settings)).toThrow(/no backend postgres; there is sqlite/);
  });
});
