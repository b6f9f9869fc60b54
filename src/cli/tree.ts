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
    .summary('conversations: list, show, export, import, archive, delete')
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
    .command('archive')
    .summary('put a session away: it takes no more messages')
    .argument('<ID>', 'the session')
    .runs(() => import('./session-archive.ts'));
  session
    .command('delete')
    .summary('delete a session with all that was said in it')
    .argument('<ID>', 'the session')
    .option('--yes', 'without being asked')
    .runs(() => import('./session-delete.ts'));
  session
    .command('import')
    .summary('take in an exported session; doing it again is safe')
    .description('It keeps its id where that is free. FILE - reads stdin.')
    .argument('<FILE>', 'a file of `sigil session export`, in jsonl')
    .option('--workspace <W>', 'put it there instead of into the workspace it was exported from')
    .runs(() => import('./session-import.ts'));
}

function addMemory(program: CliCommand): void {
  const memory = program
    .command('memory')
    .summary('what was said and is known: search, recall, compact, facts, entities, graph')
    .helpGroup('See inside:');
  memory
    .command('search')
    .summary('find messages by their words, best first')
    .description('Messages with all the words come first; "words in quotes" stand next to each other.')
    .argument('<WORDS...>', 'what to look for')
    .option('--workspace <W>', 'the workspace; your own when absent')
    .option('--session <S>', 'only this session')
    .addOption(new CliOption('--role <R>', 'only what they said: user, assistant, system or tool').choices(SAID_BY))
    .option('--from <TIME>', 'only from this time on, as RFC 3339 or a date')
    .option('--to <TIME>', 'only before this time')
    .option('--all', 'only messages with all the words')
    .option('--limit <N>', 'at most this many (default 20)', wholeNumber(1, MOST))
    .runs(() => import('./memory-search.ts'));
  memory
    .command('recall')
    .summary('what a text brings to mind: facts, summaries and messages')
    .argument('<WORDS...>', 'the text')
    .option('--workspace <W>', 'the workspace; your own when absent')
    .option('--session <S>', 'only this session')
    .option('--limit <N>', 'at most this many of each kind (default 10)', wholeNumber(1, 200))
    .runs(() => import('./memory-recall.ts'));
  memory
    .command('compact')
    .summary('sum up now what left the window of sessions')
    .description(
      'Older messages are summed up by themselves once there are enough of them; this does it now, down to the last one.\n' +
        'It waits for the end and shows how far it is. What fails is as it was, and is tried again.',
    )
    .option('--workspace <W>', 'the workspace; your own when absent')
    .option('--session <S>', 'only this session')
    .runs(() => import('./memory-compact.ts'));
  memory
    .command('facts')
    .summary('what is known, newest first')
    .option('--workspace <W>', 'the workspace; your own when absent')
    .option('--entity <ID>', 'only about this entity')
    .option('--predicate <P>', 'only with this predicate')
    .option('--limit <N>', 'at most this many (default 50)', wholeNumber(1, MOST))
    .runs(() => import('./memory-facts.ts'));
  memory
    .command('entities')
    .summary('the things that are known, by their names')
    .argument('[PREFIX]', 'only those whose name begins so, in any case')
    .option('--workspace <W>', 'the workspace; your own when absent')
    .option('--type <T>', 'only of this type')
    .option('--limit <N>', 'at most this many (default 50)', wholeNumber(1, MOST))
    .runs(() => import('./memory-entities.ts'));
  memory
    .command('graph')
    .summary('what stands in relation to an entity')
    .argument('<ENTITY>', 'its id, as `sigil memory entities` shows it')
    .option('--workspace <W>', 'the workspace; your own when absent')
    .option('--depth <N>', 'steps from it (default 2)', wholeNumber(0, 8))
    .option('--type <T>', 'only along relationships of this type')
    .runs(() => import('./memory-graph.ts'));
}

const PEOPLE = 'People and access:';

function addUser(program: CliCommand): void {
  const user = program
    .command('user')
    .summary('users: list, add, change, link, unlink, remove, export, erase')
    .helpGroup(PEOPLE);
  user
    .command('list')
    .summary('list users, those of the configuration first')
    .option('--limit <N>', 'at most this many (default 50)', wholeNumber(1, MOST))
    .runs(() => import('./user-list.ts'));
  user
    .command('add')
    .summary('make a user')
    .argument('<ID>', 'a short id: lowercase letters, digits, ":", "_" and "-"')
    .option('--name <NAME>', 'the name shown')
    .addOption(new CliOption('--role <ROLE>', 'what they may do (default member)').choices(ROLES).completesWith(ROLES))
    .runs(() => import('./user-add.ts'));
  user
    .command('change')
    .summary('give a user another name or role')
    .argument('<ID>', 'the user')
    .option('--name <NAME>', 'the name shown')
    .addOption(new CliOption('--role <ROLE>', 'what they may do').choices(ROLES).completesWith(ROLES))
    .runs(() => import('./user-change.ts'));
  user
    .command('link')
    .summary('say who a user is on a platform')
    .argument('<ID>', 'the user')
    .argument('<CHANNEL>', 'the type of channel, such as telegram')
    .argument('<PLATFORM-ID>', 'their id there')
    .option('--name <NAME>', 'the name they have there')
    .runs(() => import('./user-link.ts'));
  user
    .command('unlink')
    .summary('take back who a user is on a platform')
    .argument('<ID>', 'the user')
    .argument('<CHANNEL>', 'the type of channel')
    .argument('<PLATFORM-ID>', 'their id there')
    .runs(() => import('./user-unlink.ts'));
  user
    .command('remove')
    .summary('remove a user; their pairings and tokens go with them')
    .argument('<ID>', 'the user')
    .runs(() => import('./user-remove.ts'));
  user
    .command('export')
    .summary('everything that is held about somebody, as one JSON document')
    .argument('<ID>', 'the user')
    .addOption(new CliOption('--output <FILE>', 'where to write it (default stdout)').completesWith('file'))
    .runs(() => import('./user-export.ts'));
  user
    .command('erase')
    .summary('erase everything that is held about somebody, for good')
    .description(
      'Sessions, messages, memory, facts and vectors are gone from every file, the journal included, with the user, their\n' +
        'pairings and tokens. What others wrote stays. Backups are not reached. It asks for the id to be typed.',
    )
    .argument('<ID>', 'the user')
    .option('--yes', 'without being asked')
    .runs(() => import('./user-erase.ts'));
}

function addPairing(program: CliCommand): void {
  const pairing = program
    .command('pairing')
    .summary('who may write by which channel: list, approve, deny, remove, code')
    .helpGroup(PEOPLE);
  pairing
    .command('list')
    .summary('who may write by which channel, or wants to')
    .addOption(new CliOption('--status <S>', 'only these').choices(STATUSES).completesWith(STATUSES))
    .option('--limit <N>', 'at most this many (default 50)', wholeNumber(1, MOST))
    .runs(() => import('./pairing-list.ts'));
  pairing
    .command('approve')
    .summary('let somebody in')
    .argument('<ID>', 'the pairing')
    .option('--user <ID>', 'who they are (default somebody new)')
    .addOption(
      new CliOption('--role <ROLE>', 'what somebody new may do (default member)').choices(ROLES).completesWith(ROLES),
    )
    .runs(() => import('./pairing-approve.ts'));
  pairing
    .command('deny')
    .summary('keep somebody out')
    .argument('<ID>', 'the pairing')
    .runs(() => import('./pairing-deny.ts'));
  pairing
    .command('remove')
    .summary('forget a pairing: who had it is a stranger again')
    .argument('<ID>', 'the pairing')
    .runs(() => import('./pairing-remove.ts'));
  pairing
    .command('code')
    .summary('make a code that lets in whoever first sends it')
    .description('It is good once, for 10 minutes, on one channel: they send /pair CODE. It alone goes to stdout.')
    .requiredOption('--channel <NAME>', 'the channel, as the configuration calls it')
    .option('--user <ID>', 'who they are then (default somebody new)')
    .option('--workspace <W>', 'let them into this workspace (default their own)')
    .addOption(
      new CliOption('--role <ROLE>', 'what somebody new may do (default member)').choices(ROLES).completesWith(ROLES),
    )
    .runs(() => import('./pairing-code.ts'));
}

function addWorkspace(program: CliCommand): void {
  const workspace = program
    .command('workspace')
    .summary('workspaces: list, show, create, change, delete')
    .helpGroup(PEOPLE);
  workspace
    .command('list')
    .summary('the workspaces you may enter')
    .option('--limit <N>', 'at most this many (default 50)', wholeNumber(1, MOST))
    .runs(() => import('./workspace-list.ts'));
  workspace
    .command('show')
    .summary('who is in a workspace, and which conversations belong to it')
    .argument('<ID>', 'the workspace')
    .runs(() => import('./workspace-show.ts'));
  const fields = (command: CliCommand): CliCommand =>
    command
      .option('--description <TEXT>', 'what it is for')
      .option('--members <IDS>', 'who is in it: ids of users, with commas')
      .option('--bind <CONVERSATIONS>', 'which conversations belong to it: CHANNEL:ID, with commas');
  fields(workspace.command('create').summary('make a workspace').argument('<ID>', 'a short id')).runs(
    () => import('./workspace-create.ts'),
  );
  fields(
    workspace
      .command('change')
      .summary('give a workspace other members, conversations or another description')
      .description('What is given takes the place of what was; what is not stays.')
      .argument('<ID>', 'the workspace'),
  ).runs(() => import('./workspace-change.ts'));
  workspace
    .command('delete')
    .summary('close a workspace: nobody enters it, what was said in it stays, its id is not given again')
    .argument('<ID>', 'the workspace')
    .runs(() => import('./workspace-delete.ts'));
}

function addApproval(program: CliCommand): void {
  const approval = program
    .command('approval')
    .summary('tool calls that wait for a person: list, approve, deny')
    .helpGroup(PEOPLE);
  approval
    .command('list')
    .summary('tool calls that wait for a person')
    .option('--limit <N>', 'at most this many (default 50)', wholeNumber(1, MOST))
    .runs(() => import('./approval-list.ts'));
  approval
    .command('approve')
    .summary('let a tool call run')
    .argument('<ID>', 'the request, or how its id begins')
    .runs(() => import('./approval-approve.ts'));
  approval
    .command('deny')
    .summary('refuse a tool call')
    .argument('<ID>', 'the request, or how its id begins')
    .runs(() => import('./approval-deny.ts'));
}

function addToken(program: CliCommand): void {
  const token = program.command('token').summary('tokens for the API: list, create, revoke').helpGroup(PEOPLE);
  token
    .command('list')
    .summary('list tokens, without what they are')
    .option('--user <ID>', 'only those of this user')
    .option('--limit <N>', 'at most this many (default 50)', wholeNumber(1, MOST))
    .runs(() => import('./token-list.ts'));
  token
    .command('create')
    .summary('make a token; it is shown this once')
    .option('--user <ID>', 'the user who speaks with it (default you)')
    .option('--name <NAME>', 'what it is for')
    .option(
      '--permissions <LIST>',
      'what it may do, with commas: admin:debug,workspace:homelab (default whatever its user may)',
    )
    .option('--expires <TIME>', 'when it ends: in 30d, 12h, or 2027-01-31; never when absent')
    .runs(() => import('./token-create.ts'));
  token
    .command('revoke')
    .summary('revoke a token: it stops at once')
    .argument('<ID>', 'the token')
    .runs(() => import('./token-revoke.ts'));
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'];
const LOG_LINES_MOST = 2_000;

const TIME_HELP = 'Times are like 2026-11-20T12:00:00Z, 2026-11-20, or so long ago: 30m, 24h, 7d.';

function addAudit(program: CliCommand): void {
  const audit = program.command('audit').summary('what was done: query, verify').helpGroup('See inside:');
  audit
    .command('query')
    .summary('entries of the audit, newest first')
    .description(TIME_HELP)
    .option('--action <A>', 'only this action, such as token.created')
    .option('--actor <ID>', 'only what this user did')
    .option('--workspace <W>', 'only what is of this workspace')
    .option('--from <TIME>', 'nothing before')
    .option('--to <TIME>', 'only what is before')
    .option('--limit <N>', 'at most this many (default 50)', wholeNumber(1, MOST))
    .runs(() => import('./audit-query.ts'));
  audit
    .command('verify')
    .summary('walk the chain; names the first entry that was changed, removed, inserted or moved')
    .description('Exit status 1 when there is one.')
    .option('--head', 'print the newest entry as N:HASH, to be kept somewhere else')
    .option('--kept <N:HASH>', 'a head that was kept: the entries up to it must be the same')
    .runs(() => import('./audit-verify.ts'));
}

function addCapability(program: CliCommand): void {
  const capability = program
    .command('capability')
    .summary('what people may do: matrix, explain')
    .helpGroup('See inside:');
  capability
    .command('matrix')
    .summary('what each role may do, workspace by workspace')
    .description("A no names whose it is: the workspace's or the user's.")
    .runs(() => import('./capability-matrix.ts'));
  capability
    .command('explain')
    .summary('whether somebody may do something somewhere, and why')
    .argument('<USER>', 'the id of the user')
    .argument('<WORKSPACE>', 'the workspace, such as personal:anna')
    .argument('<CAPABILITY>', 'such as exec.sandboxed, or the name of a tool')
    .runs(() => import('./capability-explain.ts'));
}

const TRACE_KINDS = ['request', 'answer', 'events'];

function addProvider(program: CliCommand): void {
  const provider = program
    .command('provider')
    .summary('providers of models: list, health, models, trace')
    .helpGroup('See inside:');
  provider
    .command('list')
    .summary('the providers there are, and how each is')
    .description('Without a running gateway it shows those of the configuration.')
    .runs(() => import('./provider-list.ts'));
  provider
    .command('health')
    .summary('what is wrong with providers, and what mends it')
    .description('Exit status 1 when one of them, or of their models, cannot be asked.')
    .argument('[NAME]', 'one provider; all when absent')
    .runs(() => import('./provider-health.ts'));
  provider
    .command('models')
    .summary('the models that can be chosen: what vendors list now, with what is known without asking')
    .description('Without a running gateway it shows what is known without asking.')
    .argument('[NAME]', 'one provider; all when absent')
    .runs(() => import('./provider-models.ts'));
  provider
    .command('trace')
    .summary('follow what is sent to vendors and what they answer, to the last byte')
    .description(
      'Requests with their headers and bodies, answers as they come, and the events made of them, of every call that begins\n' +
        'while it runs; keys are hidden. It shows what people write, so it needs the permission admin:*. With --json each\n' +
        'entry is a JSON document on a line of its own.',
    )
    .argument('[NAME]', 'one provider; all when absent')
    .addOption(
      new CliOption('--only <WHAT>', 'only requests, only answers, or only the events made of them')
        .choices(TRACE_KINDS)
        .completesWith(TRACE_KINDS),
    )
    .runs(() => import('./provider-trace.ts'), { ownSignals: true });
}

function addChannel(program: CliCommand): void {
  const channel = program.command('channel').summary('channels: list, status, start, stop').helpGroup('See inside:');
  channel
    .command('list')
    .summary('the channels there are, and how each is')
    .runs(() => import('./channel-list.ts'));
  channel
    .command('status')
    .summary('one whole, with what it could not say; 1 when it needs somebody')
    .argument('<NAME>', 'the channel')
    .runs(() => import('./channel-status.ts'));
  channel
    .command('start')
    .summary('connect one, at once whatever it waits for')
    .argument('<NAME>', 'the channel')
    .runs(() => import('./channel-start.ts'));
  channel
    .command('stop')
    .summary('let go of one')
    .description(
      'It lasts until `sigil channel start`, or until the gateway is started anew. What is to be said waits.',
    )
    .argument('<NAME>', 'the channel')
    .runs(() => import('./channel-stop.ts'));
}

function addAgent(program: CliCommand): void {
  const agent = program.command('agent').summary('the agent as a whole: pause, resume').helpGroup('See inside:');
  agent
    .command('pause')
    .summary('begin no new turn; messages are taken and wait')
    .description('Turns that run are finished. It lasts until `sigil agent resume`, over restarts of the gateway too.')
    .option('--reason <TEXT>', 'why, for those who look at the status')
    .runs(() => import('./agent-pause.ts'));
  agent
    .command('resume')
    .summary('begin the turns that wait')
    .runs(() => import('./agent-resume.ts'));
}

function addMcp(program: CliCommand): void {
  const mcp = program.command('mcp').summary('MCP servers: list, tools, reconnect').helpGroup('See inside:');
  mcp
    .command('list')
    .summary('the MCP servers there are, and how each is')
    .runs(() => import('./mcp-list.ts'));
  mcp
    .command('tools')
    .summary('the tools they offer, by the names that workspaces allow, and those that are left out')
    .argument('[NAME]', 'one server; all when absent')
    .runs(() => import('./mcp-tools.ts'));
  mcp
    .command('reconnect')
    .summary('connect to one anew, at once')
    .argument('<NAME>', 'the server')
    .runs(() => import('./mcp-reconnect.ts'));
}

function addUsage(program: CliCommand): void {
  program
    .command('usage')
    .summary('tokens and cost, in total or by provider, model, workspace, user or session')
    .description(TIME_HELP)
    .helpGroup('See inside:')
    .addOption(new CliOption('--by <WHAT>', 'what is added up (default model)').choices(BYS).completesWith(BYS))
    .option('--from <TIME>', 'from the hour that holds this')
    .option('--to <TIME>', 'hours that begin before')
    .option('--workspace <W>', 'only what was used in this workspace')
    .option('--hourly', 'a line for each hour')
    .option('--daily', 'a line for each day, UTC')
    .option('--limit <N>', 'at most this many lines (default 50)', wholeNumber(1, MOST))
    .runs(() => import('./usage.ts'));
}

const ROLES = ['owner', 'admin', 'member', 'guest'];
const STATUSES = ['active', 'pending', 'denied'];
const BYS = ['total', 'provider', 'model', 'workspace', 'user', 'session'];

const STAGES = ['input', 'tool', 'output'];

function addScanner(program: CliCommand): void {
  const scanner = program
    .command('scanner')
    .summary('the scanner: try a text, list its rules')
    .helpGroup('See inside:');
  scanner
    .command('test')
    .summary('what the scanner would do with a text, and by which rule')
    .description(
      'Under the modes of the configuration, without a gateway: nothing is sent, kept or noted. TEXT -, or no text with\n' +
        'something piped in, reads stdin.',
    )
    .argument('[TEXT...]', 'the text')
    .addOption(
      new CliOption('--stage <STAGE>', 'as a message (input, default), a result of a tool, or a reply (output)')
        .choices(STAGES)
        .completesWith(STAGES),
    )
    .runs(() => import('./scanner-test.ts'));
  scanner
    .command('rules')
    .summary('every rule: its id, what it looks for, and how grave that is')
    .runs(() => import('./scanner-rules.ts'));
}

function addInit(program: CliCommand): void {
  program
    .command('init')
    .summary('write a sigil.yaml that explains itself')
    .description(
      'On a terminal it asks for a provider with its key and for a channel; keys are kept as secrets and referred to, never\n' +
        'written in plain. It is written to this directory, or where --config says. What is there already stays.',
    )
    .helpGroup('Set up:')
    .option('--yes', 'ask nothing')
    .option('--force', 'replace a file that is there; a copy of it is kept beside')
    .runs(() => import('./init.ts'));
}

function addBench(program: CliCommand): void {
  program
    .command('bench')
    .summary('how fast this installation is: turns a second, latency, the disk')
    .description(
      'It starts a gateway of its own in a directory on the disk of the data, with the offline model, and removes it again: nothing is\n' +
        'sent, and no data is touched.',
    )
    .helpGroup('Keep data safe:')
    .option('--seconds <N>', 'how long turns run (default 5)', wholeNumber(1, 300))
    .option('--sessions <N>', 'how many conversations at once (default 32)', wholeNumber(1, 1_000))
    .runs(() => import('./bench.ts'));
}

function addConfig(program: CliCommand): void {
  const config = program
    .command('config')
    .summary('the configuration: show, get, set, unset, validate, reload, schema')
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
    .command('set')
    .summary('set one value in the file; its comments and layout stay')
    .description(
      'The whole file is checked with the change in it, and written only when nothing is wrong. A list or a map is JSON, a list\n' +
        'of words may have commas; VALUE - reads stdin. Names with dots stand in quotes: models.pricing["openai/gpt-4.1"].input.\n' +
        'Where there is no file yet, ~/.config/sigil/sigil.yaml is made. What a running gateway takes up by itself, and\n' +
        'what waits for a restart, is told.',
    )
    .argument('<KEY>', 'dotted, such as networking.listen or users[0].name')
    .argument('<VALUE>', 'the value, as the file would have it')
    .option('--plain', 'write a secret as it is, for whoever can read the file to see')
    .runs(() => import('./config-set.ts'));
  config
    .command('unset')
    .summary('take a value, an entry or an item out of the file: the default is in force again')
    .argument('<KEY>', 'as for `sigil config set`')
    .runs(() => import('./config-unset.ts'));
  config
    .command('validate')
    .summary('check a file: every problem with its line, key, what was found and what is allowed')
    .argument('[FILE]', 'the file to check; the one in use when absent')
    .runs(() => import('./config-validate.ts'));
  config
    .command('reload')
    .summary('have a running gateway read it again at once: what is applied, what waits for a restart')
    .description(
      'It follows its file by itself; this is for a secret in another file that is a new one, and to be told.',
    )
    .runs(() => import('./config-reload.ts'));
  config
    .command('schema')
    .summary('the JSON Schema of sigil.yaml')
    .runs(() => import('./config-schema.ts'));
}

const SAID_BY = ['user', 'assistant', 'system', 'tool'];
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
    .description(
      'It only looks, with or without a running gateway; exit status 1 when something failed. Providers get a real call each, and\n' +
        'channels of a gateway that does not run are signed in to, where that says and takes nothing.',
    )
    .helpGroup('Keep data safe:')
    .option('--fix', 'mend what can be mended without losing anything: modes, an empty owner.token, a socket left over')
    .option('--thorough', 'compare every index of every database, however large')
    .runs(() => import('./doctor.ts'));
  doctor
    .command('rebuild')
    .summary('make views anew from the journal, while no gateway runs')
    .argument('[VIEW...]', 'a file such as gateway.db, or a workspace; all when absent')
    .option('--accept-loss', 'of a trimmed journal make what can be made, and do without the rest')
    .runs(() => import('./doctor-rebuild.ts'));
}

/** Words on a command line are read by every user of the machine, and kept in the shell's history. */
const NO_VALUE = {
  message: 'The value of a secret is never taken from the command line.',
  advice:
    'Other users can see it there, and the shell keeps it. Run `sigil secret set NAME` and type it, or pipe it: `sigil secret set NAME < FILE`.',
} as const;

function addSecret(program: CliCommand): void {
  const secret = program.command('secret').summary('secrets: set, list, remove').helpGroup('Set up:');
  secret
    .command('set')
    .summary('keep a secret, to be referred to as keyring://service/account')
    .description('The value is asked for without being shown, or read from stdin; it is never an argument.')
    .argument('<NAME>', 'service/account; a name alone is sigil/NAME')
    .refusing(NO_VALUE.message, NO_VALUE.advice)
    .runs(() => import('./secret-set.ts'));
  secret
    .command('list')
    .summary('names of secrets, when they were set and what refers to them; never values')
    .runs(() => import('./secret-list.ts'));
  secret
    .command('remove')
    .summary('forget a secret')
    .argument('<NAME>', 'service/account; a name alone is sigil/NAME')
    .option('--yes', 'without being asked')
    .runs(() => import('./secret-remove.ts'));
}

function addSkill(program: CliCommand): void {
  const skill = program
    .command('skill')
    .summary('skills: list, show, install, copy, link, remove')
    .helpGroup('Set up:');
  const workspace = (): CliOption => new CliOption('--workspace <W>', 'the workspace, or @shared (default your own)');
  skill
    .command('list')
    .summary('skills of a workspace, when each applies, and what is wrong with them')
    .addOption(workspace())
    .runs(() => import('./skill-list.ts'));
  skill
    .command('show')
    .summary('what a skill says, and the files in its folder')
    .argument('<NAME>', 'the skill')
    .addOption(workspace())
    .runs(() => import('./skill-show.ts'));
  skill
    .command('install')
    .summary('bring a skill from a folder or an archive (tar, tar.gz, zip)')
    .argument('<PATH>', 'the folder with its SKILL.md, or the archive')
    .addOption(workspace())
    .option('--name <NAME>', 'which of several in it, and what it is called (default its own name)')
    .option('--replace', 'in place of one of the same name')
    .runs(() => import('./skill-install.ts'));
  skill
    .command('copy')
    .summary('put a copy of a skill into another workspace')
    .argument('<NAME>', 'the skill')
    .addOption(workspace())
    .option('--to <W>', 'the workspace it goes to, or @shared')
    .option('--replace', 'in place of one of the same name')
    .runs(() => import('./skill-copy.ts'));
  skill
    .command('link')
    .summary('give another workspace a skill that stays where it is')
    .argument('<NAME>', 'the skill')
    .addOption(workspace())
    .option('--to <W>', 'the workspace that gets it, or @shared')
    .option('--replace', 'in place of one of the same name')
    .runs(() => import('./skill-link.ts'));
  skill
    .command('remove')
    .summary('remove a skill, or a link to one')
    .argument('<NAME>', 'the skill')
    .addOption(workspace())
    .option('--yes', 'without being asked')
    .runs(() => import('./skill-remove.ts'));
}

const KINDS = [
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
  'mcp',
  'pool',
  'sandbox',
];

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
    .runs(() => import('./start.ts'), { ownSignals: true, startsGateway: true });
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
    .command('open')
    .summary('open the web page in a browser, signed in')
    .description(
      'It makes a link that signs a browser in as you are here: once, within a minute. Where no browser can be opened the link\n' +
        'is printed. `sigil token revoke` of the token that was used signs the browser out.',
    )
    .helpGroup('See inside:')
    .option('--print', 'print the link and open nothing')
    .runs(() => import('./open.ts'));
  program
    .command('status')
    .summary('how the gateway is')
    .helpGroup('See inside:')
    .option('--watch', 'then what changes, a line each, until it is ended; with --json a document each')
    .runs(() => import('./status.ts'), { ownSignals: true });
  program
    .command('logs')
    .summary('the newest lines of the log; --follow goes on with those to come')
    .description(`A gateway that runs keeps its last 2,000 lines. ${TIME_HELP}`)
    .helpGroup('See inside:')
    .option('-f, --follow', 'then lines as they are written, until it is ended; with --json a document each')
    .addOption(new CliOption('--level <L>', 'this level and above: debug, info, warn, error').choices(LOG_LEVELS))
    .option('--session <S>', 'only about this session')
    .option('--turn <T>', 'only about this turn')
    .option('--request <ID>', 'only about the request with this id')
    .option('--grep <TEXT>', 'only lines that hold this text, in whatever case')
    .option('--since <TIME>', 'nothing before')
    .option('--lines <N>', 'at most this many that are there already (default 100)', wholeNumber(0, LOG_LINES_MOST))
    .runs(() => import('./logs.ts'), { ownSignals: true });
  program
    .command('actors')
    .summary('the live actors, or one of them')
    .helpGroup('See inside:')
    .argument('[ADDRESS]', 'one actor, such as session/ID')
    .option('--watch', 'keep watching; on a terminal it redraws like top')
    .addOption(new CliOption('--kind <K>', 'only actors of this kind').completesWith(KINDS))
    .runs(() => import('./actors.ts'), { ownSignals: true });
  addProvider(program);
  addChannel(program);
  addAgent(program);
  addMcp(program);
  addSession(program);
  addMemory(program);
  addBackup(program);
  addDoctor(program);
  addBench(program);
  addAudit(program);
  addCapability(program);
  addUsage(program);
  addUser(program);
  addPairing(program);
  addWorkspace(program);
  addApproval(program);
  addToken(program);
  addScanner(program);
  addInit(program);
  addConfig(program);
  addSecret(program);
  addSkill(program);
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
