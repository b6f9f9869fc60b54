// SPDX-License-Identifier: Apache-2.0
// The configuration of a gateway that runs, as main shows it. What reads it again is loaded after the start.

import type { LiveConfiguration } from '../../edge/ports.ts';
import { failure, SigilError } from '../../errors.ts';
import type { ConfigState, LiveParts } from './live-parts.ts';
import type { Reloader } from './reloader.ts';

export interface RunningConfiguration extends LiveConfiguration {
  /** Begins to watch; what is needed for it is loaded now. */
  start(): Promise<void>;
  stop(): void;
}

/** @param parts undefined where the gateway was not told how to load it again: it stays as it is */
export function runningConfiguration(state: ConfigState, parts: () => LiveParts | undefined): RunningConfiguration {
  const listeners: (() => void)[] = [];
  let reloader: Promise<Reloader> | null = null;
  let stopped = false;
  const loaded = (): Promise<Reloader> => {
    const given = parts();
    if (given === undefined) {
      const message = 'This gateway was started with a configuration that is nowhere written; restart it with another.';
      return Promise.reject(new SigilError(failure('conflict', message)));
    }
    reloader ??= Promise.all([import('./reloader.ts'), import('./apply.ts')]).then(
      ([{ Reloader: Made }, { applier }]) => {
        const made = new Made(given, applier(given, listeners));
        if (stopped) made.stop();
        return made;
      },
    );
    return reloader;
  };
  return {
    onChange: (run) => void listeners.push(run),
    status: () => {
      const { file, applied_at, restart_pending, errors, errors_at } = state;
      return { file, applied_at, restart_pending, errors, errors_at };
    },
    shown: async () => (await import('../../config/show.ts')).configShow(state.declared),
    reload: async (by, why = 'a request') => await (await loaded()).reload(by, why),
    start: async () => {
      if (parts() !== undefined) await (await loaded()).start();
    },
    stop: () => {
      stopped = true;
      void reloader?.then((made) => made.stop());
    },
  };
}
