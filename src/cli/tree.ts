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
  const session = program
    .command('session')
    .summary('conversations: list, show, export, import')
    .helpGroup('See inside:');
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
  session
    .command('export')
    .summary('a session as a file')
    .argument('<SESSION>', 'the session')
    .addOption(
      new CliOption('--format <FORMAT>', 'jsonl, which can be imported again (default), or markdown')
        .choices(['jsonl', 'markdown'])
        .completesWith(['jsonl', 'markdown']),
    )
    .addOption(new CliOption('--output <FILE>', 'write to this file instead of stdout').completesWith('file'))
    .runs(() => import('./session-export.ts'));
  session
    .command('import')
    .summary('take in an exported session; doing it again is safe')
    .description('It keeps its id where that is free. FILE - reads stdin.')
    .argument('<FILE>', 'a file of `sigil session export`, in jsonl')
    .option('--workspace <W>', 'put it there instead of into the workspace it was exported from')
    .runs(() => import('./session-import.ts'));
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

function addBackup(program: CliCommand): void {
  const backup = program.command('backup').summary('backups: create, verify, restore').helpGroup('Keep data safe:');
  backup
    .command('create')
    .summary('back up all data in one archive, also while the gateway runs')
    .description(
      'The archive is a gzipped tar with a checksum of every file; it is read back before it gets its name.\n' +
        'Secrets stay out of it unless asked for: the owner token and stored secrets. FILE - writes to stdout.',
    )
    .argument('<FILE>', 'the archive to write')
    .option('--with-secrets', 'also the owner token and stored secrets: whoever has the archive then has them')
    .option('--force', 'replace the file if it is there')
    .runs(() => import('./backup-create.ts'));
  backup
    .command('verify')
    .summary('read a backup to its end and hold it against its checksums')
    .argument('<FILE>', 'the archive')
    .runs(() => import('./backup-verify.ts'));
  backup
    .command('restore')
    .summary('put a backup in the place of what is in the data directory')
    .description(
      'Everything is checked before anything is replaced, and no gateway may run. What was there is kept until it is done;\n' +
        'a restore that is cut short is finished or forgotten by the next start.',
    )
    .argument('<FILE>', 'the archive')
    .runs(() => import('./backup-restore.ts'));
}

function addDoctor(program: CliCommand): void {
  const doctor = program
    .command('doctor')
    .summary('what is well, what is not, and the command that mends it')
    .description('It only looks, with or without a running gateway; exit status 1 when something failed.')
    .helpGroup('Keep data safe:')
    .option('--thorough', 'compare every index of every database, however large')
    .runs(() => import('./doctor.ts'));
  doctor
    .command('rebuild')
    .summary('make views anew from the journal, while no gateway runs')
    .argument('[VIEW...]', 'a file such as gateway.db, or a workspace; all when absent')
    .option('--accept-loss', 'of a trimmed journal make what can be made, and do without the rest')
    .runs(() => import('./doctor-rebuild.ts'));
}

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
  addBackup(program);
  addDoctor(program);
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
