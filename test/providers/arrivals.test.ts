// SPDX-License-Identifier: Apache-2.0
// An event stream is read straight from its connection, also when somebody else looks at it.

import { expect, it, onTestFinished } from 'vitest';
import { eventStream } from '../../src/providers/event-stream.ts';
import { createTransport } from '../../src/providers/transport.ts';
import type { WireExchange } from '../../src/providers/wire-tap.ts';
import { sse } from '../wire/format.ts';
import { startWireServer } from '../wire/server.ts';
import { testTimers } from '../wire/timers.ts';

it.each(['nobody', 'somebody'])('comes whole while %s looks at the connection', async (who) => {
  const server = await startWireServer();
  const quiet = (): void => undefined;
  let bytes = 0;
  const chunk: WireExchange['chunk'] = (seen) => {
    bytes += seen.byteLength;
  };
  const exchange = (): WireExchange => ({ request: quiet, answer: quiet, chunk, answerEnd: quiet, noAnswer: quiet });
  const transport = createTransport({
    ...{ provider: 'wire', connect: 1_000, after: testTimers().world.after },
    tap: who === 'somebody' ? { exchange } : undefined,
  });
  onTestFinished(async () => {
    transport.close();
    await server.close();
  });
  // More than waits at once, so that the connection is held back and let go again.
  const events = Array.from({ length: 400 }, (_, at) => ({ data: `${at} ${'x'.repeat(1_000)}` }));
  const answer = sse(events);
  server.answer(answer);
  const heard: string[] = [];
  for await (const batch of await eventStream(await transport.fetch(server.url), { provider: 'wire' })) {
    for (const { data } of batch) heard.push(data);
    await new Promise(setImmediate);
  }
  expect(heard).toEqual(events.map(({ data }) => data));
  if (who === 'somebody') expect(bytes).toBe(answer.body.length);
});
