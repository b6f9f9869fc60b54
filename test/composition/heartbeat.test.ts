// SPDX-License-Identifier: Apache-2.0
// A thread's pulse: what it says of a busy and of an idle loop, whoever asks and however often.

import { expect, it, onTestFinished } from 'vitest';
import { startHeartbeat } from '../../src/composition/heartbeat.ts';
import { until } from '../edge/client.ts';

it('tells of the last second, and the same to everybody who asks in it', async () => {
  const beats = new SharedArrayBuffer(8);
  const heartbeat = startHeartbeat(beats, 1);
  onTestFinished(() => heartbeat.stop());
  let seconds = 0;
  heartbeat.everySecond?.(() => {
    seconds += 1;
  });
  let working = true;
  const work = (): void => {
    const began = performance.now();
    while (performance.now() - began < 20);
    if (working) setImmediate(work);
  };
  work();
  await until(() => heartbeat.utilisation() > 0.5);
  const seen = heartbeat.utilisation();
  expect([heartbeat.utilisation(), heartbeat.utilisation()]).toEqual([seen, seen]);
  working = false;
  const busy = seconds;
  await until(() => seconds >= busy + 2);
  expect(heartbeat.utilisation()).toBeLessThan(0.5);
  expect(heartbeat.delay().p99).toBeGreaterThan(0);
  expect(new Int32Array(beats)[1]).toBeGreaterThan(20);
});
