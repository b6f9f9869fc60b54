// SPDX-License-Identifier: Apache-2.0
// Runs providers' streams in a lane's thread: the promises of their adapters end here, events come out.

import type { StreamSink } from '../actors/session/call-model.ts';
import type { Abort } from '../actors/session/effects.ts';
import { type Failure, failure, toFailure } from '../errors.ts';
import type { ChatRequest, Provider } from '../providers/provider.ts';
import { createProvider } from '../providers/registry.ts';
import type { Redactor } from '../secrets/redactor.ts';

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

/** Whatever brought a secret there, a message of a person or the result of a tool: it is not for a model. */
function redacted(request: ChatRequest, redactor: Redactor): ChatRequest {
  const { systemPrompt, messages } = request;
  return { ...request, systemPrompt: redactor.text(systemPrompt), messages: redactor.data(messages) };
}

/**
 * @param types the type of each configured provider, by its name
 * @param redactor keeps secrets out of what is sent to a model and out of what a provider says of its failures
 */
export function createModelStream(
  types: ReadonlyMap<string, string>,
  redactor: Redactor,
): {
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

  /** A vendor's error may quote the key it was sent. */
  const told = (code: 'provider_error' | 'provider_unavailable', name: string, thrown: unknown): Failure =>
    failure(code, redactor.text(`${name}: ${toFailure(thrown).message}`));

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
          sink.event(event.type === 'error' ? redactor.data(event) : event);
        }
      }
      if (signal.aborted) return;
      sink.end(
        last === 'done' || last === 'error'
          ? null
          : failure('provider_error', `${provider.name} ended its answer without saying so.`),
      );
    } catch (thrown) {
      if (!signal.aborted) sink.end(told('provider_error', provider.name, thrown));
    }
  };

  return {
    preload: async (name) => {
      await load(name);
    },
    stream: (name, whole, sink) => {
      const request = redacted(whole, redactor);
      const controller = new AbortController();
      const provider = loaded.get(name);
      if (provider !== undefined) void run(provider, request, sink, controller.signal);
      else {
        load(name).then(
          (made) => run(made, request, sink, controller.signal),
          (thrown) => sink.end(told('provider_unavailable', name, thrown)),
        );
      }
      return () => controller.abort();
    },
  };
}
