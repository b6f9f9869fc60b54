// SPDX-License-Identifier: Apache-2.0
// Commands as people write them on every chat channel: `/command@agent arguments`. Pure.

import { type ApprovalWords, approvalWords } from './protocol.ts';

/** A command, as data: what it does is the executor's. */
export type ChatCommand =
  | { readonly name: 'help' }
  /** From here on the conversation has another session. */
  | { readonly name: 'new' }
  /** The running turn ends. */
  | { readonly name: 'stop' }
  | { readonly name: 'status' }
  /** Empty: which it is; `default`: whatever the configuration says. */
  | { readonly name: 'model'; readonly model: string }
  | { readonly name: 'pair'; readonly code: string }
  | ({ readonly name: 'answer' } & ApprovalWords)
  /** A command that is one, written wrongly: what to write instead. */
  | { readonly name: 'misused'; readonly usage: string };

/** Each command with what is written behind it and what it does, in the order `/help` shows them. */
export const CHAT_COMMANDS = [
  { word: 'help', takes: '', does: 'shows this' },
  { word: 'new', takes: '', does: 'begins a new conversation; the old one is kept' },
  { word: 'stop', takes: '', does: 'stops the reply that is being made' },
  { word: 'status', takes: '', does: 'says who you are here, in which workspace, and what runs' },
  { word: 'model', takes: '[PROVIDER/MODEL|default]', does: 'shows or changes the model of this conversation' },
  { word: 'pair', takes: 'CODE', does: 'lets you in with a code you were given' },
  { word: 'approve', takes: '[ID]', does: 'allows a tool call, or lets somebody in' },
  { word: 'deny', takes: '[ID]', does: 'does not' },
] as const;

type Word = (typeof CHAT_COMMANDS)[number]['word'];

/** The longest text that is looked at: no command is longer. */
const LONGEST = 300;
const COMMAND = /^\/([a-z]{2,10})(?:@([\w.:-]{1,128}))?(?:\s+(\S.*))?$/is;

/** A text as a command; null: it is a message. A word that is no command of ours is a message too. */
export function chatCommand(text: string): ChatCommand | null {
  // Looked at before anything is cut: almost every message ends here.
  if (text.length === 0 || text.length > LONGEST) return null;
  const first = text.charCodeAt(0);
  if (first !== 0x2f && first > 0x20 && first !== 0xa0) return null;
  const trimmed = text.trim();
  const [, name = '', , rest = ''] = COMMAND.exec(trimmed) ?? [];
  const word = CHAT_COMMANDS.find((one) => one.word === name.toLowerCase())?.word;
  return word === undefined ? null : commandOf(word, rest.trim(), trimmed);
}

function commandOf(word: Word, rest: string, text: string): ChatCommand {
  switch (word) {
    case 'help':
    case 'new':
    case 'stop':
    case 'status':
      return { name: word };
    case 'model':
      return /\s/.test(rest) ? misused(word) : { name: 'model', model: rest };
    case 'pair':
      return rest === '' ? misused(word) : { name: 'pair', code: rest };
    case 'approve':
    case 'deny': {
      const words = approvalWords(text);
      return words === null ? misused(word) : { name: 'answer', ...words };
    }
    default:
      return word satisfies never;
  }
}

function misused(word: Word): ChatCommand {
  const takes = CHAT_COMMANDS.find((one) => one.word === word)?.takes ?? '';
  return { name: 'misused', usage: `/${word} ${takes}` };
}
