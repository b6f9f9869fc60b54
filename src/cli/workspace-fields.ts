// SPDX-License-Identifier: Apache-2.0
// What a command says about a workspace: what it is for, its members, its conversations.

import { wrongUsage } from './cli-error.ts';
import type { CommandRun } from './command.ts';

/** The part of a request's body; what is not given is not in it. @throws CliError where a conversation is not CHANNEL:ID */
export function workspaceFields(call: Parameters<CommandRun>[0]): Readonly<Record<string, unknown>> {
  const [description, members, bindings] = [call.value('description'), call.value('members'), call.value('bind')];
  return {
    ...(description === undefined ? {} : { description }),
    ...(members === undefined ? {} : { members: listIn(members) }),
    ...(bindings === undefined ? {} : { bindings: listIn(bindings).map(bindingOf) }),
  };
}

function listIn(text: string): readonly string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

function bindingOf(text: string): { readonly channel: string; readonly channel_id: string } {
  const at = text.indexOf(':');
  if (at < 1 || at === text.length - 1)
    throw wrongUsage(`--bind ${text}: write CHANNEL:ID, such as telegram:-100123.`, 'See `sigil channel list`.');
  return { channel: text.slice(0, at), channel_id: text.slice(at + 1) };
}
