// SPDX-License-Identifier: Apache-2.0
// What every implementation of the gateway's store keeps: one suite for each interface, given a way to open one.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SigilError } from '../../src/errors.ts';
import type { Actor } from '../../src/stores/directory-commands.ts';
import type {
  AuditEntry,
  GatewayStore,
  Identity,
  ListRequest,
  Pairing,
  PairingStore,
  User,
  UserStore,
} from '../../src/stores/gateway-store.ts';
import type { Page } from '../../src/stores/page.ts';
import { usualRuns } from '../drawn.ts';

export type OpenGateway = () => Promise<{ readonly gateway: GatewayStore; close(): Promise<void> }>;

/** What a factory's configuration has to hold. */
export const CONFIGURED = {
  users: [{ id: 'zoe', name: 'Zoe', role: 'admin', identities: [{ channel: 'telegram', platform_id: '1' }] }],
  auth: { tokens: [{ token: 'a-configured-token', user_id: 'monitor', name: 'watch', permissions: ['admin:debug'] }] },
} as const;

const BY: Actor = { user_id: 'ada', via: 'laptop' };

/** The code an attempt is refused with, or `ok`. */
async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return 'ok';
  } catch (thrown) {
    if (thrown instanceof SigilError) return thrown.failure.code;
    throw thrown;
  }
}

/** The same of several that are begun at once. */
function codesOf(...attempts: readonly Promise<unknown>[]): Promise<string[]> {
  return Promise.all(attempts.map(codeOf));
}

async function allOf<T>(list: (request: ListRequest) => Promise<Page<T>>, limit = 200): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await list({ limit, cursor });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}

function withGateway(open: OpenGateway): () => GatewayStore {
  let opened: Awaited<ReturnType<OpenGateway>> | undefined;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(async () => await opened?.close());
  return () => {
    if (opened === undefined) throw new Error('not open');
    return opened.gateway;
  };
}

const identity = (channel: string, platformId: string): Identity => ({ channel, platformId, displayName: platformId });

/** @param runs of the property against a plain model */
export function userStoreContract(name: string, open: OpenGateway, runs: number): void {
  describe(`users, ${name}`, () => {
    const gateway = withGateway(open);
    const users = (): UserStore => gateway().users;

    it('creates, gets, changes and deletes', async () => {
      const before = Date.now();
      const made = await users().create({ id: 'bo', name: 'Bo', identities: [identity('irc', 'bo!')] }, BY);
      expect(made).toMatchObject({ id: 'bo', name: 'Bo', role: 'member', sessionMode: null, configured: false });
      expect(made.createdAt).toBeInstanceOf(Date);
      expect(made.createdAt?.getTime()).toBeGreaterThanOrEqual(before);
      expect(await users().get('bo')).toEqual(made);
      expect(await users().getByIdentity('irc', 'bo!')).toEqual(made);
      const changed = await users().update('bo', { role: 'guest', sessionMode: 'per_channel' }, BY);
      expect(changed).toMatchObject({
        name: 'Bo',
        role: 'guest',
        sessionMode: 'per_channel',
        createdAt: made.createdAt,
      });
      expect(await users().get('bo')).toEqual(changed);
      // What changes nothing is not written.
      expect(await users().update('bo', { role: 'guest' }, BY)).toEqual(changed);
      expect(await users().update('bo', { sessionMode: null }, BY)).toMatchObject({ sessionMode: null });
      await users().delete('bo', BY);
      expect(await codeOf(users().get('bo'))).toBe('not_found');
      expect(await users().getByIdentity('irc', 'bo!')).toBeNull();
      const gone = await codesOf(users().update('bo', { name: '' }, BY), users().delete('bo', BY));
      expect(gone).toEqual(['not_found', 'not_found']);
      expect(await codeOf(users().link('bo', identity('irc', 'x'), BY))).toBe('not_found');
    });

    it('keeps an identity to one user', async () => {
      await users().create({ id: 'cy', identities: [identity('irc', 'cy'), identity('irc', 'cy2')] }, BY);
      await users().create({ id: 'di' }, BY);
      expect(await codeOf(users().create({ id: 'cy' }, BY))).toBe('conflict');
      expect(await codeOf(users().create({ id: 'ed', identities: [identity('irc', 'cy')] }, BY))).toBe('conflict');
      const twice = [identity('irc', 'ed'), identity('irc', 'ed')];
      expect(await codeOf(users().create({ id: 'ed', identities: twice }, BY))).toBe('conflict');
      expect(await codeOf(users().link('di', identity('irc', 'cy'), BY))).toBe('conflict');
      // The same again is no conflict, and the same id on another platform is another identity.
      expect(await users().link('cy', identity('irc', 'cy'), BY)).toMatchObject({ identities: { length: 2 } });
      expect((await users().link('di', identity('xmpp', 'cy'), BY)).identities).toEqual([identity('xmpp', 'cy')]);
      expect(await codeOf(users().unlink('di', 'irc', 'cy', BY))).toBe('not_found');
      expect((await users().unlink('cy', 'irc', 'cy', BY)).identities).toEqual([identity('irc', 'cy2')]);
      expect((await users().link('di', identity('irc', 'cy'), BY)).identities).toHaveLength(2);
      expect((await users().getByIdentity('irc', 'cy'))?.id).toBe('di');
    });

    it('has those of the configuration, and leaves them alone', async () => {
      const zoe = await users().get('zoe');
      expect(zoe).toMatchObject({ name: 'Zoe', role: 'admin', configured: true, createdAt: null, updatedAt: null });
      expect(await users().getByIdentity('telegram', '1')).toEqual(zoe);
      const codes = await codesOf(
        users().create({ id: 'zoe' }, BY),
        users().update('zoe', { role: 'owner' }, BY),
        users().delete('zoe', BY),
        users().link('zoe', identity('irc', 'zoe'), BY),
        users().create({ id: 'zed', identities: [identity('telegram', '1')] }, BY),
      );
      expect(new Set(codes)).toEqual(new Set(['conflict']));
      await expect(users().delete('zoe', BY)).rejects.toThrow('written in the configuration file');
    });

    it('lists the configured first, then by id, in pages of any size', async () => {
      for (let count = 0; count < 5; count += 1) await users().create({ id: `p${count}` }, BY);
      const all = await allOf((request) => users().list(request));
      const ids = all.map(({ id }) => id);
      expect(ids[0]).toBe('zoe');
      expect(ids.slice(1)).toEqual([...ids.slice(1)].sort());
      for (const limit of [1, 2, 3]) expect(await allOf((request) => users().list(request), limit)).toEqual(all);
      expect(await codeOf(users().list({ cursor: 'bm8' }))).toBe('validation_failed');
    });

    it('two who create the same at once: one of them has it', async () => {
      const codes = await Promise.all([1, 2, 3].map(() => codeOf(users().create({ id: 'race' }, BY))));
      expect(codes.sort()).toEqual(['conflict', 'conflict', 'ok']);
    });

    type Step =
      | { readonly do: 'create'; readonly user: number; readonly known: readonly number[] }
      | { readonly do: 'rename'; readonly user: number; readonly name: string }
      | { readonly do: 'link' | 'unlink'; readonly user: number; readonly as: number }
      | { readonly do: 'delete'; readonly user: number };
    const user = fc.nat({ max: 2 });
    const step: fc.Arbitrary<Step> = fc.oneof(
      fc.record({ do: fc.constant('create' as const), user, known: fc.array(fc.nat({ max: 3 }), { maxLength: 2 }) }),
      fc.record({ do: fc.constant('rename' as const), user, name: fc.string({ unit: 'grapheme', maxLength: 4 }) }),
      fc.record({ do: fc.constantFrom('link' as const, 'unlink' as const), user, as: fc.nat({ max: 3 }) }),
      fc.record({ do: fc.constant('delete' as const), user }),
    );
    it('agrees with a plain model', { timeout: 60_000 }, async () => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
          run += 1;
          const channel = `r${run}`;
          const idOf = (of: number): string => `${channel}-u${of}`;
          const as = (of: number): Identity => identity(channel, `i${of}`);
          const model = new Map<string, { name: string; known: number[] }>();
          const ownerOf = (of: number) => [...model].find(([, { known }]) => known.includes(of))?.[0];
          const expected: string[] = [];
          const asked: Promise<string>[] = [];
          for (const one of steps) {
            const id = idOf(one.user);
            const known = model.get(id);
            switch (one.do) {
              case 'create': {
                const twice = new Set(one.known).size < one.known.length;
                const taken = known !== undefined || twice || one.known.some((of) => ownerOf(of) !== undefined);
                expected.push(taken ? 'conflict' : 'ok');
                if (!taken) model.set(id, { name: '', known: [...one.known] });
                asked.push(codeOf(users().create({ id, identities: one.known.map(as) }, BY)));
                break;
              }
              case 'rename':
                expected.push(known === undefined ? 'not_found' : 'ok');
                if (known !== undefined) known.name = one.name;
                asked.push(codeOf(users().update(id, { name: one.name }, BY)));
                break;
              case 'link': {
                const owner = ownerOf(one.as);
                expected.push(
                  known === undefined ? 'not_found' : owner !== undefined && owner !== id ? 'conflict' : 'ok',
                );
                if (known !== undefined && owner === undefined) known.known.push(one.as);
                asked.push(codeOf(users().link(id, as(one.as), BY)));
                break;
              }
              case 'unlink':
                expected.push(known?.known.includes(one.as) === true ? 'ok' : 'not_found');
                if (known !== undefined) known.known = known.known.filter((of) => of !== one.as);
                asked.push(codeOf(users().unlink(id, channel, as(one.as).platformId, BY)));
                break;
              case 'delete':
                expected.push(known === undefined ? 'not_found' : 'ok');
                model.delete(id);
                asked.push(codeOf(users().delete(id, BY)));
            }
          }
          expect(await Promise.all(asked)).toEqual(expected);
          const stored: (User | string)[] = await Promise.all(
            [0, 1, 2].map((of) =>
              users()
                .get(idOf(of))
                .catch(() => 'none'),
            ),
          );
          for (const user of [0, 1, 2]) {
            const want = model.get(idOf(user));
            const identities = want?.known.map(as);
            if (want === undefined) expect(stored[user]).toBe('none');
            else expect(stored[user]).toMatchObject({ name: want.name, identities });
          }
          const owners = await Promise.all([0, 1, 2, 3].map((of) => users().getByIdentity(channel, `i${of}`)));
          expect(owners.map((one) => one?.id)).toEqual([0, 1, 2, 3].map(ownerOf));
        }),
        { numRuns: usualRuns(runs) },
      );
    });
  });
}

export function pairingStoreContract(name: string, open: OpenGateway, runs: number): void {
  describe(`pairings, ${name}`, () => {
    const gateway = withGateway(open);
    const pairings = (): PairingStore => gateway().pairings;
    const fresh = (channelId: string, more: Partial<Pairing> = {}) => {
      const where = { channel: 'tg-main', channelType: 'telegram', channelId, workspaceId: '' };
      return { userId: 'zoe', ...where, status: 'pending' as const, ...more };
    };

    it('creates, finds, changes and deletes', async () => {
      const made = await pairings().create(fresh('c1', { workspaceId: 'homelab' }), BY);
      expect(made).toMatchObject(fresh('c1', { workspaceId: 'homelab' }));
      expect(made.createdAt).toBeInstanceOf(Date);
      expect(await pairings().get(made.id)).toEqual(made);
      expect(await pairings().getByChannel('tg-main', 'c1')).toEqual(made);
      expect(await pairings().getByChannel('tg-other', 'c1')).toBeNull();
      expect(await pairings().setStatus(made.id, 'active', BY)).toEqual({ ...made, status: 'active' });
      expect((await pairings().getByUser('zoe')).items).toEqual([{ ...made, status: 'active' }]);
      expect((await pairings().list({ status: 'pending' })).items).toEqual([]);
      await pairings().delete(made.id, BY);
      const gone = await codesOf(
        pairings().get(made.id),
        pairings().delete(made.id, BY),
        pairings().setStatus(made.id, 'denied', BY),
      );
      expect(new Set(gone)).toEqual(new Set(['not_found']));
      expect(await pairings().getByChannel('tg-main', 'c1')).toBeNull();
    });

    it('makes a user of whoever is let in and is nobody yet', async () => {
      const made = await pairings().create(fresh('c9', { userId: '', displayName: 'Nia' }), BY);
      const active = await pairings().setStatus(made.id, 'active', BY);
      const { userId } = active;
      expect(await gateway().users.get(userId)).toMatchObject({
        ...{ name: 'Nia', role: 'member' },
        identities: [{ channel: 'telegram', platformId: 'c9', displayName: 'Nia' }],
      });
      // The same person by another channel of the platform.
      const other = await pairings().create(
        { ...fresh('c9', { userId: '', status: 'active' }), channel: 'tg-two' },
        BY,
      );
      expect(other.userId).toBe(userId);
      await gateway().users.delete(userId, BY);
      expect((await pairings().getByUser(userId)).items).toEqual([]);
    });

    it('lets somebody have one on a channel', async () => {
      const made = await pairings().create(fresh('c2', { userId: '' }), BY);
      expect(await codeOf(pairings().create(fresh('c2'), BY))).toBe('conflict');
      expect(await codeOf(pairings().create(fresh('c3', { userId: 'nobody' }), BY))).toBe('not_found');
      expect(await codeOf(pairings().setStatus(made.id, 'active', BY, 'nobody'))).toBe('not_found');
      expect(await pairings().setStatus(made.id, 'active', BY, 'zoe')).toMatchObject({
        userId: 'zoe',
        status: 'active',
      });
      await pairings().delete(made.id, BY);
    });

    it('go with their user, as tokens do', async () => {
      const { users, tokens } = gateway();
      await users.create({ id: 'fay' }, BY);
      await pairings().create(fresh('c4', { userId: 'fay' }), BY);
      await tokens.create({ userId: 'fay', name: 'phone', permissions: null }, BY);
      expect((await tokens.list({ userId: 'fay' })).items).toHaveLength(1);
      await users.delete('fay', BY);
      expect(await pairings().getByChannel('tg-main', 'c4')).toBeNull();
      expect((await pairings().getByUser('fay')).items).toEqual([]);
      expect((await tokens.list({ userId: 'fay' })).items).toEqual([]);
    });

    const conversation = fc.nat({ max: 2 });
    const step = fc.oneof(
      fc.record({
        do: fc.constant('create' as const),
        conversation,
        status: fc.constantFrom('pending' as const, 'denied' as const, 'active' as const),
      }),
      fc.record({
        do: fc.constant('set' as const),
        conversation,
        status: fc.constantFrom('active' as const, 'denied' as const),
      }),
      fc.record({ do: fc.constant('delete' as const), conversation }),
    );
    it('agrees with a plain model, listed oldest first', { timeout: 60_000 }, async () => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
          run += 1;
          const channel = `r${run}`;
          const model: { conversation: number; status: string }[] = [];
          const ids = new Map<number, string>();
          for (const one of steps) {
            const known = model.find((pairing) => pairing.conversation === one.conversation);
            const id = ids.get(one.conversation) ?? 'none';
            if (one.do === 'create') {
              const attempt = pairings().create(fresh(`c${one.conversation}`, { channel, status: one.status }), BY);
              expect(await codeOf(attempt)).toBe(known === undefined ? 'ok' : 'conflict');
              if (known !== undefined) continue;
              model.push({ conversation: one.conversation, status: one.status });
              ids.set(one.conversation, (await attempt).id);
            } else if (one.do === 'set') {
              expect(await codeOf(pairings().setStatus(id, one.status, BY))).toBe(known ? 'ok' : 'not_found');
              if (known !== undefined) known.status = one.status;
            } else {
              expect(await codeOf(pairings().delete(id, BY))).toBe(known ? 'ok' : 'not_found');
              if (known !== undefined) model.splice(model.indexOf(known), 1);
              ids.delete(one.conversation);
            }
          }
          const shown = (items: readonly Pairing[]) => items.map(({ channelId, status }) => [channelId, status]);
          const want = model.map(({ conversation: of, status }) => [`c${of}`, status]);
          expect(shown((await pairings().list({ channel })).items)).toEqual(want);
          const active = (await pairings().list({ channel, status: 'active', userId: 'zoe' }, { limit: 1 })).items;
          expect(shown(active)).toEqual(want.filter(([, status]) => status === 'active').slice(0, 1));
        }),
        { numRuns: usualRuns(runs) },
      );
    });
  });
}

export function tokenStoreContract(name: string, open: OpenGateway, runs: number): void {
  describe(`tokens, ${name}`, () => {
    const gateway = withGateway(open);

    it('tells a token once and keeps what cannot be told', async () => {
      const { tokens } = gateway();
      const { token, secret } = await tokens.create(
        { userId: 'owner', name: 'phone', permissions: ['admin:debug'], expiresAt: Date.UTC(2100, 0, 1) },
        BY,
      );
      expect(token.expiresAt?.toISOString()).toBe('2100-01-01T00:00:00.000Z');
      expect(secret).toMatch(new RegExp(`^sigil_${token.id}_[A-Za-z0-9_-]{43}$`));
      expect(token).toMatchObject({ userId: 'owner', name: 'phone', permissions: ['admin:debug'], lastUsedAt: null });
      const listed = (await tokens.list()).items;
      expect(listed).toContainEqual(token);
      expect(JSON.stringify(listed)).not.toContain(secret.slice(-43));
      expect(listed[0]).toMatchObject({ id: 'config-0', userId: 'monitor', configured: true, createdAt: null });
      expect(JSON.stringify(listed)).not.toContain('a-configured-token');
      await tokens.revoke(token.id, BY);
      expect(await codeOf(tokens.revoke(token.id, BY))).toBe('not_found');
      expect(await codeOf(tokens.revoke('config-0', BY))).toBe('conflict');
      expect(await codeOf(tokens.create({ userId: 'nobody', name: '', permissions: null }, BY))).toBe('not_found');
      expect((await tokens.list({ userId: 'owner' })).items).toEqual([]);
      const log = JSON.stringify((await gateway().auditLog.query({})).items);
      expect(log).toContain('token.created');
      expect(log).not.toContain(secret.slice(-43));
    });

    it('agrees with a plain model', { timeout: 60_000 }, async () => {
      const { tokens } = gateway();
      const model: { id: string; name: string; permissions: readonly string[] | null }[] = [];
      const step = fc.oneof(
        fc.record({
          name: fc.string({ maxLength: 5 }),
          permissions: fc.option(fc.array(fc.constantFrom('admin:debug', 'workspace:a'), { maxLength: 2 })),
        }),
        fc.record({ revoke: fc.nat({ max: 3 }) }),
      );
      await fc.assert(
        fc.asyncProperty(step, async (one) => {
          if ('revoke' in one) {
            const [gone] = model.splice(one.revoke, 1);
            expect(await codeOf(tokens.revoke(gone?.id ?? 'none', BY))).toBe(gone === undefined ? 'not_found' : 'ok');
          } else {
            const { token } = await tokens.create({ userId: 'monitor', ...one }, BY);
            model.push({ id: token.id, ...one });
            // Kept short, so that a list is not what this is about.
            if (model.length > 6) await tokens.revoke(model.shift()?.id ?? '', BY);
          }
          const listed = (await tokens.list({ userId: 'monitor' })).items.filter(({ configured }) => !configured);
          expect(listed.map(({ id, name: of, permissions }) => ({ id, name: of, permissions }))).toEqual(model);
        }),
        { numRuns: usualRuns(runs) },
      );
    });
  });
}

export function auditStoreContract(name: string, open: OpenGateway): void {
  describe(`audit, ${name}`, () => {
    const gateway = withGateway(open);

    it('has an entry for every change, with who did it, and none for what was refused', async () => {
      const { users, pairings, tokens, auditLog } = gateway();
      await users.create({ id: 'gil', name: 'Gil the Great', identities: [identity('irc', 'gil-on-irc')] }, BY);
      await users.update('gil', { role: 'guest' }, BY);
      await users.link('gil', identity('xmpp', 'gil@x'), BY);
      await users.unlink('gil', 'xmpp', 'gil@x', BY);
      await codeOf(users.create({ id: 'gil' }, BY));
      const where = { channel: 'tg', channelType: 'telegram', channelId: 'c', workspaceId: '' };
      const pairing = await pairings.create({ userId: 'gil', ...where, status: 'pending' }, BY);
      await pairings.setStatus(pairing.id, 'active', { user_id: 'eve', via: '' });
      await pairings.delete(pairing.id, BY);
      const { token } = await tokens.create({ userId: 'gil', name: 'phone', permissions: null }, BY);
      await tokens.revoke(token.id, BY);
      await users.delete('gil', BY);
      await auditLog.note({ action: 'secret.set', details: { name: 'OPENAI' }, workspaceId: 'homelab' }, BY);
      const all = await allOf((request) => auditLog.query({}, request), 3);
      expect(all.map(({ action }) => action).reverse()).toEqual([
        'user.created',
        'user.changed',
        'identity.linked',
        'identity.unlinked',
        'pairing.created',
        'pairing.changed',
        'pairing.deleted',
        'token.created',
        'token.revoked',
        'user.deleted',
        'secret.set',
      ]);
      const [first] = all.slice(-1) as [AuditEntry];
      expect(first).toMatchObject({ id: 1, actor: 'ada', details: { id: 'gil', via: 'laptop' }, result: 'ok' });
      expect(first.at).toBeInstanceOf(Date);
      // Nothing in it is about anybody but the ids that were given: it cannot be erased.
      expect(JSON.stringify(all)).not.toMatch(/gil-on-irc|gil@x|Gil the Great/);
      const of = async (filter: Parameters<typeof auditLog.query>[0]) => (await auditLog.query(filter)).items.length;
      expect(await of({ actor: 'eve' })).toBe(1);
      expect(await of({ action: 'token.created', actor: 'ada' })).toBe(1);
      expect(await of({ workspaceId: 'homelab' })).toBe(1);
      expect(await of({ to: first.at })).toBe(0);
      expect(await of({ from: first.at })).toBe(11);
      const kept = { n: 4, hash: all[7]?.hash ?? '' };
      expect(await auditLog.verify(kept)).toMatchObject({ broken: null });
      expect((await auditLog.verify({ ...kept, n: 5 })).broken).toMatchObject({ n: 5, problem: 'changed' });
      expect((await auditLog.verify({ ...kept, n: 99 })).broken).toMatchObject({ n: 12, problem: 'removed' });
      expect(await auditLog.verify()).toMatchObject({ checked: 11, broken: null, head: { n: 11, hash: all[0]?.hash } });
    });

    it('refuses a note that is too long, and nothing else with it', async () => {
      const { users, auditLog } = gateway();
      const long = auditLog.note({ action: 'x', details: { text: 'x'.repeat(70_000) } }, BY);
      const codes = await Promise.all([codeOf(users.create({ id: 'hal' }, BY)), codeOf(long)]);
      expect(codes).toEqual(['ok', 'validation_failed']);
    });
  });
}
