// SPDX-License-Identifier: Apache-2.0
// Providers, budgets and workspaces as the main thread starts them: their charts with the effects they ask for.

import type { BudgetLimits } from '../actors/budget/ledger.ts';
import { type BudgetEffect, budgetMachine } from '../actors/budget/machine.ts';
import { type MachineActor, startMachineActor } from '../actors/machine-actor.ts';
import { type ProviderActor, startProviderActor } from '../actors/provider/actor.ts';
import { type Address, address, idOf } from '../bus/address.ts';
import type { Answer } from '../bus/envelope.ts';
import type { ConfigChange } from '../config/change.ts';
import type { Config } from '../config/schema.ts';
import type { Failure } from '../errors.ts';
import type { ReadQueries } from '../stores/session-store.ts';
import type { Actors } from './actors.ts';
import { currentCompactionModels, resumeCompactions } from './compactions.ts';
import { budgetScopes, providerTypes, renewedProvider } from './config-scopes.ts';
import type { ThreadContext } from './context.ts';
import { livePrices } from './live-prices.ts';
import { currentPrices } from './model-prices.ts';
import { priceWarnings } from './price-warnings.ts';
import { circuitTimes, providerOptions } from './provider-options.ts';
import { startWorkspace } from './workspace.ts';

type UsageWindow = ReadQueries['usage.window']['reply'];
type Fault = (whose: Address, error: Failure) => void;

/** How long the past may take to read, and the pause before it is asked for again, in milliseconds. */
const LOAD = { within: 10_000, pause: 500 } as const;
/** How often a budget that has been asked something reads the record again, in milliseconds. */
const RECONCILE = 30_000;

/** What follows the configuration of what is hosted here. */
export interface Authorities {
  changed(change: ConfigChange): void;
}

/**
 * The providers, budgets and workspaces, all on this thread: none of them may stand still because a session hangs, so they
 * live where no session, model or tool runs.
 */
export function hostAuthorities(context: ThreadContext, actors: Actors): Authorities {
  const { bus, world, residents, house } = context;
  const times = circuitTimes(process.env['SIGIL_CIRCUIT_TIMES']);
  /** Their present lives. */
  const providers = new Map<string, ProviderActor>();
  const budgets = new Map<string, MachineActor>();
  /** Those that are not in the configuration any more, and are there for the turns that run: calls off their end. */
  const leaving = new Map<Address, () => void>();
  actors.onStop(() => {
    for (const stop of leaving.values()) stop();
  });
  const startProvider = (name: string): void =>
    actors.start('provider', address('provider', name), (fault) => {
      const actor = startProviderActor({ ...providerOptions(house, name, times), bus, world, residents, fault });
      providers.set(name, actor);
      return actor;
    });
  for (const [name] of providerTypes(house.config)) startProvider(name);
  const live = livePrices(context);
  const warnings = priceWarnings(context, live);
  actors.onStop(warnings.stop);
  const models = currentCompactionModels(house, currentPrices(house, live.now));
  bus.host('provider', (envelope) => {
    warnings.note(envelope);
    actors.receive(envelope);
  });
  const startScope = (scope: string): void =>
    actors.start('budget', address('budget', scope), (fault) => {
      const actor = startBudget(context, scope, fault);
      budgets.set(scope, actor);
      return actor;
    });
  for (const scope of budgetScopes(house.config)) startScope(scope);
  bus.host('budget', (envelope) => actors.receive(envelope));
  // A workspace's actor begins with the first of its sessions that wakes, and ends with the last that falls asleep.
  bus.host('workspace', (envelope) => {
    // With its thread's life it was forgotten; nobody would say that it is asleep.
    if (envelope.type === 'workspace.session_awake' && !bus.senderLives(envelope)) return;
    if (!actors.has(envelope.to)) {
      actors.start('workspace', envelope.to, (fault, rested) =>
        startWorkspace({ context, id: idOf(envelope.to), models, fault, rested }),
      );
    }
    actors.receive(envelope);
  });
  actors.onStop(resumeCompactions(context));

  /** Nothing finds the way to it any more but turns that run, and those are over after their time. */
  const leave = (of: Address, gone: () => void): void => {
    if (leaving.has(of)) return;
    const end = (): void => {
      leaving.delete(of);
      gone();
      actors.end(of);
    };
    leaving.set(of, world.after(house.config.agent.turn_timeout, end));
  };
  const stay = (of: Address): void => {
    leaving.get(of)?.();
    leaving.delete(of);
  };
  return {
    changed: (change) => {
      const { before, after } = change;
      const renewed = renewedProvider(change);
      const [was, is] = [providerTypes(before), providerTypes(after)];
      for (const [name] of was) if (!is.has(name)) leave(address('provider', name), () => void providers.delete(name));
      for (const [name] of is) {
        const of = address('provider', name);
        const back = leaving.has(of);
        stay(of);
        if (!actors.has(of)) startProvider(name);
        else if (back || before.providers[name] !== after.providers[name])
          providers
            .get(name)
            ?.follow(providerOptions(house, name, times), renewed(name) || goesElsewhere(before, after, name));
      }
      const scopes = new Set(budgetScopes(after));
      for (const scope of budgetScopes(before))
        if (!scopes.has(scope)) leave(address('budget', scope), () => void budgets.delete(scope));
      for (const scope of new Set([...budgetScopes(before), ...scopes])) {
        const of = address('budget', scope);
        if (scopes.has(scope)) stay(of);
        if (!actors.has(of)) startScope(scope);
        else {
          const [was, is] = [spansOf(limitsOf(before, scope)), spansOf(limitsOf(after, scope))];
          if (JSON.stringify(was) !== JSON.stringify(is))
            budgets.get(scope)?.send({ type: 'limits', limits: is } as { type: 'limits' });
        }
      }
      live.follow(change);
    },
  };
}

/** Whether calls of a provider go to another place, or with another key, than before. */
function goesElsewhere(before: Config, after: Config, name: string): boolean {
  const [was, is] = [before.providers[name], after.providers[name]];
  return was?.type !== is?.type || was?.endpoint !== is?.endpoint || was?.api_key !== is?.api_key;
}

type Limits = Partial<
  Pick<Config['models']['budgets'], 'per_hour_tokens' | 'per_day_tokens' | 'per_hour_usd' | 'per_day_usd'>
>;

/** @param scope `global` or a workspace's id */
function limitsOf(config: Config, scope: string): { readonly [Limit in keyof Limits]?: Limits[Limit] | undefined } {
  return (scope === 'global' ? config.models.budgets : config.workspaces[scope]?.budgets) ?? NO_LIMITS;
}

const NO_LIMITS = {};

function spansOf(limits: ReturnType<typeof limitsOf>): BudgetLimits {
  return {
    hour: { tokens: limits.per_hour_tokens ?? 0, cost_usd: limits.per_hour_usd ?? 0 },
    day: { tokens: limits.per_day_tokens ?? 0, cost_usd: limits.per_day_usd ?? 0 },
  };
}

/** @param scope `global` or a workspace's id */
export function startBudget(context: ThreadContext, scope: string, fault: Fault): MachineActor {
  const { bus, world, residents, house } = context;
  const self = address('budget', scope);
  const used = (answered: (answer: Answer<UsageWindow>) => void): void => {
    const body = {
      scope: scope === 'global' ? scope : `workspace/${scope}`,
      at: world.now(),
      after: 'latest' as const,
    };
    bus.ask(address('store', 'read'), 'usage.window', body, { from: self, within: LOAD.within }, answered);
  };
  let stopped = false;
  let cancel = (): void => undefined;
  /** How often the record is still to be read: what was young the first time may have been given up by the second. */
  let left = 0;
  const again = (send: MachineActor['send']): void => {
    // It is read in between as well, when its limits change; then it is the next time from there.
    cancel();
    cancel = world.after(RECONCILE, () => {
      if (stopped) return;
      if (left === 0) return again(send);
      left -= 1;
      load(send);
    });
  };
  const load = (send: MachineActor['send']): void => {
    used((answer) => {
      // Whoever is stopped while it asks must not ask on: its thread would never end.
      if (stopped) return;
      if (answer.ok) {
        send({ type: 'loaded', ...answer.body } as { type: 'loaded' });
        // What the record says is open is not told by everybody when it ends: calls that had nothing to reserve are not.
        if (answer.body.open.length > 0) left = Math.max(left, 1);
        return again(send);
      }
      // Nothing is granted before the past is known, so it is asked for until it answers.
      world.after(LOAD.pause, () => stopped || load(send));
    });
  };
  /** The end of the window in which each limit was last told to be exhausted: once is enough. */
  const told = new Map<string, string>();
  const exhausted = ({ code, details }: Failure): void => {
    const { limit, resets_at, used: taken, max } = details ?? {};
    if (code !== 'budget_exceeded' || typeof limit !== 'string' || typeof resets_at !== 'string') return;
    if (told.get(limit) === resets_at) return;
    told.set(limit, resets_at);
    context.tell({
      type: 'budget_exhausted',
      data: { scope, limit, used: Number(taken), max: Number(max), resets_at },
    });
  };
  const actor = startMachineActor<BudgetEffect>({
    address: self,
    parent: address('gateway', 'root'),
    machine: budgetMachine,
    input: {
      scope,
      limits: spansOf(limitsOf(house.config, scope)),
      now: () => world.now(),
      iso: (at: number) => world.iso(at),
    },
    world,
    residents,
    bus: {
      reply: (to, body) => bus.reply(to, body),
      fail: (to, error) => {
        bus.fail(to, error);
        exhausted(error);
      },
    },
    fault,
    context: (inner) => {
      const { ledger, open } = inner as { ledger: unknown; open: object };
      return { scope, ledger, reservations: Object.keys(open).length };
    },
    perform: (effect, send) => {
      if (effect.type === 'load') return load(send);
      if (effect.type === 'near') {
        const { resets, ...spent } = effect.spent;
        return context.tell({ type: 'budget_near', data: { scope, ...spent, resets_at: world.iso(resets) } });
      }
      if (effect.type !== 'report') return;
      const { to, status } = effect;
      used((answer) => {
        const { hour, day } = answer.ok ? answer.body : status.used;
        bus.reply(to, { ...status, used: { hour, day } });
      });
    },
  });
  return {
    ...actor,
    receive: (envelope) => {
      left = 2;
      actor.receive(envelope);
    },
    stop: () => {
      stopped = true;
      cancel();
      actor.stop();
    },
  };
}
