// SPDX-License-Identifier: Apache-2.0
// What was done and what was used, after all the rest of the walk has done and used it.

import { ok, strictEqual } from 'node:assert/strict';
import type { Part } from '../part.ts';
import { BEN } from '../stage.ts';

export const auditPart: Part = async (walk) => {
  ok((await walk.pages('listAudit', { query: { action: 'token.created' } })).length >= 2);
  await walk.refused('listAudit', 'forbidden', { token: BEN });
  await walk.refused('listAudit', 'validation_failed', { query: { from: 'yesterday' } });
  const verified = (await walk.ok('verifyAudit')).body;
  strictEqual(verified.broken, null);
  await walk.refused('verifyAudit', 'validation_failed', { query: { kept: 'x' } });
  ok((await walk.pages('listUsage', { query: { by: 'workspace' } })).length >= 2);
  await walk.refused('listUsage', 'forbidden', { query: { by: 'session' }, token: BEN });
  await walk.refused('listUsage', 'validation_failed', { query: { by: 'moon' } });
};
