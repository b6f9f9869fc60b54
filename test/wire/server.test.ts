// SPDX-License-Identifier: Apache-2.0
// The vendor on this machine: what a delivery says is what arrives.

import { expect, it, onTestFinished } from 'vitest';
import { createTransport } from '../../src/providers/transport.ts';
import { type Delivery, startWireServer } from './server.ts';
import { testTimers } from './timers.ts';

/** The sizes of the pieces in which an answer arrives; the last is a word when it breaks. */
async function arriving(delivery: Delivery): Promise<readonly (number | string)[]> {
  const server = await startWireServer();
  const transport = createTransport({ provider: 'wire', connect: 1_000, after: testTimers().world.after });
  onTestFinished(async () => {
    transport.close();
    await server.close();
  });
  server.answer({ body: 'Grüße', delivery });
  const { body } = await transport.fetch(server.url);
  const sizes: (number | string)[] = [];
  try {
    for await (const chunk of body ?? []) sizes.push(chunk.length);
  } catch {
    sizes.push('broken');
  }
  return sizes;
}

it.each([
  [{}, [7]],
  [{ bytewise: true }, [1, 1, 1, 1, 1, 1, 1]],
  [{ cuts: [3] }, [3, 4]],
  [{ cuts: [3], every: 0 }, [3, 4]],
  [{ cuts: [3, 5], every: 2 }, [3, 2, 2]],
  [{ cuts: [3], every: 2, cutAt: 5 }, [3, 2, 'broken']],
  [{ cuts: [2, 4], cutAt: 5 }, [2, 2, 1, 'broken']],
  [{ cutAt: 0 }, ['broken']],
  [{ endsLater: true }, [7]],
] as const)('%j arrives as %j', async (delivery, sizes) => {
  expect(await arriving(delivery)).toEqual(sizes);
});
