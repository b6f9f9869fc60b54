// SPDX-License-Identifier: Apache-2.0
// Another configuration takes the place of the one in force: on main at once, on the threads in order, and told when all follow.

import { hash } from 'node:crypto';
import type { Quarantined } from '../../actors/gateway/protocol.ts';
import { changedPaths, dotted, effectOf, inForce } from '../../config/change.ts';
import type { Config } from '../../config/schema.ts';
import { configShow } from '../../config/show.ts';
import type { Actor } from '../../stores/directory-commands.ts';
import { tokenGrants } from '../owner-token.ts';
import type { ToldRoot } from '../released-entries.ts';
import { unavailableParts } from '../unavailable.ts';
import type { LiveParts } from './live-parts.ts';

/** What was read and is valid. */
export interface WantedConfig {
  readonly wanted: Config;
  readonly declared: Config;
  readonly quarantined: readonly Quarantined[];
  /** Secrets it holds, as far as they are known. */
  readonly hidden: readonly string[];
  /** Keys whose secret reads the same and leads elsewhere. */
  readonly renewed: readonly string[];
  readonly by: Actor;
  readonly why: string;
}

export interface Applied {
  readonly applied: readonly string[];
  readonly restart_pending: readonly string[];
}

/** Settles when every thread follows. */
export type ApplyConfig = (wanted: WantedConfig) => Promise<Applied>;

/** Keys named in the audit and in the log. */
const NAMED_MOST = 200;

/** @param listeners told once everything on main is of the new one */
export function applier(parts: LiveParts, listeners: readonly (() => void)[]): ApplyConfig {
  const { context, state, dataDir, log, directory, skills, threads, main, note } = parts;
  const { secrets, world } = context;
  /** At once, and so before what a thread says because of the change. */
  const tellRoot = (told: ToldRoot): void => main.actors.tell('gateway', told);

  /** What is not set aside any more is released, what is newly so is told; the root shows it, whatever life it is in. */
  const setAside = (now: readonly Quarantined[]): void => {
    const before = new Map(state.quarantined.map((part) => [part.what, part]));
    state.quarantined = now;
    for (const part of now) {
      const known = before.get(part.what);
      before.delete(part.what);
      if (known?.message === part.message) continue;
      log.warn({ part: part.what }, `${part.message} ${part.advice}`);
      tellRoot({ type: 'gateway.quarantine', body: part });
    }
    for (const what of before.keys()) {
      log.info({ part: what }, 'what was left out is mended, or not configured any more');
      tellRoot({ type: 'gateway.released', body: { what } });
    }
    // Of a channel that is back nothing is left unsaid.
    const { channels } = state.config;
    const there = ({ what }: Quarantined): boolean => Object.hasOwn(channels, what.replace(/^channels\./, ''));
    for (let at = state.left_out.length - 1; at >= 0; at--) {
      const part = state.left_out[at];
      if (part?.what.startsWith('channels.') === true && there(part)) state.left_out.splice(at, 1);
    }
  };

  return async ({ wanted, declared, quarantined, hidden, renewed, by, why }) => {
    // Before anything is made of them. With more of them than can be hidden, nothing is.
    for (const value of hidden) secrets.redactor.add(value);
    const before = state.config;
    const after = inForce(before, wanted);
    const { tokens, leftOut } = await tokenGrants(after, dataDir, secrets);
    // From here to the end of this tick everything is done at once.
    const keys = [...new Set([...changedPaths(before, after).map(dotted), ...renewed])];
    const restart_pending = changedPaths(state.started, wanted)
      .filter((path) => effectOf(path) === 'restart')
      .map(dotted);
    const news = keys.length > 0 || restart_pending.join() !== state.restart_pending.join();
    state.declared = inForce(before, declared);
    state.restart_pending = restart_pending;
    if (JSON.stringify(tokens) !== JSON.stringify(state.tokens)) state.tokens = tokens;
    let followed = Promise.resolve();
    if (keys.length > 0) {
      state.config = after;
      state.applied_at = world.iso(world.now());
      const change = { before, after, keys };
      // Those that grant are there before anybody asks them.
      main.changed(change);
      parts.wake(after);
      followed = new Promise((resolve) => {
        threads.tellConfig(change, (silent) => {
          if (silent.length > 0) log.error({ threads: silent }, 'threads do not follow the configuration');
          resolve();
        });
      });
      // After the configuration, in the same order on every thread: whoever came is met by what lets them in.
      directory.follow(after);
      skills.follow();
      if (!parts.level_fixed) {
        log.setLevel(after.logging.level);
        threads.setLogLevel(after.logging.level);
      }
      for (const run of listeners) run();
    }
    directory.tokensChanged();
    setAside([...quarantined, ...leftOut, ...unavailableParts(wanted)]);
    if (news) {
      const named = { applied: keys.slice(0, NAMED_MOST), restart_pending: restart_pending.slice(0, NAMED_MOST) };
      log.info({ file: state.file, why, ...named }, 'another configuration is in force');
      const config_sha256 = hash('sha256', JSON.stringify(configShow(after)));
      const left_out = state.quarantined.map(({ what }) => what).slice(0, NAMED_MOST);
      note('config.applied', { file: state.file, why, config_sha256, keys: keys.length, ...named, left_out }, 'ok', by);
      context.tell({ type: 'config_applied', data: { keys: named.applied } });
    }
    await followed;
    return { applied: keys, restart_pending };
  };
}
