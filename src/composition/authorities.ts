// SPDX-License-Identifier: Apache-2.0
// Providers, budgets and workspaces as the main thread starts them: their charts with the effects they ask for.

import { type BudgetEffect, budgetMachine } from '../actors/budget/machine.ts';
import { type MachineActor, startMachineActor } from '../actors/machine-actor.ts';
import { startProviderActor } from '../actors/provider/actor.ts';
import { type Address, address, idOf } from '../bus/address.ts';
import type { Answer } from '../bus/envelope.ts';
import type { Failure } from '../errors.ts';
import type { ReadQueries } from '../stores/session-store.ts';
import type { Actors } from './actors.ts';
import { compactionModels, resumeCompactions } from './compactions.ts';
import { budgetScopes, providerTypes } from './config-scopes.ts';
import type { ThreadContext } from './context.ts';
import { livePrices } from './live-prices.ts';
import { modelPrices } from './model-prices.ts';
import { priceWarnings } from './price-warnings.ts';
import { circuitTimes, providerOptions } from './provider-options.ts';
import { startWorkspace } from './workspace.ts';

type UsageWindow = ReadQueries['usage.window']['reply'];
type Fault = (whose: Address, error: Failure) => void;

/** How long the past may take to read, and the pause before it is asked for again, in milliseconds. */
const LOAD = { within: 10_000, pause: 500 } as const;
/** How often a budget that has been asked something reads the record again, in milliseconds. */
const RECONCILE = 30_000;

/**
 * The providers, budgets and workspaces, all on this thread: none of them may stand still because a session hangs, so they
 * live where no session, model or tool runs.
 */
export function hostAuthorities(context: ThreadContext, actors: Actors): void {
  const { bus, world, residents, house } = context;
  const { config } = house;
  const times = circuitTimes(process.env['SIGIL_CIRCUIT_TIMES']);
  for (const [name] of providerTypes(config)) {
    actors.start('provider', address('provider', name), (fault) =>
      startProviderActor({ ...providerOptions(house, name, times), bus, world, residents, fault }),
    );
  }
  const live = livePrices(context);
  const warnings = priceWarnings(context, live);
  actors.onStop(warnings.stop);
  const models = compactionModels(config, modelPrices(config, live.now));
  bus.host('provider', (envelope) => {
    warnings.note(envelope);
    actors.receive(envelope);
  });
  for (const scope of budgetScopes(config))
    actors.start('budget', address('budget', scope), (fault) => startBudget(context, scope, fault));
  bus.host('budget', (envelope) => actors.receive(envelope));
  // A workspace's actor begins with the first of its sessions that wakes, and ends with the last that falls asleep.
  bus.host('workspace', (envelope) => {
    if (!actors.has(envelope.to)) {
      actors.start('workspace', envelope.to, (fault, rested) =>
        startWorkspace({ context, id: idOf(envelope.to), models, fault, rested }),
      );
    }
    actors.receive(envelope);
  });
  actors.onStop(resumeCompactions(context));
}

/** @param scope `global` or a workspace's id */
export function startBudget(context: ThreadContext, scope: string, fault: Fault): MachineActor {
  const { bus, world, residents, house } = context;
  const self = address('budget', scope);
  const { config } = house;
  const limits = scope === 'global' ? config.models.budgets : (config.workspaces[scope]?.budgets ?? {});
  const used = (answered: (answer: Answer<UsageWindow>) => void): void => {
    const body = {
      scope: scope === 'global' ? scope : `workspace/${scope}`,
      at: world.now(),
      after: 'latest' as const,
    };
    bus.ask(address('store', 'read'), 'usage.window', body, { from: self, within: LOAD.within }, answered);
  };
  let stopped = false;
  /** How often the record is still to be read: what was young the first time may have been given up by the second. */
  let left = 0;
  const again = (send: MachineActor['send']): void => {
    world.after(RECONCILE, () => {
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
  const actor = startMachineActor<BudgetEffect>({
    address: self,
    parent: address('gateway', 'root'),
    machine: budgetMachine,
    input: {
      scope,
      limits: {
        hour: { tokens: limits.per_hour_tokens ?? 0, cost_usd: limits.per_hour_usd ?? 0 },
        day: { tokens: limits.per_day_tokens ?? 0, cost_usd: limits.per_day_usd ?? 0 },
      },
      now: () => world.now(),
      iso: (at: number) => world.iso(at),
    },
    world,
    residents,
    bus,
    fault,
    context: (inner) => {
      const { ledger, open } = inner as { ledger: unknown; open: object };
      return { scope, ledger, reservations: Object.keys(open).length };
    },
    perform: (effect, send) => {
      if (effect.type === 'load') return load(send);
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
      actor.stop();
    },
  };
}
