// SPDX-License-Identifier: Apache-2.0
// What differs between two configurations, by key; and of every key whether it is applied while the gateway runs.

import type { Config } from './schema.ts';
import { type Draft, isMap, type Path, valueAt } from './walk.ts';

/** One configuration that took the place of another. */
export interface ConfigChange {
  readonly before: Config;
  readonly after: Config;
  /**
   * Dotted paths of every leaf or whole entry that differs; a list is one leaf. A secret whose reference reads the same and
   * leads to another value is among them, though `before` and `after` are equal there.
   */
  readonly keys: readonly string[];
}

/** `live`: applied while the gateway runs; `restart`: what was in force at the start stays until the next one. */
export type Effect = 'live' | 'restart';

/**
 * Every leaf of the schema. A map or list of entries (`providers`, `users`) stands for all that is in it. The reference page
 * and what waits for a restart are made of this; a test holds it complete.
 */
export const EFFECTS: Readonly<Record<string, Effect>> = {
  'networking.mode': 'restart',
  'networking.listen': 'restart',
  'networking.allowed_hosts': 'live',
  'networking.cors_origins': 'live',
  'networking.trusted_proxies': 'live',
  'networking.rate_limit_rps': 'live',
  'networking.rate_limit_burst': 'live',
  'networking.chat_rate_limit_rpm': 'live',
  'networking.chat_rate_limit_burst': 'live',
  'networking.chat_max_concurrent_streams': 'live',
  'networking.tailscale.hostname': 'restart',
  'networking.tailscale.auth_key': 'restart',
  'networking.tailscale.node_auth.required_tag': 'restart',
  'auth.mode': 'restart',
  'auth.tokens': 'live',
  'gateway.threads': 'restart',
  'gateway.io_threads': 'restart',
  'gateway.drain_timeout': 'live',
  'gateway.watchdog': 'live',
  // The memory a thread may take is computed of it when the thread is made.
  'gateway.awake_max': 'restart',
  'gateway.mailbox_capacity': 'restart',
  'gateway.session_idle_timeout': 'live',
  'storage.backend': 'restart',
  'storage.durability': 'restart',
  'storage.journal_retention': 'restart',
  'storage.session.backend': 'restart',
  'storage.memory.backend': 'restart',
  'storage.memory.knowledge.backend': 'restart',
  'storage.vector.backend': 'restart',
  'storage.vector.dimensions': 'restart',
  'storage.gateway.backend': 'restart',
  'storage.postgres.url': 'restart',
  'cluster.enabled': 'restart',
  'cluster.nats.servers': 'restart',
  providers: 'live',
  'models.default': 'live',
  'models.overrides': 'live',
  'models.failover': 'live',
  'models.pricing': 'live',
  'models.budgets.per_session_tokens': 'live',
  'models.budgets.per_hour_tokens': 'live',
  'models.budgets.per_day_tokens': 'live',
  'models.budgets.per_hour_usd': 'live',
  'models.budgets.per_day_usd': 'live',
  'models.budgets.unknown_price': 'live',
  'agent.persona': 'live',
  'agent.turn_timeout': 'live',
  'sessions.queue': 'live',
  'sessions.max_tool_iterations': 'live',
  'sessions.max_tool_calls_per_turn': 'live',
  'sessions.max_tool_calls_per_session': 'live',
  'sessions.tool_timeout': 'live',
  'sessions.mode': 'live',
  'sessions.memory.active_window': 'live',
  'sessions.memory.compaction.strategy': 'live',
  'sessions.memory.compaction.summary_model': 'live',
  'sessions.memory.compaction.batch_size': 'live',
  'sessions.memory.recent_store.max_messages': 'live',
  'sessions.memory.summaries.enabled': 'live',
  'sessions.memory.summaries.extract_facts': 'live',
  'sessions.memory.knowledge.enabled': 'live',
  'sessions.memory.embeddings.enabled': 'restart',
  'sessions.memory.embeddings.model': 'restart',
  workspaces: 'live',
  users: 'live',
  channels: 'live',
  'plugins.dir': 'restart',
  'plugins.trust': 'restart',
  'plugins.config': 'restart',
  'outbox.max_age': 'live',
  'approvals.timeout': 'live',
  'tools.web_fetch.enabled': 'live',
  'tools.exec_sandboxed.enabled': 'live',
  mcp: 'live',
  'secrets.backend': 'restart',
  'attachments.max_size': 'live',
  'attachments.types': 'live',
  'security.scanner.input': 'live',
  'security.scanner.tool': 'live',
  'security.scanner.output': 'live',
  'security.scanner.limits.max_content_length': 'live',
  'security.scanner.limits.max_tool_result_scan_size': 'live',
  'security.scanner.limits.max_tool_content_scan_size': 'live',
  'logging.level': 'live',
  'logging.format': 'restart',
  'telemetry.otlp_endpoint': 'restart',
  'telemetry.metrics': 'restart',
};

/** The effect of a key, or of the entry it lies in; undefined for what is no key. */
export function effectOf(path: Path): Effect | undefined {
  for (let length = path.length; length > 0; length--) {
    const effect = EFFECTS[path.slice(0, length).join('.')];
    if (effect !== undefined) return effect;
  }
  return undefined;
}

function same(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one)) {
    return Array.isArray(other) && one.length === other.length && one.every((item, at) => same(item, other[at]));
  }
  if (!isMap(one) || !isMap(other)) return false;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => same(ownOf(one, name), ownOf(other, name)));
}

function ownOf(map: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

function* differing(one: unknown, other: unknown, path: Path): Generator<Path> {
  if (!isMap(one) || !isMap(other)) {
    if (!same(one, other)) yield path;
    return;
  }
  for (const name of new Set([...Object.keys(one), ...Object.keys(other)]))
    yield* differing(ownOf(one, name), ownOf(other, name), [...path, name]);
}

/** The paths of every leaf or whole entry that differs: what stands on one side only is told as one. */
export function changedPaths(before: Config, after: Config): readonly Path[] {
  return before === after ? [] : [...differing(before, after, [])];
}

/** A path as {@link ConfigChange.keys} has it. */
export function dotted(path: Path): string {
  return path.join('.');
}

/** A value put into a frozen one, of which only the maps on the way are copied. */
function put(into: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const map = isMap(into) ? into : {};
  const now = ownOf(map, String(key));
  const next = put(now, rest, value);
  if (next === now) return into;
  const copy: Draft = { ...map };
  if (next === undefined) delete copy[String(key)];
  else copy[String(key)] = next;
  return Object.freeze(copy);
}

/** The configuration that can be in force now: what is wanted, but for what waits for a restart, which stays as it runs. */
export function inForce(running: Config, wanted: Config): Config {
  let config: unknown = wanted;
  for (const [row, effect] of Object.entries(EFFECTS)) {
    if (effect === 'live') continue;
    const path = row.split('.');
    const stays = valueAt(running, path);
    if (!same(stays, valueAt(wanted, path))) config = put(config, path, stays);
  }
  return config as Config;
}
