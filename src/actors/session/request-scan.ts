// SPDX-License-Identifier: Apache-2.0
// Scans a request that somebody made themselves: what people say as a message is, what tools brought as a result is.

import { type Failure, failure } from '../../errors.ts';
import type { ChatMessage, ChatRequest } from '../../providers/provider.ts';
import { blockedText, type ScannedResult } from '../../security/scanner/told.ts';
import type { Outcome } from '../../stores/stream-owner.ts';
import type { MessageVerdict } from './effects.ts';

export interface RequestScan {
  /** Goes through what somebody says; `done` is called once, for a short text before this returns. */
  readonly input: (text: string, done: (verdict: MessageVerdict) => void) => void;
  readonly result: (content: string, is_error: boolean, name: string, done: (result: ScannedResult) => void) => void;
  /** Has it go on in the next turn of the loop. */
  readonly soon: (run: () => void) => unknown;
}

/** UTF-16 units that are gone through in one turn of the loop: others of the thread have theirs in between. */
const AT_ONCE = 16_384;

/**
 * The request as a model may see it; `input_blocked` where it may see none of it, with the rules and where it was found. What
 * a model said before is passed on as it is: it was scanned when it was said, and the sender may have written it anew.
 */
export function scanRequest<R extends Pick<ChatRequest, 'systemPrompt' | 'messages'>>(
  request: R,
  scan: RequestScan,
  done: (outcome: Outcome<R>) => void,
): void {
  const messages: ChatMessage[] = [];
  let systemPrompt = '';
  let refused: Failure | null = null;
  const take = (text: string, then: (scanned: string) => void, next: () => void): void =>
    scan.input(text, (verdict) => {
      if (verdict.kind === 'failed') refused = verdict.error;
      else if (verdict.kind === 'block')
        refused = failure('input_blocked', blockedText(verdict.rules), { rules: verdict.rules });
      else then(verdict.kind === 'redact' ? verdict.text : text);
      next();
    });
  let since = 0;
  const one = (at: number, then: () => void): void => {
    const { length } = at === 0 ? request.systemPrompt : (request.messages[at - 1]?.content ?? '');
    since += length;
    const next = (): void => {
      if (since < AT_ONCE) return then();
      since = 0;
      scan.soon(then);
    };
    if (at === 0) {
      if (request.systemPrompt === '') return next();
      return take(
        request.systemPrompt,
        (text) => {
          systemPrompt = text;
        },
        next,
      );
    }
    const message = request.messages[at - 1];
    if (message === undefined) return next();
    if (message.role === 'user')
      return take(message.content, (content) => void messages.push({ ...message, content }), next);
    if (message.role === 'assistant') {
      messages.push(message);
      return next();
    }
    scan.result(message.content, false, message.toolName ?? 'a tool', ({ content }) => {
      messages.push({ ...message, content });
      next();
    });
  };
  const count = request.messages.length + 1;
  const ended = (): void =>
    done(refused === null ? { ok: true, body: { ...request, systemPrompt, messages } } : { ok: false, error: refused });
  inTurn(count, one, () => refused !== null, ended);
}

/** Steps one after the other, however many answer at once: none of them stands on the stack of another. */
function inTurn(
  count: number,
  step: (at: number, next: () => void) => void,
  stop: () => boolean,
  done: () => void,
): void {
  let at = 0;
  const go = (): void => {
    while (at < count && !stop()) {
      let stepped = false;
      let returned = false;
      at += 1;
      step(at - 1, () => {
        stepped = true;
        if (returned) go();
      });
      returned = true;
      if (!stepped) return;
    }
    done();
  };
  go();
}
