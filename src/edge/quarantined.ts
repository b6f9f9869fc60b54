// SPDX-License-Identifier: Apache-2.0
// What is left out at the moment: as the root knows it, which hears of what comes and goes while the gateway runs.

import type { Quarantined } from '../actors/gateway/protocol.ts';
import { address } from '../bus/address.ts';
import { tryAsk } from './ask.ts';
import type { EdgePorts } from './ports.ts';

/** While the root does not answer, what is known without it. */
export async function quarantinedNow({ bus, quarantined }: EdgePorts): Promise<readonly Quarantined[]> {
  const root = await tryAsk(bus, address('gateway', 'root'), 'gateway.status', {});
  return root.ok ? root.answer.quarantined : quarantined;
}
