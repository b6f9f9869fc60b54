// SPDX-License-Identifier: Apache-2.0
// The audit, read and checked; and what was used, by whom and where.

import { permits } from '../../security/permission.ts';
import type { AuditEntry } from '../../stores/gateway-store.ts';
import type { Used, UsedSums } from '../../stores/usage-store.ts';
import { checkPermission } from '../access.ts';
import { readQuery } from '../body.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, type Exchange, json, type Route } from '../exchange.ts';
import { invalid } from '../problem.ts';
import { AuditsQuery, AuditVerifyQuery, UsageQuery } from '../schemas/directory.ts';
import type { AuditAnswer, UsagesAnswer, UsedAnswer } from '../schemas/directory-answers.ts';

const AUDIT = 'admin:audit';
const USAGE = 'admin:usage';

export function auditRoutes(edge: EdgeContext): readonly Route[] {
  return [
    { method: 'GET', path: '/api/v1/audit', needs: AUDIT, handle: (exchange) => entries(edge, exchange) },
    {
      method: 'GET',
      path: '/api/v1/audit/verify',
      needs: AUDIT,
      handle: (exchange) => verify(edge, exchange),
    },
    { method: 'GET', path: '/api/v1/usage', handle: (exchange) => usage(edge, exchange) },
  ];
}

const dateOf = (text: string | undefined): Date | undefined => (text === undefined ? undefined : new Date(text));

async function entries(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { action, actor, plugin, workspace, from, to, ...page } = readQuery(exchange, AuditsQuery);
  const filter = { action, actor, plugin, workspaceId: workspace, from: dateOf(from), to: dateOf(to) };
  const { items, next_cursor } = await edge.ports.gateway.auditLog.query(filter, page);
  return json({ items: items.map(shownEntry), next_cursor });
}

async function verify(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { kept } = readQuery(exchange, AuditVerifyQuery);
  const [n = '', hash = ''] = kept?.split(':') ?? [];
  return json(await edge.ports.gateway.auditLog.verify(kept === undefined ? undefined : { n: Number(n), hash }));
}

/** Everybody sees what they used themselves, their personal workspace too; all else needs a permission. */
async function usage(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { by, from, to, per, workspace, ...page } = readQuery(exchange, UsageQuery);
  const { caller } = exchange;
  if (workspace !== undefined && by === 'user')
    throw invalid([{ path: 'by', message: 'is `user`: what each used in one workspace is not kept' }]);
  const all = permits(caller.permissions, USAGE);
  const own = workspace === undefined ? !EVERYBODYS.has(by) : workspace === `personal:${caller.user_id}`;
  if (!all && !own) checkPermission(caller, USAGE);
  const filter = { by, from: dateOf(from), to: dateOf(to), per, workspaceId: workspace };
  const whose = all || workspace !== undefined ? {} : { userId: caller.user_id };
  const { items, next_cursor, totals } = await edge.ports.usage.query({ ...filter, ...whose }, page);
  const body: UsagesAnswer = {
    items: items.map(shownUse),
    next_cursor,
    totals: totals === null ? null : shownSums(totals),
  };
  return json(body);
}

/** What is not kept for each user apart. */
const EVERYBODYS: ReadonlySet<string> = new Set(['workspace', 'session']);

export function shownEntry({
  id,
  at,
  action,
  actor,
  plugin,
  workspaceId,
  sessionId,
  result,
  details,
  hash,
}: AuditEntry) {
  const place = { workspace_id: workspaceId, session_id: sessionId };
  const entry: AuditAnswer = { id, at: at.toISOString(), action, actor, plugin, ...place, result, details, hash };
  return entry;
}

export function shownUse(used: Used): UsedAnswer {
  return { key: used.key, hour: used.hour?.toISOString() ?? null, ...shownSums(used) };
}

function shownSums(used: UsedSums) {
  return {
    calls: used.calls,
    input_tokens: used.inputTokens,
    output_tokens: used.outputTokens,
    cache_read_tokens: used.cacheReadTokens,
    cache_write_tokens: used.cacheWriteTokens,
    settled_tokens: used.settledTokens,
    cost_usd: used.costUsd,
  };
}
