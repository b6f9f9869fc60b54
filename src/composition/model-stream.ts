// SPDX-License-Identifier: Apache-2.0
// Runs providers' streams in a lane's thread: the promises of their adapters end here, events come out.

import type { StreamSink } from '../actors/session/call-model.ts';
import type { Abort } from '../actors/session/effects.ts';
import { failure, toFailure } from '../errors.ts';
import type { ChatRequest, Provider } from '../providers/provider.ts';
import { createProvider } from '../providers/registry.ts';

/** Resolves after `ms`, or as soon as the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

/** @param types the type of each configured provider, by its name */
export function createModelStream(types: ReadonlyMap<string, string>): {
  /** Loads a provider before its first call needs it. */
  preload(name: string): Promise<void>;
  stream(name: string, request: ChatRequest, sink: StreamSink): Abort;
} {
  const loaded = new Map<string, Provider>();
  const loading = new Map<string, Promise<Provider>>();

  const load = (name: string): Promise<Provider> => {
    const known = loading.get(name);
    if (known !== undefined) return known;
    const made = createProvider(types.get(name) ?? name, { pause });
    loading.set(name, made);
    made.then(
      (provider) => loaded.set(name, provider),
      // The next call tries again: a failed import may have been a full disk.
      () => loading.delete(name),
    );
    return made;
  };

  const run = async (
    provider: Provider,
    request: ChatRequest,
    sink: StreamSink,
    signal: AbortSignal,
  ): Promise<void> => {
    try {
      let last = '';
      for await (const batch of provider.chat(request, { signal })) {
        for (const event of batch) {
          if (signal.aborted) return;
          last = event.type;
          sink.event(event);
        }
      }
      if (signal.aborted) return;
      sink.end(
        last === 'done' || last === 'error'
          ? null
          : failure('provider_error', `${provider.name} ended its answer without saying so.`),
      );
    } catch (thrown) {
      if (!signal.aborted) sink.end(failure('provider_error', `${provider.name}: ${toFailure(thrown).message}`));
    }
  };

  return {
    preload: async (name) => {
      await load(name);
    },
    stream: (name, request, sink) => {
      const controller = new AbortController();
      const provider = loaded.get(name);
      if (provider !== undefined) void run(provider, request, sink, controller.signal);
      else {
        load(name).then(
          (made) => run(made, request, sink, controller.signal),
          (thrown) => sink.end(failure('provider_unavailable', `${name}: ${toFailure(thrown).message}`)),
        );
      }
      return () => controller.abort();
    },
  };
}
