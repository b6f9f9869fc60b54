// SPDX-License-Identifier: Apache-2.0
// A message as a turn works with it: one of the window, or one of the turn itself so far.

import type { ImageAttachment } from '../stores/attachments.ts';
import type { ToolCall } from '../stores/records.ts';

export interface TurnMessage {
  readonly role: 'user' | 'assistant' | 'tool';
  readonly content: string;
  /** What an assistant's message asks tools for. */
  readonly tool_calls?: readonly ToolCall[];
  /** Which call a tool's message answers. */
  readonly tool_call_id?: string;
  readonly tool_name?: string;
  /** Images of a person's message. */
  readonly images?: readonly ImageAttachment[];
}
