// SPDX-License-Identifier: Apache-2.0
// The effect of a model call: a permit from the provider's actor, the stream here in the lane's thread, then the permit back.

import { type Address, address } from '../../bus/address.ts';
import type { Answer } from '../../bus/envelope.ts';
import type { ErrorCode, Failure } from '../../errors.ts';
import { failure } from '../../errors.ts';
import type { ChatEvent, ChatRequest } from '../../providers/provider.ts';
import type { SessionState } from '../../stores/fold.ts';
import type { World } from '../../world.ts';
import type { SigilBus } from '../protocols.ts';
import type { ProviderProtocol } from '../provider/protocol.ts';
import type { Abort, LaneEffects } from './effects.ts';

export interface StreamSink {
  readonly event: (event: ChatEvent) => void;
  /** Called once when the stream is over; null when it ended with its own last event. */
  readonly end: (error: Failure | null) => void;
}

export interface CallModelOptions {
  readonly bus: Pick<SigilBus, 'ask' | 'send'>;
  readonly world: World;
  /** Runs a provider's stream; the adapter's promises stay behind this. */
  readonly stream: (provider: string, request: ChatRequest, sink: StreamSink) => Abort;
  /** The request for the next call of a state's turn. */
  readonly prepare: (state: SessionState) => ChatRequest | Failure;
  readonly turn_timeout: () => number;
}

export function createCallModel(options: CallModelOptions): LaneEffects['callModel'] {
  const { bus, world } = options;
  const providers = new Map<string, Address<'provider'>>();
  /** Of `provider/model`; the same string every time. */
  const providerOf = (model: string): Address<'provider'> => {
    const name = model.slice(0, model.indexOf('/'));
    const known = providers.get(name);
    if (known !== undefined) return known;
    const made = address('provider', name);
    providers.set(name, made);
    return made;
  };
  return ({ address: from }, state, sink) => {
    const { turn, facts } = state;
    if (turn === null || facts === null) throw new Error('a model is only called for a turn that runs');
    let over = false;
    let abortStream: Abort = () => undefined;
    let outcome: 'ok' | 'cancelled' | ErrorCode = 'ok';
    let give = (): void => undefined;
    const end = (error: Failure | null): void => {
      if (over) return;
      over = true;
      if (error !== null) outcome = error.code;
      give();
      sink.end(error);
    };
    const provider = providerOf(turn.model);
    const body = {
      workspace_id: facts.workspace_id,
      turn_id: turn.turn_id,
      model: turn.model.slice(turn.model.indexOf('/') + 1),
      tokens: turn.open_call?.reserved_tokens ?? 0,
    };
    let waiting = true;
    const withdraw = (): void => {
      bus.send(provider, 'provider.withdraw', { turn_id: turn.turn_id }, { from, trace: turn.turn_id });
    };
    const ask = (): void => {
      bus.ask(
        provider,
        'provider.request',
        body,
        { from, within: options.turn_timeout(), trace: turn.turn_id },
        answered,
      );
    };
    const answered = (answer: Answer<ProviderProtocol['provider.request']['reply']>): void => {
      // Its thread is replaced, and nobody there knows of the request: the same again finds the next life.
      if (!answer.ok && !over && answer.error.code === 'thread_lost' && answer.error.retryable) return ask();
      waiting = false;
      // Nobody knows whether the provider has granted it meanwhile.
      if (!answer.ok && answer.error.in_doubt === true) withdraw();
      if (!answer.ok)
        return end(
          answer.error.code === 'not_found'
            ? failure('provider_unavailable', `Provider of ${turn.model} is not running.`)
            : answer.error,
        );
      const { permit } = answer.body;
      const started = world.monotonic();
      give = () => {
        bus.send(
          provider,
          'provider.release',
          { permit, outcome, took_ms: world.monotonic() - started },
          { from, trace: turn.turn_id },
        );
      };
      if (over) {
        outcome = 'cancelled';
        return give();
      }
      const request = options.prepare(state);
      if ('code' in request) {
        // Ours, not the vendor's: its circuit has nothing to do with it.
        over = true;
        give();
        return sink.end(request);
      }
      abortStream = options.stream(provider.slice('provider/'.length), request, {
        event: (event) => {
          if (over) return;
          if (event.type === 'error') outcome = event.error.code;
          sink.event(event);
        },
        end,
      });
    };
    ask();
    return () => {
      if (over) return;
      over = true;
      outcome = 'cancelled';
      if (waiting) withdraw();
      abortStream();
      give();
    };
  };
}
