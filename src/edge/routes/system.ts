// SPDX-License-Identifier: Apache-2.0
// The gateway about itself: health, readiness, status.

import type { BudgetStatus } from '../../actors/budget/protocol.ts';
import { address } from '../../bus/address.ts';
import { threadTotals } from '../actor-page.ts';
import { tryAsk } from '../ask.ts';
import type { EdgeContext } from '../context.ts';
import { type Answer, json, type Route } from '../exchange.ts';
import { runningServers } from '../mcp-view.ts';
import { openapiDocument } from '../openapi.ts';
import { Refusal } from '../problem.ts';
import { runningProviders } from '../provider-view.ts';
import type { ChannelItem, CompactionsItem, EmbeddingItem, StatusAnswer } from '../schemas/system.ts';
import { StatusStreams } from '../status-stream.ts';
import { threadItems } from '../threads.ts';
import { pausedItem } from './agent.ts';

/** Paths whose requests are not counted: whoever watches us asks often. */
export const UNCOUNTED_PATHS: ReadonlySet<string> = new Set(['/health', '/ready']);

export function systemRoutes(edge: EdgeContext): readonly Route[] {
  const changes = new StatusStreams(edge);
  return [
    { method: 'GET', path: '/health', open: true, handle: () => json({ status: 'ok' }) },
    { method: 'GET', path: '/ready', open: true, handle: () => readiness(edge) },
    { method: 'GET', path: '/api/v1/status', handle: () => status(edge) },
    { method: 'GET', path: '/api/v1/events', stream: true, handle: (exchange) => changes.open(exchange) },
    { method: 'GET', path: '/openapi.json', handle: async () => json(await openapiDocument()) },
  ];
}

function readiness(edge: EdgeContext): Answer {
  switch (edge.ports.state()) {
    case 'running':
      return json({ status: 'ready' });
    case 'draining':
      throw new Refusal('draining', 'The gateway is stopping.');
    default:
      throw new Refusal('overloaded', 'The gateway is still starting.');
  }
}

const UNREACHABLE = 'unreachable';

async function channels(edge: EdgeContext): Promise<readonly ChannelItem[]> {
  const { bus, channels: names } = edge.ports;
  return await Promise.all(
    names.map(async (name) => {
      const asked = await tryAsk(bus, address('channel', name), 'channel.status', {});
      return asked.ok ? asked.answer : { name, type: '', state: UNREACHABLE, received: 0, refused: 0 };
    }),
  );
}

const NOTHING = { tokens: 0, cost_usd: 0 };
const NO_SPAN = { hour: NOTHING, day: NOTHING };

async function budgets(edge: EdgeContext): Promise<readonly BudgetStatus[]> {
  const { bus, budgets: scopes } = edge.ports;
  return await Promise.all(
    scopes.map(async (scope) => {
      const asked = await tryAsk(bus, address('budget', scope), 'budget.status', {});
      return asked.ok ? asked.answer : { scope, state: UNREACHABLE, limits: NO_SPAN, used: NO_SPAN, reserved: NOTHING };
    }),
  );
}

async function embeddings({ ports: { bus, world } }: EdgeContext): Promise<readonly EmbeddingItem[]> {
  const asked = await tryAsk(bus, address('store', 'views'), 'views.embedding', {});
  if (!asked.ok) return [];
  const now = world.now();
  return asked.answer.models.map(({ retry_in_ms, last_error, ...model }) => ({
    ...model,
    retry_at: retry_in_ms === null ? null : world.iso(now + retry_in_ms),
    last_error:
      last_error === null
        ? null
        : { code: last_error.code, message: last_error.message, at: world.iso(now - last_error.ago_ms) },
  }));
}

/** Failures told of. */
const FAILED_TOLD = 10;
const NO_COMPACTIONS: CompactionsItem = { running: 0, failed: 0, given_up: 0, newest: [] };

async function compactions({ ports: { bus, world } }: EdgeContext): Promise<CompactionsItem> {
  const body = { limit: FAILED_TOLD, after: 0 } as const;
  const asked = await tryAsk(bus, address('store', 'read'), 'compaction.open', body);
  if (!asked.ok) return NO_COMPACTIONS;
  const { counts, items } = asked.answer;
  const newest = items.flatMap(({ state, retry_at, at, ...item }) =>
    state === 'failed' || state === 'given_up'
      ? [{ ...item, state, retry_at: retry_at === null ? null : world.iso(retry_at), at: world.iso(at) }]
      : [],
  );
  return { running: counts.called + counts.stored, failed: counts.failed, given_up: counts.given_up, newest };
}

function writtenConfig({
  configuration,
  world,
}: EdgeContext['ports']): Pick<StatusAnswer, 'restart_pending' | 'config'> {
  const none = { file: null, applied_at: world.iso(world.now()), restart_pending: [], errors: [], errors_at: null };
  const { restart_pending, ...config } = configuration?.status() ?? none;
  return { restart_pending, config };
}

/** Everything is asked at once and for a second at most: one part that does not answer never hides the others. */
async function status(edge: EdgeContext): Promise<Answer> {
  const { ports } = edge;
  const [root, threads, totals, allChannels, providers, mcp, allBudgets, allEmbeddings, allCompactions] =
    await Promise.all([
      tryAsk(ports.bus, address('gateway', 'root'), 'gateway.status', {}),
      threadItems(ports),
      threadTotals(ports),
      channels(edge),
      runningProviders(ports),
      runningServers(ports),
      budgets(edge),
      embeddings(edge),
      compactions(edge),
    ]);
  const known = root.ok ? root.answer : { state: UNREACHABLE, quarantined: [], restarts: [] };
  const quarantined = [...ports.quarantined, ...known.quarantined];
  const body: StatusAnswer = {
    version: ports.version,
    commit: ports.commit,
    uptime_s: edge.uptime,
    state: known.state,
    url: edge.url,
    threads,
    actors: { total: totals.actors, by_kind: totals.by_kind },
    channels: allChannels,
    providers,
    mcp,
    budgets: allBudgets,
    embeddings: allEmbeddings,
    compactions: allCompactions,
    quarantined: [...new Map(quarantined.map((part) => [part.what, part])).values()],
    restarts: known.restarts,
    ...writtenConfig(ports),
    paused: pausedItem(ports),
  };
  return json(body);
}
