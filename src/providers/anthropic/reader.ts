// SPDX-License-Identifier: Apache-2.0
// Reads the server-sent events of one Messages call.

import type { VendorSse } from '../event-stream.ts';
import { type Asked, providerFailure } from '../failures.ts';
import type { ChatEvent } from '../provider.ts';
import type { ReplyReader } from '../stream-call.ts';
import { claudeFailure } from './failures.ts';
import { hasThinking, type KeptBlock } from './kept-reply.ts';
import { createClaudeReply } from './reply.ts';
import { ClaudeEvent } from './wire.ts';

export interface ClaudeReaderOptions {
  readonly asked: Asked;
  /** A tool's name as we know it, of the name it was sent under. */
  readonly ours: (name: string) => string;
  /** Takes a finished reply with thinking and tool calls; its first call's id first. */
  readonly keep: (callId: string, blocks: readonly KeptBlock[]) => void;
  /** The headers of the answer, once it is there. */
  readonly headers: () => Headers;
  readonly now: () => number;
}

export function createClaudeReader(options: ClaudeReaderOptions): ReplyReader<VendorSse> {
  const { asked, ours, keep, headers, now } = options;
  const reply = createClaudeReply(ours);

  const finish = (): readonly ChatEvent[] => {
    const end = reply.end();
    if (!end.ok) {
      const message = `${asked.provider} answered against its own rules. ${end.problem}`;
      return [{ type: 'error', error: providerFailure('provider_error', asked, message) }];
    }
    const first = end.blocks.find((block) => block.type === 'tool_use');
    if (first !== undefined && hasThinking(end.blocks)) keep(first.id, end.blocks);
    return end.events;
  };

  return {
    read: ({ event: name, data }) => {
      if (name === 'ping') return [];
      const event = ClaudeEvent.parse(JSON.parse(data));
      if (event.type === 'error') {
        const error = claudeFailure(asked, { status: undefined, headers: headers(), body: event }, now());
        return [{ type: 'error', error }];
      }
      const shown = reply.take(event);
      if (event.type === 'message_stop') return finish();
      return shown === undefined ? [] : [shown];
    },
    // Without `message_stop` it is not whole, whatever came before.
    close: () => [],
  };
}
