// SPDX-License-Identifier: Apache-2.0
// Providers as the configuration has them: what can be told of them while no gateway runs.

import { isConnectionError } from './client.ts';
import type { Call, KnownProvider } from './command.ts';
import { quarantinedParts, runnableConfigOf } from './config-source.ts';
import { namedUrl } from './connect.ts';

/** What the configuration says. */
export interface OfflineProviders {
  readonly running: readonly KnownProvider[];
  /** Entries that would be left out, and why. */
  readonly leftOut: readonly { readonly name: string; readonly message: string; readonly advice: string }[];
}

/**
 * Asks the gateway; where none runs, what the configuration says is told instead, with a note that it is that. A gateway that
 * was named by its URL must answer.
 */
export async function orOffline<T>(call: Call, asked: () => Promise<T>, offline: (known: OfflineProviders) => T) {
  try {
    return await asked();
  } catch (error) {
    if (!isConnectionError(error) || namedUrl(call) !== undefined) throw error;
    const { config, quarantined } = await runnableConfigOf(call);
    const leftOut = quarantinedParts(quarantined).flatMap(({ what, message, advice }) => {
      const name = /^providers\.([^.]+)/.exec(what)?.[1];
      return name === undefined ? [] : [{ name, message, advice }];
    });
    const known = { running: await call.composition.knownProviders(config), leftOut };
    call.output.note('No gateway is running: this is what the configuration says. `sigil start` starts one.');
    return offline(known);
  }
}
