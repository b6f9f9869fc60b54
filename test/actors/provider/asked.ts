// SPDX-License-Identifier: Apache-2.0
// Requests for permits as sessions send them.

import { address } from '../../../src/bus/address.ts';
import type { Envelope } from '../../../src/bus/envelope.ts';

export interface Asked {
  readonly session?: string;
  readonly workspace?: string;
  readonly turn?: string;
  readonly model?: string;
  readonly tokens?: number;
  readonly deadline?: number;
  readonly background?: true;
}

let id = 0;

/** A request of a turn. */
export function asked(of: Asked = {}): Envelope {
  id += 1;
  const { session = 'one', workspace = 'w', turn = 'turn', model = 'm', tokens = 0, deadline = 1_000_000 } = of;
  const { background } = of;
  return {
    id,
    to: address('provider', 'mine'),
    from: address('session', session),
    type: 'provider.request',
    body: { workspace_id: workspace, turn_id: turn, model, tokens, ...(background && { background }) },
    deadline,
  };
}
