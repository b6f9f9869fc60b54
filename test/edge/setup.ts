// SPDX-License-Identifier: Apache-2.0
// An edge in front of a fake house, with a client, closed when the test is over.

import { onTestFinished } from 'vitest';
import type { EdgePorts } from '../../src/edge/ports.ts';
import { createEdge, type Edge } from '../../src/edge/server.ts';
import { Client } from './client.ts';
import { FakeHouse } from './fake-house.ts';

export interface Setup {
  readonly house: FakeHouse;
  readonly edge: Edge;
  readonly client: Client;
  /** Where it listens. */
  readonly url: string;
}

/** Settings are those of the config file; rate limits are off unless a test is about them. */
export async function setUp(
  settings: Readonly<Record<string, Record<string, unknown>>> = {},
  more: Partial<EdgePorts> = {},
): Promise<Setup> {
  const house = new FakeHouse();
  const networking = { chat_rate_limit_rpm: 0, chat_max_concurrent_streams: 100, ...settings['networking'] };
  const edge = createEdge(house.ports({ gateway: { drain_timeout: '200ms' }, ...settings, networking }, more));
  const { port, url } = await edge.listenTcp('127.0.0.1', 0);
  const client = new Client(port);
  onTestFinished(async () => {
    client.close();
    await edge.close();
  });
  return { house, edge, client, url };
}
