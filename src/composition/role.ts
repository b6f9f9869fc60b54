// SPDX-License-Identifier: Apache-2.0
// What a worker does, by the name of its thread: started once, drained and closed when the gateway stops.

import type { VendorDoor } from '../actors/thread/door.ts';
import type { ConfigChange } from '../config/change.ts';
import type { ThreadContext } from './context.ts';

/** A thread's role once it runs. */
export interface Role {
  /** Calls back once nothing of it is left to finish. */
  drain(done: (turns_left?: number) => void): void;
  /** What it answers about models, where it makes calls of them. */
  readonly vendors?: VendorDoor;
  /** Another thread began a new life. */
  up?(thread: number): void;
  /** Another thread's life ended. */
  down?(thread: number): void;
  /**
   * Another configuration is in force: `house.config` is `after` already. What cannot be made of it is quarantined, not thrown;
   * what takes long goes on by itself.
   */
  changed?(change: ConfigChange): void;
  /** Closes what is open. */
  close(): void;
}

/** Starts a role; resolves when it can be used. */
export type StartRole = (context: ThreadContext) => Promise<Role>;
