// SPDX-License-Identifier: Apache-2.0
// What the config means for a lane: limits, routing and prices as the one frozen value that lanes are given.

import { z } from 'zod';
import type { KeyBounds, LanePolicy } from '../actors/session/policy.ts';
import { IMAGE_SIZE, reservationOf, textSize, tokensOf, toolSize } from '../agent/estimate.ts';
import { summarySize } from '../agent/prepare.ts';
import { systemPrompt } from '../agent/prompt.ts';
import type { ToolRegistry } from '../agent/tools/registry.ts';
import type { Config } from '../config/schema.ts';
import type { ModelInfo } from '../providers/provider.ts';
import { knownCapabilities, knownModels } from '../providers/registry.ts';
import { type RoutableProvider, routeModel } from '../providers/router.ts';
import { BETWEEN_TEXTS, type SessionState, textsOf, turnImages, type WindowMessage } from '../stores/session-state.ts';
import { fallbackModel, providerTypes, reachable } from './config-scopes.ts';
import { type ModelPrices, modelPrices } from './model-prices.ts';
import { perConfig } from './per-config.ts';
import { PUBLISHED } from './published.ts';

/** Messages that may wait in one session, and the characters they may hold together. */
const WAITING_MOST = 64;
const WAITING_SIZE = 8 * 1_048_576;
/** Some 16 MiB a thread. */
const KEYS: KeyBounds = { most: 65_536, least: 64 };
const KeyBoundsSetting = z.strictObject({ most: z.int().min(1), least: z.int().min(1) });
/** Attempts without progress after which a turn is given up. */
const ATTEMPTS_MOST = 3;
/** Records after which a checkpoint is due. */
const CHECKPOINT_EVERY = 64;
/** Tokens kept free for an answer, and reserved for it, at most: models that may write a book seldom do. */
const ANSWER_TOKENS = 16_384;

/** What a model takes and gives, as far as it is known here. */
export type ModelSize = Pick<ModelInfo['capabilities'], 'maxContextTokens' | 'maxOutputTokens' | 'vision'>;

/** Looks up what a model, written `provider/model`, takes and gives. */
export function modelSizes(config: Config): (model: string) => ModelSize {
  const types = providerTypes(config);
  const sizes = new Map<string, ModelSize>();
  return (model) => {
    const before = sizes.get(model);
    if (before !== undefined) return before;
    const slash = model.indexOf('/');
    const name = model.slice(0, slash);
    const known = knownCapabilities(types.get(name) ?? name, model.slice(slash + 1));
    const { maxContextTokens, maxOutputTokens, vision } = known;
    const size = { maxContextTokens, maxOutputTokens: Math.min(maxOutputTokens, ANSWER_TOKENS), vision };
    if (sizes.size < SIZES_MOST) sizes.set(model, size);
    return size;
  };
}

/** Models remembered; names come from people. */
const SIZES_MOST = 1_024;

/** The same as {@link modelSizes}, of whichever configuration is in force when it is asked. */
export function currentSizes(house: { readonly config: Config }): (model: string) => ModelSize {
  const now = perConfig(house, modelSizes);
  return (model) => now()(model);
}

/** How a channel wants its answers; every one there is now shows Markdown. */
export const CHANNEL_HINTS = { markdown: true } as const;

const NOTHING: readonly WindowMessage[] = [];

const windowSize = ({ content, tool_calls, images }: WindowMessage): number =>
  textSize(content, tool_calls) + IMAGE_SIZE * (images?.length ?? 0);

/** Which models may be asked in a workspace, and which budgets that reaches: the same for turns and for what is beside them. */
export function modelRoutes(config: Config, prices: ModelPrices): Pick<LanePolicy, 'route' | 'failover' | 'budgets'> {
  const { models } = config;
  const providers: RoutableProvider[] = [...providerTypes(config)].map(([name, type]) => ({
    name,
    ...knownModels(type),
  }));
  const fallback = fallbackModel(config);
  const failover = models.failover.filter((name) => routeModel({ fallback: name }, providers).ok);
  return {
    route: ({ requested, session, workspace_id }) => {
      const workspace = models.overrides[workspace_id] || config.workspaces[workspace_id]?.model || '';
      const route = routeModel({ requested, session, workspace, fallback }, providers);
      return route.ok ? `${route.provider}/${route.model}` : route.failure;
    },
    // One that may not be used for its price is not asked in vain.
    failover: (workspace_id) => failover.filter((model) => prices.refusal(model, workspace_id) === undefined),
    budgets: (model, workspace_id) => {
      const price = prices.of(model);
      const priced = price === undefined || price.input > 0 || price.output > 0;
      const own = config.workspaces[workspace_id]?.budgets;
      return [
        ...(reachable(models.budgets, priced) ? ['global'] : []),
        ...(own !== undefined && reachable(own, priced) ? [workspace_id] : []),
      ];
    },
  };
}

/** Of a simulation, whose sessions are too short to forget any. */
function keyBounds(setting: string | undefined): KeyBounds {
  return PUBLISHED || setting === undefined ? KEYS : KeyBoundsSetting.parse(JSON.parse(setting));
}

/**
 * @param beside characters a turn's model is given besides what was said, see `equipmentSize`
 * @param approval whether a person is asked before a call runs; nobody ever when not given
 * @param paused whether no new turn is begun now; never when not given
 */
export function lanePolicy(
  config: Config,
  tools: ToolRegistry,
  prices = modelPrices(config),
  beside: (state: SessionState) => number = () => tools.offer().reduce((size, tool) => size + toolSize(tool), 0),
  approval: LanePolicy['approval'] = () => null,
  paused: LanePolicy['paused'] = () => false,
): LanePolicy {
  const { sessions, models, gateway, agent, approvals, outbox } = config;
  const system = systemPrompt(agent.persona, CHANNEL_HINTS).length;
  const sizeOf = modelSizes(config);

  const estimate = (state: SessionState): { tokens: number; cost_usd: number } => {
    const { turn } = state;
    let size = system + beside(state) + summarySize(state.summary?.summary);
    if (turn !== null) {
      for (const text of textsOf(turn)) size += text.length + BETWEEN_TEXTS.length;
      size += IMAGE_SIZE * turnImages(turn).length;
    }
    for (const one of state.window) size += windowSize(one);
    for (const one of turn?.said ?? NOTHING) size += windowSize(one);
    const model = state.turn?.model ?? '';
    const { maxContextTokens, maxOutputTokens } = sizeOf(model);
    return reservationOf(Math.min(tokensOf(size), maxContextTokens), maxOutputTokens, prices.of(model));
  };

  const policy: LanePolicy = {
    window: sessions.memory.active_window,
    waiting_most: WAITING_MOST,
    waiting_size: WAITING_SIZE,
    keys: keyBounds(process.env['SIGIL_KEYS']),
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
    ...modelRoutes(config, prices),
    estimate,
    approval,
    paused,
    approval_timeout: approvals.timeout,
    outbox_age: outbox.max_age,
    idempotent: (name) => tools.get(name)?.idempotent ?? false,
  };
  return Object.freeze(policy);
}
