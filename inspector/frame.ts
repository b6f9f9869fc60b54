// SPDX-License-Identifier: Apache-2.0
// Many changes, one drawing: what changes within a frame is shown with the next.

import { type Signal, signal } from '@preact/signals';

/** A number that rises at most once a frame, however often `touch` is called. */
export interface Frames {
  readonly version: Signal<number>;
  touch(): void;
}

export function frames(): Frames {
  const version = signal(0);
  let asked = false;
  return {
    version,
    touch: () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        version.value += 1;
      });
    },
  };
}
