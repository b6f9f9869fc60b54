// SPDX-License-Identifier: Apache-2.0
// When a thread gives memory back: once it rests, if there is something to give, and not over and over.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { giveBackWhenIdle } from '../../src/composition/idle-memory.ts';

const MIB = 1_048_576;

/** A thread that is looked at when the test says so. */
class Thread {
  busy = 0;
  heap = 20 * MIB;
  collected = 0;
  private look: () => void = () => undefined;

  constructor() {
    giveBackWhenIdle({
      every: (_, run) => {
        this.look = run;
        return () => undefined;
      },
      busy: () => this.busy,
      heap: () => this.heap,
      collect: () => {
        this.collected += 1;
        this.heap = 20 * MIB;
      },
    });
  }

  /** Seconds pass. */
  pass(seconds: number): void {
    for (let left = seconds; left > 0; left -= 1) this.look();
  }
}

describe('giving memory back', () => {
  it('waits until the thread has rested', () => {
    const thread = new Thread();
    thread.heap = 200 * MIB;
    thread.busy = 0.5;
    thread.pass(60);
    expect(thread.collected).toBe(0);
    thread.busy = 0;
    thread.pass(10);
    expect(thread.collected).toBe(1);
    expect(thread.heap).toBe(20 * MIB);
  });

  it('gives back what the start left, then does nothing for little, or twice for the same', () => {
    const thread = new Thread();
    thread.pass(3);
    expect(thread.collected).toBe(0);
    thread.pass(100);
    expect(thread.collected).toBe(1);
    thread.heap = 30 * MIB;
    thread.pass(100);
    expect(thread.collected).toBe(1);
    thread.heap = 80 * MIB;
    thread.pass(100);
    expect(thread.collected).toBe(2);
  });

  it('does not stop a thread that works a little all the time again and again', () => {
    const thread = new Thread();
    for (let second = 0; second < 60; second += 1) {
      thread.heap += 20 * MIB;
      thread.pass(1);
    }
    expect(thread.collected).toBeLessThanOrEqual(3);
    expect(thread.collected).toBeGreaterThan(0);
  });
});

it('ends no thread when two of them rest at the same moment', async () => {
  const threads = [1, 2].map(() => new Worker(new URL('resting-thread.ts', import.meta.url)));
  const ended = await Promise.all(threads.map(async (thread) => (await once(thread, 'message'))[0]));
  expect(ended).toEqual(['rested', 'rested']);
});
