// SPDX-License-Identifier: Apache-2.0
// Users, who they are elsewhere, pairings, codes, tokens, what each may do; and everything about somebody, exported and erased.

import { match, ok, strictEqual } from 'node:assert/strict';
import type { Part } from '../part.ts';
import { BEN, GUS } from '../stage.ts';

const ZOE = { id: 'zoe' };

export const usersPart: Part = async (walk, { house }) => {
  strictEqual((await walk.ok('createUser', { json: { id: 'zoe', name: 'Zoe' } })).body.role, 'member');
  await walk.refused('createUser', 'conflict', { json: ZOE });
  await walk.refused('createUser', 'forbidden', { json: ZOE, token: BEN });
  await walk.refused('createUser', 'validation_failed', { json: { id: 'Zoe!' } });
  strictEqual((await walk.ok('getUser', { params: ZOE })).body.name, 'Zoe');
  await walk.refused('getUser', 'not_found', { params: { id: 'nobody' } });
  strictEqual((await walk.ok('updateUser', { params: ZOE, json: { role: 'guest' } })).body.role, 'guest');
  await walk.refused('updateUser', 'validation_failed', { params: ZOE, json: { role: 'king' } });
  const ben = { id: 'ben' };
  match((await walk.refused('updateUser', 'conflict', { params: ben, json: { name: 'B' } })).body.detail, /config/);
  await walk.refused('deleteUser', 'conflict', { params: ben });
  ok((await walk.pages('listUsers')).length >= 2);
  await walk.refused('listUsers', 'forbidden', { token: BEN });

  const identity = { channel: 'webhook', platform_id: 'zoe/1', display_name: 'Zoe' };
  strictEqual((await walk.ok('linkIdentity', { params: ZOE, json: identity })).body.identities.length, 1);
  await walk.refused('linkIdentity', 'validation_failed', { params: ZOE, json: { channel: 'webhook' } });
  const linked = { params: { id: 'zoe', channel: 'webhook', platform_id: 'zoe/1' } };
  strictEqual((await walk.ok('unlinkIdentity', linked)).body.identities.length, 0);
  await walk.refused('unlinkIdentity', 'not_found', linked);

  const made: string[] = [];
  for (const n of [1, 2])
    made.push(
      (
        await walk.ok('createPairing', {
          json: { user_id: 'zoe', channel: 'hook', channel_type: 'webhook', channel_id: `c-${n}` },
        })
      ).body.id,
    );
  await walk.refused('createPairing', 'validation_failed', { json: { channel: 'hook' } });
  ok((await walk.pages('listPairings', { query: { user_id: 'zoe' } })).length === 2);
  await walk.refused('listPairings', 'forbidden', { token: BEN });
  const pairing = { params: { id: made[0] ?? '' } };
  strictEqual((await walk.ok('decidePairing', { ...pairing, json: { status: 'active' } })).body.status, 'active');
  await walk.refused('decidePairing', 'validation_failed', { ...pairing, json: { status: 'perhaps' } });
  await walk.ok('deletePairing', pairing);
  await walk.refused('deletePairing', 'not_found', pairing);
  const pairingCode = (await walk.ok('createPairingCode', { json: { channel: 'hook' } })).body;
  await walk.refused('createPairingCode', 'not_found', { json: { channel: 'nowhere' } });
  await walk.ok('deletePairingCode', { params: { id: pairingCode.id } });
  await walk.refused('deletePairingCode', 'not_found', { params: { id: pairingCode.id } });

  const token = (await walk.ok('createToken', { json: { user_id: 'zoe', name: 'phone' } })).body;
  await walk.ok('createToken', { json: { user_id: 'zoe', name: 'desk', permissions: [] } });
  await walk.refused('createToken', 'forbidden', { json: { user_id: 'zoe' }, token: BEN });
  await walk.refused('createToken', 'validation_failed', { json: { permissions: ['?'] } });
  strictEqual((await walk.pages('listTokens', { query: { user_id: 'zoe' } })).length, 2);
  await walk.refused('listTokens', 'forbidden', { query: { user_id: 'zoe' }, token: BEN });
  strictEqual((await house.person(token.token).chat('my cat is called Zebedee')).status, 200);
  await walk.ok('revokeToken', { params: { id: token.id } });
  await walk.refused('revokeToken', 'not_found', { params: { id: token.id } });
  await walk.refused('status', 'unauthenticated', { token: token.token });

  const link = (await walk.ok('createSignInLink')).body;
  await walk.refused('createSignInLink', 'validation_failed', { json: { why: 'so' } });
  const code = new URL(link.url).hash.replace('#code=', '');
  strictEqual((await walk.ok('signIn', { token: null, json: { code } })).status, 204);
  await walk.refused('signIn', 'unauthenticated', { token: null, json: { code } });
  strictEqual((await walk.ok('getSignedIn', { token: BEN })).body.user_id, 'ben');
  await walk.refused('getSignedIn', 'unauthenticated', { token: null });
  strictEqual((await walk.ok('signOut')).status, 204);
  await walk.refused('signOut', 'unauthenticated', { token: null });

  await walk.ok('listCapabilities');
  await walk.refused('listCapabilities', 'forbidden', { token: BEN });
  const query = { user: 'ben', workspace: 'lab', capability: 'tool.calculator' };
  await walk.ok('explainCapability', { query, token: BEN });
  await walk.refused('explainCapability', 'forbidden', { query, token: GUS });
  await walk.refused('explainCapability', 'validation_failed');

  const held = await walk.ok('exportUser', { params: ZOE });
  match(held.text, /Zebedee/);
  await walk.refused('exportUser', 'forbidden', { params: ZOE, token: BEN });
  await walk.refused('exportUser', 'not_found', { params: { id: 'nobody' } });
  await walk.refused('getErasure', 'not_found', { params: ZOE });
  await walk.refused('eraseUser', 'validation_failed', { params: ZOE, json: { confirm: 'zo' } });
  await walk.ok('eraseUser', { params: ZOE, json: { confirm: 'zoe' } });
  await walk.until('getErasure', { params: ZOE }, ({ body }) => body.status === 'done');

  await walk.ok('createUser', { json: { id: 'yan' } });
  await walk.ok('deleteUser', { params: { id: 'yan' } });
  await walk.refused('deleteUser', 'not_found', { params: { id: 'yan' } });
};
