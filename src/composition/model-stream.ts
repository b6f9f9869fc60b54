// SPDX-License-Identifier: Apache-2.0
// Runs providers' streams in a lane's thread: the promises of their adapters end here, events come out.

import type { StreamSink } from '../actors/session/call-model.ts';
import type { Abort } from '../actors/session/effects.ts';
import type { VendorDoor } from '../actors/thread/door.ts';
import type { ListedModels } from '../actors/thread/protocol.ts';
import { type Failure, failure, SigilError, toFailure } from '../errors.ts';
import type { ChatRequest, Provider } from '../providers/provider.ts';
import type { TappedCall, WireTap } from '../providers/wire-tap.ts';
import type { AttachmentFiles } from '../stores/attachments.ts';
import type { World } from '../world.ts';
import { createKeyStates } from './key-states.ts';
import { createProviderLoader, type ProviderEntry, type ProviderLoader } from './provider-loader.ts';
import type { ThreadSecrets } from './secrets.ts';
import { hasImages, withReadImages } from './stored-images.ts';

/** Whatever brought a secret there, a message of a person or the result of a tool: it is not for a model. */
function redacted(request: ChatRequest, redactor: ThreadSecrets['redactor']): ChatRequest {
  const { systemPrompt, messages } = request;
  return { ...request, systemPrompt: redactor.text(systemPrompt), messages: redactor.data(messages) };
}

export interface ModelStreamOptions {
  /** By name. */
  readonly providers: ReadonlyMap<string, ProviderEntry>;
  readonly world: Pick<World, 'now' | 'monotonic' | 'after' | 'uuid'>;
  /** What keys stand for; and what keeps secrets out of what is sent to a model and out of what a provider says of its failures. */
  readonly secrets: ThreadSecrets;
  /** Where images of messages are kept; not given where there are none. */
  readonly images?: Pick<AttachmentFiles, 'read'>;
  /** Who looks at what goes to the vendors and comes from them, if anybody does. */
  readonly tap?: WireTap;
}

export interface ModelStream {
  /** Loads a provider before its first call needs it. */
  preload(name: string): Promise<void>;
  stream(name: string, request: ChatRequest, sink: StreamSink, turn_id?: string): Abort;
  /** Has the shortest of texts embedded: the smallest real call of a model for vectors. */
  vectors(name: string, model: string, sink: StreamSink): Abort;
  /** Which key a provider has now, whatever it was last called with: that is let go of. */
  readonly key: VendorDoor['key'];
  /** A provider, made if need be. */
  readonly load: ProviderLoader['load'];
  readonly hold: ProviderLoader['hold'];
  /** A provider's models, its vendor asked where it has a list. @throws SigilError when the provider cannot be made */
  models(name: string): Promise<ListedModels>;
  /** Other providers, or the same with other settings; see {@link ProviderLoader.follow}. */
  readonly follow: ProviderLoader['follow'];
  /** Closes the connections of all. */
  close(): void;
}

export function createModelStream({ providers, world, secrets, tap, images }: ModelStreamOptions): ModelStream {
  const { redactor } = secrets;
  let entries = providers;
  const keys = createKeyStates({ written: (name) => entries.get(name)?.settings.api_key, resolve: secrets.resolve });
  const loader = createProviderLoader({ providers, world, resolver: keys.resolver, tap });

  /** A vendor's error may quote the key it was sent. */
  const told = (code: 'provider_error' | 'provider_unavailable', name: string, thrown: unknown): Failure =>
    failure(code, redactor.text(`${name}: ${toFailure(thrown).message}`));

  const run = async (
    provider: Provider,
    request: ChatRequest,
    sink: StreamSink,
    signal: AbortSignal,
    seen?: TappedCall,
  ): Promise<void> => {
    let last = '';
    const release = loader.hold(provider);
    try {
      const whole = images === undefined || !hasImages(request) ? request : await withReadImages(request, images);
      if (signal.aborted) return;
      for await (const batch of provider.chat(whole, { signal })) {
        for (const event of batch) {
          if (signal.aborted) return;
          last = event.type;
          seen?.event(event);
          if (event.type === 'error') keys.failed(provider.name, event.error);
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
    } finally {
      release();
      // A call that has said its last is over, though whoever asked lets go of it before its stream has.
      seen?.end(signal.aborted && last !== 'done' && last !== 'error' ? 'cancelled' : 'ended');
    }
  };

  const begin = (
    provider: Provider,
    request: ChatRequest,
    sink: StreamSink,
    signal: AbortSignal,
    turn_id: string | null,
  ): Promise<void> => {
    // Only probes are made for nobody.
    const purpose = turn_id === null ? 'probe' : 'chat';
    const seen = tap?.call({ provider: provider.name, purpose, model: request.model, turn_id });
    if (seen === undefined) return run(provider, request, sink, signal);
    return seen.within(() => run(provider, request, sink, signal, seen));
  };

  const listed = async (provider: Provider): Promise<ListedModels> => {
    const release = loader.hold(provider);
    const models = await provider.listModels().finally(release);
    if (provider.listProblem === undefined)
      return { models, live: false, reason: `${provider.name} is built in: there is no list to ask for.` };
    const problem = provider.listProblem();
    return { models, live: problem === undefined, reason: problem === undefined ? null : redactor.text(problem) };
  };

  return {
    preload: async (name) => {
      await loader.load(name);
    },
    stream: (name, whole, sink, turn_id) => {
      const request = redacted(whole, redactor);
      const controller = new AbortController();
      const provider = loader.loaded(name);
      if (provider !== undefined) void begin(provider, request, sink, controller.signal, turn_id ?? null);
      else {
        loader.load(name).then(
          (made) => begin(made, request, sink, controller.signal, turn_id ?? null),
          (thrown) => sink.end(told('provider_unavailable', name, thrown)),
        );
      }
      return () => controller.abort();
    },
    vectors: (name, model, sink) => {
      const controller = new AbortController();
      const { signal } = controller;
      const ask = async (): Promise<void> => {
        const provider = await loader.load(name);
        const release = loader.hold(provider);
        try {
          await provider.embed?.(['Hi'], { model, signal });
        } finally {
          release();
        }
      };
      ask().then(
        () => signal.aborted || sink.end(null),
        (thrown: unknown) => {
          const { message, ...error } = toFailure(thrown);
          keys.failed(name, { message, ...error });
          if (!signal.aborted) sink.end({ ...error, message: redactor.text(message) });
        },
      );
      return () => controller.abort();
    },
    key: ({ provider, salt }, done) => {
      loader.loaded(provider)?.forgetKey?.();
      void keys.state(provider, salt).then(done);
    },
    models: async (name) => {
      let provider: Provider;
      try {
        provider = await loader.load(name);
      } catch (thrown) {
        throw new SigilError(told('provider_unavailable', name, thrown));
      }
      const seen = tap?.call({ provider: name, purpose: 'models', model: '', turn_id: null });
      if (seen === undefined) return await listed(provider);
      try {
        return await seen.within(() => listed(provider));
      } finally {
        seen.end('ended');
      }
    },
    load: (name) => loader.load(name),
    hold: (loaded) => loader.hold(loaded),
    follow: (now, ...how) => {
      entries = now;
      loader.follow(now, ...how);
    },
    close: () => loader.close(),
  };
}
