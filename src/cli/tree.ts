// SPDX-License-Identifier: Apache-2.0
// The command tree: every command with its arguments and options, and the file that is imported only when it runs.

import { Argument, InvalidArgumentError } from 'commander';
import { CliCommand, CliOption } from './command.ts';

/** The longest list a command asks for. */
const MOST = 10_000;

function wholeNumber(least: number, most: number): (text: string) => string {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return text;
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
  };
}

function addSession(program: CliCommand): void {
  const session = program.command('session').summary('conversations: list, show').helpGroup('See inside:');
  session
    .command('list')
    .summary('list sessions, newest activity first')
    .option('--workspace <W>', 'only those of this workspace')
    .option('--limit <N>', 'at most this many (default 50)', wholeNumber(1, MOST))
    .runs(() => import('./session-list.ts'));
  session
    .command('show')
    .summary('a session and its messages')
    .argument('<ID>', 'the session')
    .runs(() => import('./session-show.ts'));
}

function addMemory(program: CliCommand): void {
  const memory = program.command('memory').summary('what was said: search, recall').helpGroup('See inside:');
  memory
    .command('search')
    .summary('find messages by their words, best first')
    .description('Messages with all the words come first; "words in quotes" stand next to each other.')
    .argument('<WORDS...>', 'what to look for')
    .option('--workspace <W>', 'the workspace; your own when absent')
    .option('--session <S>', 'only this session')
    .addOption(new CliOption('--role <R>', 'only what they said: user, assistant, system or tool').choices(ROLES))
    .option('--from <TIME>', 'only from this time on, as RFC 3339 or a date')
    .option('--to <TIME>', 'only before this time')
    .option('--all', 'only messages with all the words')
    .option('--limit <N>', 'at most this many (default 20)', wholeNumber(1, MOST))
    .runs(() => import('./memory-search.ts'));
  memory
    .command('recall')
    .summary('what a text brings to mind: messages and summaries')
    .argument('<WORDS...>', 'the text')
    .option('--workspace <W>', 'the workspace; your own when absent')
    .option('--session <S>', 'only this session')
    .option('--limit <N>', 'at most this many of each kind (default 10)', wholeNumber(1, 200))
    .runs(() => import('./memory-recall.ts'));
}

function addConfig(program: CliCommand): void {
  const config = program
    .command('config')
    .summary('the configuration: show, get, validate, schema')
    .helpGroup('Set up:');
  config
    .command('show')
    .summary('the whole configuration with defaults, secrets hidden')
    .runs(() => import('./config-show.ts'));
  config
    .command('get')
    .summary('one value')
    .argument('<KEY>', 'dotted, such as networking.listen')
    .runs(() => import('./config-get.ts'));
  config
    .command('validate')
    .summary('check a file: every problem with its line, key, what was found and what is allowed')
    .argument('[FILE]', 'the file to check; the one in use when absent')
    .runs(() => import('./config-validate.ts'));
  config
    .command('schema')
    .summary('the JSON Schema of sigil.yaml')
    .runs(() => import('./config-schema.ts'));
}

const ROLES = ['user', 'assistant', 'system', 'tool'];
const KINDS = ['gateway', 'channel', 'workspace', 'session', 'provider', 'budget', 'store', 'thread', 'plugin', 'node'];

/** The whole tree, made anew; the options of the program are those every command takes. */
export function createProgram(): CliCommand {
  const program = new CliCommand('sigil')
    .summary('a self-hosted gateway between people and AI agents')
    .optionsGroup('Global Options:')
    .addOption(new CliOption('--config <PATH>', 'the configuration file').completesWith('file'))
    .addOption(new CliOption('--data-dir <DIR>', 'where data is kept').completesWith('directory'))
    .option('--url <URL>', 'a running gateway to talk to')
    .option('--json', 'one JSON document on stdout and nothing else')
    .option('--verbose', 'say more; errors with their stack')
    .option('--no-color', 'no colours (also NO_COLOR)')
    .option('-h, --help', 'help about the command')
    .option('-V, --version', 'the version');
  program
    .command('start')
    .summary('run the gateway in the foreground')
    .description('SIGTERM or SIGINT drains and ends it; a second signal ends it at once.')
    .helpGroup('Run and talk:')
    .option('--listen <HOST:PORT>', 'where to listen, instead of networking.listen')
    .option('--threads <N>', 'lane threads, instead of gateway.threads')
    .addOption(new CliOption('--chat-if-tty', 'with a chat attached when it runs on a terminal').hideHelp())
    .runs(() => import('./start.ts'), { ownSignals: true });
  program
    .command('chat')
    .summary('talk to the agent')
    .description(
      'With a message, or one piped to stdin, it answers once; without, it is a conversation.\n' +
        'When no gateway runs it starts one inside itself, which other chats join.',
    )
    .helpGroup('Run and talk:')
    .argument('[MESSAGE...]', 'what to say')
    .option('--workspace <W>', 'the workspace it belongs to')
    .option('--session <S>', 'go on with this session')
    .option('--model <P/M>', 'the model to answer, as provider/model')
    .runs(() => import('./chat.ts'), { ownSignals: true });
  program
    .command('status')
    .summary('how the gateway is')
    .helpGroup('See inside:')
    .runs(() => import('./status.ts'));
  program
    .command('actors')
    .summary('the live actors, or one of them')
    .helpGroup('See inside:')
    .argument('[ADDRESS]', 'one actor, such as session/ID')
    .option('--watch', 'keep watching; on a terminal it redraws like top')
    .addOption(new CliOption('--kind <K>', 'only actors of this kind').completesWith(KINDS))
    .runs(() => import('./actors.ts'), { ownSignals: true });
  addSession(program);
  addMemory(program);
  addConfig(program);
  program
    .command('completion')
    .summary('a completion script for your shell')
    .description(
      'bash: source <(sigil completion bash)\nzsh:  source <(sigil completion zsh)\nfish: sigil completion fish | source',
    )
    .helpGroup('Set up:')
    .addArgument(new Argument('<SHELL>', 'bash, zsh or fish').choices(['bash', 'zsh', 'fish']))
    .runs(() => import('./completion.ts'));
  program
    .command('version')
    .summary('version, commit, node version, platform')
    .helpGroup('About:')
    .runs(() => import('./version.ts'));
  program
    .command('help')
    .summary('help about a command')
    .helpGroup('About:')
    .argument('[COMMAND...]', 'the command')
    .runs(() => import('./help.ts'));
  return program;
}
