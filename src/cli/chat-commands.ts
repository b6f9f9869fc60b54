// SPDX-License-Identifier: Apache-2.0
// The slash commands of a conversation.

import { approvalWords } from '../actors/channel/protocol.ts';
import { nearest } from '../config/walk.ts';

/** What a conversation lets its commands do. */
export interface CommandHost {
  say(text: string): void;
  /** The next message begins a new session. */
  begin(): void;
  sessions(choice: string): Promise<void>;
  model(name: string): void;
  cancel(): void;
  /** Answers a request for approval. @param begin how its id begins; empty: the only one there is */
  decide(decision: 'approve' | 'deny', begin: string): Promise<void>;
  quit(): void;
}

interface SlashCommand {
  readonly name: string;
  readonly usage: string;
  readonly help: string;
  run(host: CommandHost, rest: string): void | Promise<void>;
}

const COMMANDS: readonly SlashCommand[] = [
  { name: 'help', usage: '/help', help: 'this list', run: (host) => host.say(helpText()) },
  { name: 'new', usage: '/new', help: 'begin a new session', run: (host) => host.begin() },
  {
    name: 'sessions',
    usage: '/sessions [N]',
    help: 'list sessions; with a number or an id go on there',
    run: (host, rest) => host.sessions(rest),
  },
  {
    name: 'model',
    usage: '/model [P/M | default]',
    help: 'show or choose the model of the next messages',
    run: (host, rest) => host.model(rest),
  },
  { name: 'cancel', usage: '/cancel', help: 'stop the answer that is being given', run: (host) => host.cancel() },
  {
    name: 'approve',
    usage: '/approve [ID]',
    help: 'let a tool call run that waits for you',
    run: (host, rest) => decide(host, `/approve ${rest}`),
  },
  { name: 'deny', usage: '/deny [ID]', help: 'refuse it', run: (host, rest) => decide(host, `/deny ${rest}`) },
  { name: 'quit', usage: '/quit', help: 'leave (also Ctrl-D)', run: (host) => host.quit() },
];

/** The words are those a channel knows, too. */
async function decide(host: CommandHost, line: string): Promise<void> {
  const words = approvalWords(line);
  if (words === null) host.say('That is no id of a request; /approve and /deny take what was shown, or its beginning.');
  else await host.decide(words.decision, words.id);
}

const KEYS = [
  'Several lines: end a line with \\, press Alt-Enter, paste, or open a ``` fence.',
  'Ctrl-C stops an answer; twice it leaves.',
  'A message that begins with // is sent with one /.',
];

function helpText(): string {
  const width = Math.max(...COMMANDS.map(({ usage }) => usage.length));
  return [
    ...COMMANDS.map(({ usage, help }) => `  ${usage.padEnd(width)}  ${help}`),
    ...KEYS.map((line) => `  ${line}`),
  ].join('\n');
}

/** Whether a line is a command rather than a message. */
export function isSlashCommand(line: string): boolean {
  // A path such as /etc/hosts is something to talk about.
  return /^\/[a-z]+(?:\s|$)/.test(line) && !line.includes('\n');
}

/** Runs a command line; an unknown one is told with what was probably meant. */
export async function runSlashCommand(host: CommandHost, line: string): Promise<void> {
  const [word = '', ...rest] = line.slice(1).trim().split(/\s+/);
  const command = COMMANDS.find(({ name }) => name === word);
  if (command !== undefined) {
    await command.run(host, rest.join(' '));
    return;
  }
  const near = nearest(
    word,
    COMMANDS.map(({ name }) => name),
  );
  host.say(`There is no /${word}. ${near === undefined ? 'See /help.' : `Did you mean /${near}?`}`);
}
