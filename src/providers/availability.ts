// SPDX-License-Identifier: Apache-2.0
// What a provider that asks a vendor says of itself.

import type { ProviderAvailability } from './provider.ts';

/** @param problem what its last look at the vendor's list of models ran into */
export function availabilityOf(
  provider: string,
  address: string,
  closed: boolean,
  problem: string | undefined,
): ProviderAvailability {
  const message = closed ? 'Closed.' : `Asked at ${address}.${problem === undefined ? '' : ` ${problem}`}`;
  return { available: !closed, provider, message };
}
