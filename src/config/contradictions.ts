// SPDX-License-Identifier: Apache-2.0
// Settings that are each allowed and together make no sense: said as warnings, for everything runs all the same.

import { type Locate, placeText, type Warning } from './problems.ts';
import type { Config } from './schema.ts';
import { formatDuration } from './units.ts';
import { isMap, type Path, pathText, valueAt } from './walk.ts';

type Say = (path: Path, words: string) => void;

/** A limit that cannot be reached, because another one ends the same thing earlier. Zero is no limit. */
function above(limit: unknown, other: unknown): boolean {
  return typeof limit === 'number' && typeof other === 'number' && limit > other && other > 0;
}

const HOUR_AND_DAY = [
  ['per_hour_tokens', 'per_day_tokens'],
  ['per_hour_usd', 'per_day_usd'],
] as const;
const BUDGETS = ['per_session_tokens', 'per_hour_tokens', 'per_day_tokens', 'per_hour_usd', 'per_day_usd'] as const;

/** Only limits that somebody wrote: nobody is to hear of a default. */
function budgets(data: unknown, { models, workspaces }: Config, say: Say): void {
  const places: readonly Path[] = [
    ['models', 'budgets'],
    ...Object.keys(workspaces).map((id): Path => ['workspaces', id, 'budgets']),
  ];
  for (const place of places) {
    for (const [hour, day] of HOUR_AND_DAY) {
      const [a, b] = [valueAt(data, [...place, hour]), valueAt(data, [...place, day])];
      if (above(a, b)) say([...place, hour], `${a} an hour is never reached, for ${day} allows ${b} a day`);
    }
  }
  for (const id of Object.keys(workspaces)) {
    for (const key of BUDGETS) {
      const path = ['workspaces', id, 'budgets', key];
      const [own, all] = [valueAt(data, path), models.budgets[key]];
      if (key !== 'per_session_tokens' && above(own, all))
        say(path, `${own} is never reached, for models.budgets.${key} allows ${all} to all workspaces together`);
    }
  }
}

function repeats(list: unknown, place: Path, what: string, say: Say): void {
  if (!Array.isArray(list)) return;
  const seen = new Set<unknown>();
  for (const [index, item] of list.entries()) {
    if (seen.has(item)) say([...place, index], `${what} a second time`);
    seen.add(item);
  }
}

/** Lists in which a thing stands twice, and keys that do nothing beside others. */
function places(data: unknown, { workspaces, channels, mcp, models, networking }: Config, say: Say): void {
  repeats(models.failover, ['models', 'failover'], 'the same model', say);
  repeats(networking.allowed_hosts, ['networking', 'allowed_hosts'], 'the same host', say);
  repeats(networking.cors_origins, ['networking', 'cors_origins'], 'the same origin', say);
  for (const [id, { members, skills }] of Object.entries(workspaces)) {
    repeats(members, ['workspaces', id, 'members'], 'the same member', say);
    repeats(skills, ['workspaces', id, 'skills'], 'the same skill', say);
  }
  for (const [name, { pairing, allowlist }] of Object.entries(channels)) {
    const path = ['channels', name];
    if (pairing === 'allowlist' && allowlist.length === 0)
      say([...path, 'pairing'], 'allowlist with an empty allowlist lets nobody in');
    if (pairing !== 'allowlist' && allowlist.length > 0)
      say([...path, 'allowlist'], `nobody looks at it with \`pairing: ${pairing}\``);
  }
  for (const name of Object.keys(mcp)) {
    const written = valueAt(data, ['mcp', name]);
    if (!isMap(written)) continue;
    const useless = (written['url'] ?? '') === '' ? ['headers'] : ['args', 'env'];
    for (const key of useless) {
      if (written[key] !== undefined)
        say(['mcp', name, key], `it has no effect for a server with ${key === 'headers' ? '`command`' : '`url`'}`);
    }
  }
}

function limits(data: unknown, { networking, sessions, agent, security }: Config, say: Say): void {
  for (const [rate, burst] of [
    ['rate_limit_rps', 'rate_limit_burst'],
    ['chat_rate_limit_rpm', 'chat_rate_limit_burst'],
  ] as const) {
    const written = valueAt(data, ['networking', burst]);
    if (networking[rate] === 0 && typeof written === 'number' && written > 0)
      say(['networking', burst], `it has no effect while networking.${rate} is 0`);
  }
  for (const [index, network] of networking.trusted_proxies.entries()) {
    if (/\/0$/.test(network))
      say(['networking', 'trusted_proxies', index], 'everybody is trusted to say which address they call from');
  }
  if (above(sessions.max_tool_calls_per_turn, sessions.max_tool_calls_per_session)) {
    const says = `more than sessions.max_tool_calls_per_session (${sessions.max_tool_calls_per_session}) are never made`;
    say(['sessions', 'max_tool_calls_per_turn'], says);
  }
  if (sessions.tool_timeout > agent.turn_timeout) {
    const says = `a turn ends after agent.turn_timeout (${formatDuration(agent.turn_timeout)}) already`;
    say(['sessions', 'tool_timeout'], says);
  }
  const { active_window, recent_store } = sessions.memory;
  if (active_window > recent_store.max_messages) {
    const says = `no more than sessions.memory.recent_store.max_messages (${recent_store.max_messages}) are kept`;
    say(['sessions', 'memory', 'active_window'], says);
  }
  const { max_tool_content_scan_size: piece, max_tool_result_scan_size: whole } = security.scanner.limits;
  if (piece > whole) {
    const says = 'a piece is never scanned further than security.scanner.limits.max_tool_result_scan_size';
    say(['security', 'scanner', 'limits', 'max_tool_content_scan_size'], says);
  }
}

/**
 * What in a valid configuration contradicts itself.
 *
 * @param data as it was written, before defaults
 */
export function contradictions(data: unknown, config: Config, locate: Locate): readonly Warning[] {
  const warnings: Warning[] = [];
  const say: Say = (path, words) => {
    const place = locate(path, typeof path.at(-1) === 'string');
    warnings.push({ ...place, path: pathText(path), message: `${placeText(place)}: ${pathText(path)}: ${words}` });
  };
  budgets(data, config, say);
  places(data, config, say);
  limits(data, config, say);
  return warnings;
}
