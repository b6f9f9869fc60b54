// SPDX-License-Identifier: Apache-2.0
// A lane's answer to a probe: the smallest real call of a model, which belongs to nobody and leaves nothing behind.

import { failedOutcome } from '../actors/provider/protocol.ts';
import type { StreamSink } from '../actors/session/call-model.ts';
import type { Abort } from '../actors/session/effects.ts';
import type { VendorDoor } from '../actors/thread/door.ts';
import { type Failure, failure } from '../errors.ts';
import type { ChatRequest } from '../providers/provider.ts';
import type { World } from '../world.ts';

export interface ProbesOptions {
  readonly stream: (provider: string, request: ChatRequest, sink: StreamSink) => Abort;
  readonly world: Pick<World, 'after' | 'monotonic'>;
}

export interface Probes {
  readonly probe: VendorDoor['probe'];
  /** Gives up those that run; nobody waits for them any more. */
  close(): void;
}

/** A call, and not a look at the list of models: a vendor's lists answer while its models do not. */
function smallest(model: string): ChatRequest {
  const messages = [{ role: 'user', content: 'Hi', origin: 'system' }] as const;
  // An adapter raises what its vendor finds too small.
  return { model, systemPrompt: '', messages, tools: [], options: { maxTokens: 1 } };
}

export function createProbes({ stream, world }: ProbesOptions): Probes {
  const running = new Set<Abort>();
  return {
    probe: ({ provider, model, within }, done) => {
      const started = world.monotonic();
      let over = false;
      let failed: Failure | null = null;
      let first: number | undefined;
      const end = (error: Failure | null): void => {
        if (over) return;
        over = true;
        giveUp();
        running.delete(abort);
        const took_ms = world.monotonic() - started;
        if (error === null)
          return done({ outcome: 'ok', took_ms, ...(first === undefined ? {} : { first_event_ms: first }) });
        done({ outcome: error.code, took_ms, ...failedOutcome(error) });
      };
      let abortStream: Abort = () => undefined;
      const abort = (): void => {
        over = true;
        giveUp();
        abortStream();
      };
      // Each wait has a limit of its own; of all of them together there is none.
      const giveUp = world.after(within, () => {
        abortStream();
        end(failure('provider_timeout', `${provider} did not end the smallest answer within ${within / 1_000} s.`));
      });
      running.add(abort);
      abortStream = stream(provider, smallest(model), {
        event: (event) => {
          first ??= world.monotonic() - started;
          if (event.type === 'error') failed = event.error;
        },
        end: (error) => end(error ?? failed),
      });
    },
    close: () => {
      for (const abort of running) abort();
      running.clear();
    },
  };
}
