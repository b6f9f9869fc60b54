// SPDX-License-Identifier: Apache-2.0
// Calls of models that are no turn's: made like a turn's, with its permit, its retries and its usage, and answered whole.

import { type Address, address } from '../../bus/address.ts';
import { failure } from '../../errors.ts';
import type { ChatFinish } from '../../providers/provider.ts';
import type { Usage } from '../../stores/records.ts';
import type { CallResult, ThreadProtocol } from '../thread/protocol.ts';
import { type CallModelOptions, callModel } from './call-model.ts';
import { ReplyCollector } from './reply-collector.ts';
import { type ReplyScanOptions, scannedSink } from './reply-scan.ts';

export interface BackgroundCallsOptions extends Omit<CallModelOptions, 'prepare' | 'turn_timeout'> {
  /** The thread they are made on: it holds the permits. */
  readonly from: Address;
  readonly cost: (model: string, usage: Usage) => number;
  /** Takes secrets out of a text. */
  readonly hide: (text: string) => string;
  /**
   * What is said is scanned as a reply is, for it is stored and shown to models. Nobody sees it come: where a reply would end
   * at a secret, that is cut out instead. Asked with each call.
   */
  readonly scan: () => ReplyScanOptions;
}

export interface BackgroundCalls {
  /** `done` is called once. */
  call(asked: ThreadProtocol['thread.call']['body'], done: (result: CallResult) => void): void;
  /** Ends a call: it is answered with what it has used. */
  off(id: string): void;
  stop(): void;
}

export function createBackgroundCalls(options: BackgroundCallsOptions): BackgroundCalls {
  const { world, from, cost, hide } = options;
  const running = new Map<string, (why: 'late' | 'off') => void>();
  let stopped = false;

  return {
    call: ({ model, workspace_id, id, tokens, request, within }, done) => {
      const asked = options.scan();
      const scan: ReplyScanOptions = { ...asked, mode: asked.mode === 'block' ? 'redact' : asked.mode };
      const slash = model.indexOf('/');
      const collector = new ReplyCollector((usage) => cost(model, usage));
      let finish: ChatFinish | 'cut' | null = null;
      let over = false;
      let stopTimer = (): void => undefined;
      const end = (error: CallResult['error']): void => {
        if (over || stopped) return;
        over = true;
        running.delete(id);
        stopTimer();
        const { content, usage } = collector.ended('stop');
        const failed =
          error ?? (finish === null ? failure('provider_error', 'The model ended without an answer.') : null);
        const told = failed === null ? null : { ...failed, message: hide(failed.message) };
        done({ text: hide(content), whole: finish === 'stop', usage, error: told });
      };
      const closed = scan.closed();
      if (closed !== null) return void world.soon(() => end(closed));
      let abort = (): void => undefined;
      const sink = scannedSink(
        {
          event: (event) => {
            if (over || event.type === 'notice') return;
            if (event.type === 'done') finish = event.finishReason;
            else if (event.type === 'error') return end(event.error);
            collector.take(event);
            if (!collector.full) return;
            finish = 'cut';
            abort();
            end(null);
          },
          end,
        },
        scan,
      );
      abort = callModel(
        options,
        {
          ...{ from, workspace_id, tokens, within, turn_id: id, background: true },
          provider: address('provider', model.slice(0, slash)),
          model: model.slice(slash + 1),
          prepare: () => request,
        },
        sink,
      );
      sink.stop = abort;
      running.set(id, (why) => {
        abort();
        end(
          why === 'late'
            ? failure('deadline_exceeded', `${model} did not answer within ${Math.round(within / 1_000)} s.`)
            : failure('conflict', 'The call is not wanted any more.'),
        );
      });
      stopTimer = world.after(within, () => running.get(id)?.('late'));
    },
    off: (id) => running.get(id)?.('off'),
    stop: () => {
      stopped = true;
      running.clear();
    },
  };
}
