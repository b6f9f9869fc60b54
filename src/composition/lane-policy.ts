// SPDX-License-Identifier: Apache-2.0
// What the config means for a lane: limits, routing and prices as the one frozen value that lanes are given.

import type { LanePolicy } from '../actors/session/policy.ts';
import { textSize, tokensOf, toolSize } from '../agent/estimate.ts';
import { systemPrompt } from '../agent/prompt.ts';
import type { ToolRegistry } from '../agent/tools/registry.ts';
import type { Config } from '../config/schema.ts';
import { priceOf } from '../providers/pricing.ts';
import { knownModels } from '../providers/registry.ts';
import { type RoutableProvider, routeModel } from '../providers/router.ts';
import type { SessionState, WindowMessage } from '../stores/fold.ts';

/** Messages that may wait in one session, and the characters they may hold together. */
const WAITING_MOST = 64;
const WAITING_SIZE = 8 * 1_048_576;
/** Attempts without progress after which a turn is given up. */
const ATTEMPTS_MOST = 3;
/** Records after which a checkpoint is due. */
const CHECKPOINT_EVERY = 64;
/** What a model may take and give when nothing more is known of it. */
export const MODEL_LIMITS = { context: 32_768, output: 1_024 } as const;

/** How a channel wants its answers; every one there is now shows Markdown. */
export const CHANNEL_HINTS = { markdown: true } as const;

/** The providers there are: the built-in one, and those configured. Name to type. */
export function providerTypes(config: Config): ReadonlyMap<string, string> {
  const types = new Map([['sigil', 'sigil']]);
  for (const [name, provider] of Object.entries(config.providers)) types.set(name, provider.type ?? name);
  return types;
}

/** The scopes that have a budget actor: all together, and each workspace with limits of its own. */
export function budgetScopes(config: Config): readonly string[] {
  const own = Object.entries(config.workspaces).filter(([, workspace]) => reachable(workspace.budgets, true));
  return ['global', ...own.map(([id]) => id)];
}

const NOTHING: readonly WindowMessage[] = [];

export function lanePolicy(config: Config, tools: ToolRegistry): LanePolicy {
  const { sessions, models, gateway, agent } = config;
  const providers: RoutableProvider[] = [...providerTypes(config)].map(([name, type]) => ({
    name,
    ...knownModels(type),
  }));
  const fixed =
    systemPrompt(agent.persona, CHANNEL_HINTS).length + tools.offer().reduce((size, tool) => size + toolSize(tool), 0);
  const prices = models.pricing;

  const estimate = (state: SessionState): { tokens: number; cost_usd: number } => {
    let size = fixed + (state.turn?.message.content.length ?? 0);
    for (const { content, tool_calls } of state.window) size += textSize(content, tool_calls);
    for (const { content, tool_calls } of state.turn?.said ?? NOTHING) size += textSize(content, tool_calls);
    const input = Math.min(tokensOf(size), MODEL_LIMITS.context);
    const price = priceOf(state.turn?.model ?? '', prices);
    const cost_usd = price === undefined ? 0 : (input * price.input + MODEL_LIMITS.output * price.output) / 1_000_000;
    return { tokens: input + MODEL_LIMITS.output, cost_usd };
  };

  const policy: LanePolicy = {
    window: sessions.memory.active_window,
    waiting_most: WAITING_MOST,
    waiting_size: WAITING_SIZE,
    max_tool_iterations: sessions.max_tool_iterations,
    max_tool_calls_per_turn: sessions.max_tool_calls_per_turn,
    max_tool_calls_per_session: sessions.max_tool_calls_per_session,
    per_session_tokens: (workspace_id) =>
      config.workspaces[workspace_id]?.budgets.per_session_tokens ?? models.budgets.per_session_tokens,
    turn_timeout: agent.turn_timeout,
    attempts_most: ATTEMPTS_MOST,
    checkpoint_every: CHECKPOINT_EVERY,
    idle_timeout: gateway.session_idle_timeout,
    awake_most: gateway.awake_max,
    route: ({ requested, session, workspace_id }) => {
      const workspace = models.overrides[workspace_id] || config.workspaces[workspace_id]?.model || '';
      const route = routeModel(
        { requested, session, workspace, fallback: models.default || 'sigil/offline' },
        providers,
      );
      return route.ok ? `${route.provider}/${route.model}` : route.failure;
    },
    estimate,
    budgets: (model, workspace_id) => {
      const price = priceOf(model, prices);
      const priced = price === undefined || price.input > 0 || price.output > 0;
      const own = config.workspaces[workspace_id]?.budgets;
      return [
        ...(reachable(models.budgets, priced) ? ['global'] : []),
        ...(own !== undefined && reachable(own, priced) ? [workspace_id] : []),
      ];
    },
    idempotent: (name) => tools.get(name)?.idempotent ?? false,
  };
  return Object.freeze(policy);
}

/** The limits of a workspace, or of all together, that a model's calls could reach. */
function reachable(limits: Limits, priced: boolean): boolean {
  if ((limits.per_hour_tokens ?? 0) > 0 || (limits.per_day_tokens ?? 0) > 0) return true;
  return priced && ((limits.per_hour_usd ?? 0) > 0 || (limits.per_day_usd ?? 0) > 0);
}

interface Limits {
  readonly per_hour_tokens?: number | undefined;
  readonly per_day_tokens?: number | undefined;
  readonly per_hour_usd?: number | undefined;
  readonly per_day_usd?: number | undefined;
}
