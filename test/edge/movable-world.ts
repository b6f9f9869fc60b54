// SPDX-License-Identifier: Apache-2.0
// A world whose clock is moved by hand; its timers are real.

import { realWorld } from '../../src/composition/real-world.ts';
import type { World } from '../../src/world.ts';

/** `ahead` is how far its clock is before the real one, in milliseconds. */
export function movable(): World & { ahead: number } {
  return {
    ...realWorld,
    ahead: 0,
    now() {
      return realWorld.now() + this.ahead;
    },
  };
}
