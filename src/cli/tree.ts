// SPDX-License-Identifier: Apache-2.0
// The command tree as data: parsing, help and completion are all made from it.

import type { CommandSpec, OptionSpec } from './command.ts';

const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { name: 'config', value: 'PATH', help: 'the configuration file', complete: 'file' },
  { name: 'data-dir', value: 'DIR', help: 'where data is kept', complete: 'directory' },
  { name: 'url', value: 'URL', help: 'a running gateway to talk to' },
  { name: 'json', help: 'one JSON document on stdout and nothing else' },
  { name: 'verbose', help: 'say more; errors with their stack' },
  { name: 'no-color', help: 'no colours (also NO_COLOR)' },
  { name: 'help', short: 'h', help: 'help about the command' },
  { name: 'version', short: 'V', help: 'the version' },
];

const SESSION: CommandSpec = {
  name: 'session',
  summary: 'conversations: list, show',
  commands: [
    {
      name: 'list',
      summary: 'list sessions, newest activity first',
      options: [
        { name: 'workspace', value: 'W', help: 'only those of this workspace' },
        { name: 'limit', value: 'N', help: 'at most this many (default 50)' },
      ],
      load: () => import('./session-list.ts'),
    },
    {
      name: 'show',
      summary: 'a session and its messages',
      arguments: [{ name: 'ID', help: 'the session', required: true }],
      load: () => import('./session-show.ts'),
    },
  ],
};

const CONFIG: CommandSpec = {
  name: 'config',
  summary: 'the configuration: show, get, validate, schema',
  commands: [
    {
      name: 'show',
      summary: 'the whole configuration with defaults, secrets hidden',
      load: () => import('./config-show.ts'),
    },
    {
      name: 'get',
      summary: 'one value',
      arguments: [{ name: 'KEY', help: 'dotted, such as networking.listen', required: true }],
      load: () => import('./config-get.ts'),
    },
    {
      name: 'validate',
      summary: 'check a file: every problem with its line, key, what was found and what is allowed',
      arguments: [{ name: 'FILE', help: 'the file to check; the one in use when absent' }],
      load: () => import('./config-validate.ts'),
    },
    {
      name: 'schema',
      summary: 'the JSON Schema of sigil.yaml',
      load: () => import('./config-schema.ts'),
    },
  ],
};

/** The program: its options are those every command takes. */
export const PROGRAM: CommandSpec = {
  name: 'sigil',
  summary: 'a self-hosted gateway between people and AI agents',
  options: GLOBAL_OPTIONS,
  commands: [
    {
      name: 'start',
      summary: 'run the gateway in the foreground',
      details: ['SIGTERM or SIGINT drains and ends it; a second signal ends it at once.'],
      options: [
        { name: 'listen', value: 'HOST:PORT', help: 'where to listen, instead of networking.listen' },
        { name: 'threads', value: 'N', help: 'lane threads, instead of gateway.threads' },
        { name: 'chat-if-tty', help: 'with a chat attached when it runs on a terminal', hidden: true },
      ],
      ownSignals: true,
      load: () => import('./start.ts'),
    },
    {
      name: 'chat',
      summary: 'talk to the agent',
      details: [
        'With a message, or one piped to stdin, it answers once; without, it is a conversation.',
        'When no gateway runs it starts one inside itself, which other chats join.',
      ],
      arguments: [{ name: 'MESSAGE', help: 'what to say', variadic: true }],
      options: [
        { name: 'workspace', value: 'W', help: 'the workspace it belongs to' },
        { name: 'session', value: 'S', help: 'go on with this session' },
        { name: 'model', value: 'P/M', help: 'the model to answer, as provider/model' },
      ],
      ownSignals: true,
      load: () => import('./chat.ts'),
    },
    {
      name: 'status',
      summary: 'how the gateway is',
      load: () => import('./status.ts'),
    },
    {
      name: 'actors',
      summary: 'the live actors, or one of them',
      arguments: [{ name: 'ADDRESS', help: 'one actor, such as session/ID' }],
      options: [
        { name: 'watch', help: 'keep watching; on a terminal it redraws like top' },
        {
          name: 'kind',
          value: 'K',
          help: 'only actors of this kind',
          complete: [
            'gateway',
            'channel',
            'workspace',
            'session',
            'provider',
            'budget',
            'store',
            'thread',
            'plugin',
            'node',
          ],
        },
      ],
      ownSignals: true,
      load: () => import('./actors.ts'),
    },
    SESSION,
    CONFIG,
    {
      name: 'version',
      summary: 'version, commit, node version, platform',
      load: () => import('./version.ts'),
    },
    {
      name: 'completion',
      summary: 'a completion script for your shell',
      details: [
        'bash: source <(sigil completion bash)',
        'zsh:  source <(sigil completion zsh)',
        'fish: sigil completion fish | source',
      ],
      arguments: [{ name: 'SHELL', help: 'bash, zsh or fish', required: true, choices: ['bash', 'zsh', 'fish'] }],
      load: () => import('./completion.ts'),
    },
    {
      name: 'help',
      summary: 'help about a command',
      arguments: [{ name: 'COMMAND', help: 'the command', variadic: true }],
      load: () => import('./help.ts'),
    },
  ],
};
