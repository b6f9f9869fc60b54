// SPDX-License-Identifier: Apache-2.0
// The parts of the walk in an order in which each finds what it needs. A part has the operations of one tag.

import type { Part } from './part.ts';
import { auditPart } from './tags/audit.ts';
import { channelsPart } from './tags/channels.ts';
import { chatPart } from './tags/chat.ts';
import { debugPart } from './tags/debug.ts';
import { gatewayPart } from './tags/gateway.ts';
import { memoryPart } from './tags/memory.ts';
import { openAiPart } from './tags/openai.ts';
import { sessionsPart } from './tags/sessions.ts';
import { skillsPart } from './tags/skills.ts';
import { turnsPart } from './tags/turns.ts';
import { usersPart } from './tags/users.ts';

/** Whoever adds an operation adds its calls to the file of its tag; a new tag has a new file and a line here. */
export const PARTS: Readonly<Record<string, Part>> = {
  gateway: gatewayPart,
  channels: channelsPart,
  chat: chatPart,
  openai: openAiPart,
  turns: turnsPart,
  sessions: sessionsPart,
  memory: memoryPart,
  skills: skillsPart,
  users: usersPart,
  audit: auditPart,
  debug: debugPart,
};
