// SPDX-License-Identifier: Apache-2.0
// Writes the reference pages that are made from the code: those in docs/reference/. `--check` only compares.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Argument } from 'commander';
import { z } from 'zod';
import { type CliCommand, pathOf, shownOptions } from '../src/cli/command.ts';
import { createProgram } from '../src/cli/tree.ts';
import { EFFECTS, effectOf } from '../src/config/change.ts';
import { described } from '../src/config/commented.ts';
import { envName, OTHER_ENV_NAMES } from '../src/config/env.ts';
import { ConfigSchema, defaultConfig } from '../src/config/schema.ts';
import { configShow } from '../src/config/show.ts';
import { allowedText, isMap, keysOf, type Schema, unwrap, valueAt } from '../src/config/walk.ts';
import { METRICS } from '../src/edge/metrics/definitions.ts';
import { ERRORS } from '../src/errors.ts';
import { httpPage } from './http-reference.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const GENERATED = '<!-- Made by `npm run docs`; change the code it is made from, not this file. -->';

/** Text for a table's cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** Text for a table's cell in which nothing is Markdown. */
function code(text: string): string {
  return text === '' ? '' : `\`${cell(text)}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

/** One sentence that begins with a capital and ends with a full stop. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

function argumentName(argument: Argument): string {
  return `${argument.name()}${argument.variadic ? '…' : ''}`;
}

function usage(command: CliCommand): string {
  const words = command.registeredArguments.map((argument) => {
    const name = argumentName(argument);
    return argument.required ? name : `[${name}]`;
  });
  const options = shownOptions(command).map(
    ({ name, value }) => `[--${name}${value === undefined ? '' : ` ${value}`}]`,
  );
  return ['sigil', ...pathOf(command), ...words, ...options].join(' ');
}

function optionRows(command: CliCommand): string[][] {
  return shownOptions(command).map(({ name, short, value, help }) => [
    code(`${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`),
    cell(help),
  ]);
}

function commandSection(command: CliCommand): string[] {
  const lines = [`## sigil ${pathOf(command).join(' ')}`, '', sentence(command.summary())];
  const details = command.description();
  // Lines such as `bash: …` are something to type.
  if (/^\w+: /.test(details)) lines.push('', '```text', details, '```');
  else if (details !== '') lines.push('', details);
  lines.push('', '```text', usage(command), '```');
  const rows = [
    ...command.registeredArguments.map((argument) => [code(argumentName(argument)), cell(argument.description)]),
    ...optionRows(command),
  ];
  if (rows.length > 0) lines.push('', ...table(['word', 'meaning'], rows));
  return [...lines, ''];
}

/** Commands that can be called, in the order of the tree; a noun alone is none. */
function callable(command: CliCommand): CliCommand[] {
  const below = command.commands.flatMap((child) => callable(child as CliCommand));
  return command.load === undefined ? below : [command, ...below];
}

function cliPage(): string {
  const program = createProgram();
  const commands = callable(program);
  const anchor = (name: string): string => name.replaceAll(' ', '-');
  const list = commands.map((command) => {
    const name = `sigil ${pathOf(command).join(' ')}`;
    return [`[\`${name}\`](#${anchor(name)})`, cell(sentence(command.summary()))];
  });
  return [
    '# Command line',
    '',
    GENERATED,
    '',
    'Installed it is `sigil`; in a checkout it is `bin/sigil`, which installs what a fresh clone lacks the first time it runs.',
    '`sigil help COMMAND` shows a page of this; `sigil help --json` gives the whole tree.',
    '',
    'Results go to stdout; logs, progress and errors to stderr. With `--json` stdout holds one JSON document and nothing else, also',
    'when the command fails (`{"error": {"code", "message", "advice"}}`); `actors --watch` has no end and takes no `--json`. An error',
    'is one sentence saying what is wrong and a second saying what to do next; `--verbose` adds the stack.',
    '',
    ...table(
      ['exit status', 'meaning'],
      [
        ['0', 'Done.'],
        ['1', 'Failed.'],
        ['2', 'Wrong usage.'],
        ['130', 'Interrupted.'],
      ],
    ),
    '',
    ...table(['command', 'does'], list),
    '',
    '## Options every command takes',
    '',
    ...table(['option', 'meaning'], optionRows(program)),
    '',
    'Which gateway a command talks to: `--url` or `$SIGIL_URL`; else the socket in the data directory; else the address the',
    'configuration names. The token is `$SIGIL_TOKEN`, else the one in `owner.token` of the data directory; that one is sent to',
    'another machine only when `--data-dir` is given.',
    '',
    ...commands.flatMap(commandSection),
  ].join('\n');
}

/** The settings under a place, each with its path; entries of a map and items of a list are written `<name>` and `[]`. */
function* settings(schema: Schema, path: string): Generator<readonly [string, Schema]> {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    for (const key of keysOf(inner)) yield* settings(inner.shape[key] as Schema, path === '' ? key : `${path}.${key}`);
    return;
  }
  yield [path, schema];
  if (inner instanceof z.ZodRecord && unwrap(inner.def.valueType) instanceof z.ZodObject) {
    yield* settings(inner.def.valueType, `${path}.<name>`);
  } else if (inner instanceof z.ZodArray && unwrap(inner.def.element) instanceof z.ZodObject) {
    yield* settings(inner.def.element, `${path}[]`);
  }
}

function ownDefault(schema: Schema): unknown {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return schema.def.defaultValue;
  return undefined;
}

function mapText(map: z.ZodRecord): string {
  return `a map; its entries follow, each under ${allowedText(map.def.keyType)}`;
}

/** How durations, sizes and secrets are written is said once, above the tables. */
function short(allowed: string): string {
  return allowed
    .replace(/^a (duration|size) such as .*, from (\S+) to (\S+)$/, 'a $1 from $2 to $3')
    .replace(/, \$\{NAME\}, file:\/\/\/path or keyring:\/\/service\/account$/, ' or a reference');
}

/** Whether a change is applied while the gateway runs; a part of an entry is as the entry. */
function appliedAt(path: string): string {
  const keys = path.replaceAll('[]', '').split('.');
  const own = effectOf(keys);
  if (own !== undefined) return own;
  const below = new Set(
    Object.entries(EFFECTS).flatMap(([row, effect]) => (row.startsWith(`${path}.`) ? [effect] : [])),
  );
  const [only] = below;
  if (below.size !== 1 || only === undefined) throw new Error(`${path}: not in the table of what is applied live`);
  return only;
}

function settingRow(path: string, schema: Schema, defaults: unknown): string[] {
  const inPlain = !path.includes('<') && !path.includes('[]');
  const usual = inPlain ? valueAt(defaults, path.split('.')) : ownDefault(schema);
  const shown = usual === undefined || (isMap(usual) && Object.keys(usual).length > 0) ? '' : JSON.stringify(usual);
  const inner = unwrap(schema);
  const map = inner instanceof z.ZodRecord && unwrap(inner.def.valueType) instanceof z.ZodObject;
  const list = inner instanceof z.ZodArray && unwrap(inner.def.element) instanceof z.ZodObject;
  const allowed = map ? mapText(inner) : list ? 'a list; its items follow' : allowedText(schema);
  return [code(path), code(shown), cell(described(schema)), cell(short(allowed)), appliedAt(path)];
}

function configPage(): string {
  const defaults = configShow(defaultConfig());
  const sections = keysOf(ConfigSchema).flatMap((key) => {
    const schema = ConfigSchema.shape[key as keyof typeof ConfigSchema.shape] as Schema;
    const rows = [...settings(schema, key)].map(([path, at]) => settingRow(path, at, defaults));
    return [
      `## ${key}`,
      '',
      described(schema),
      '',
      ...table(['key', 'default', 'meaning', 'allowed', 'applied'], rows),
      '',
    ];
  });
  return [
    '# Configuration',
    '',
    GENERATED,
    '',
    'Everything has a default, so no file is needed. The file is `sigil.yaml`, looked for in this order: `--config PATH`,',
    '`$SIGIL_CONFIG`, `./sigil.yaml`, `$XDG_CONFIG_HOME/sigil/sigil.yaml` (`~/.config/sigil/sigil.yaml`), `/etc/sigil/sigil.yaml`.',
    'Command line options come before the environment, the environment before the file, the file before the defaults.',
    '',
    'Any key can be set in the environment: `SIGIL_` and its path in capitals, every other character a `_`. For example',
    `\`networking.listen\` is \`SIGIL_${envName('networking.listen')}\`, \`models.budgets.per_hour_usd\` is \`SIGIL_${envName('models.budgets.per_hour_usd')}\`. An empty variable`,
    'counts as not set; an unknown `SIGIL_*` name is a warning. These mean something else and are no keys: ' +
      `${OTHER_ENV_NAMES.map((name) => `\`${name}\``).join(', ')}.`,
    '',
    'Values may hold `${NAME}` (from the environment) and `file:///path` (the text of a file); a secret may also be',
    '`keyring://service/account`, which `sigil secret set` keeps. [Secrets](../secrets.md) says what each protects against.',
    'Variables that begin with `SIGIL_SECRET_` are such secrets and no keys.',
    '',
    'Durations are `500ms`, `30s`, `15m`, `24h`, `30d` or milliseconds. Sizes are `512KB`, `1MB`, `2GB` (1 KB is 1024 bytes) or',
    'bytes. In the tables `<name>` stands for an entry of a map and `[]` for an item of a list.',
    '',
    '`sigil config validate [FILE]` reports every problem at once, each with file, line, key, what was found and what is allowed. A broken',
    'structure stops the start. One bad entry (a provider of a type there is not, a reference that leads nowhere) is left out,',
    'said at the start and in `sigil status`, and everything else runs. The file is watched: `live` in the last column is applied while the',
    'gateway runs, `restart` waits for the next start ([what is applied when](../reload.md)).',
    '`sigil config show` prints what is in force, secrets as `***`; `sigil config schema` prints the JSON Schema for an editor.',
    '',
    'The schema covers more than this version does: [operating.md](../operating.md#settings-without-effect) lists the settings that have no effect yet.',
    '',
    ...sections,
  ].join('\n');
}

function metricsPage(): string {
  const rows = Object.entries(METRICS).map(([name, { type, help, labels }]) => [
    code(name),
    type,
    labels.map((label) => code(label)).join(', '),
    cell(help),
  ]);
  return [
    '# Metrics',
    '',
    GENERATED,
    '',
    '`GET /metrics` is a page for Prometheus (text format 0.0.4). It is there while `telemetry.metrics` is `true`, as it is when nothing is set, and needs a token with',
    '`metrics:read`, which opens this page and nothing else, or with `admin:debug`. Every part is asked when somebody scrapes; one that does not answer within a second leaves its own figures out,',
    'and `sigil_thread_up` is 0 for its thread. Counters go on rising when a thread is replaced; what it had counted since the last scrape is not in them. A label has 200 values at most,',
    'what comes after them is `other`; no label names a session, a user or a message.',
    '',
    '```sh',
    'sigil token create --user owner --name prometheus --permissions metrics:read > /etc/prometheus/sigil.token',
    '```',
    '',
    '```yaml',
    '# prometheus.yml',
    'scrape_configs:',
    '  - job_name: sigil',
    '    authorization: { type: Bearer, credentials_file: /etc/prometheus/sigil.token }',
    '    static_configs: [{ targets: ["127.0.0.1:18789"] }]',
    '```',
    '',
    'A scraper that comes by another name than the listen address is let in by `networking.allowed_hosts`.',
    '',
    '## Rules to begin with',
    '',
    '```yaml',
    'groups:',
    '  - name: sigil',
    '    rules:',
    '      - { alert: SigilDown, expr: "up{job=\\"sigil\\"} == 0 or sigil_up == 0", for: 2m }',
    '      - { alert: SigilThreadLost, expr: "increase(sigil_thread_restarts_total[15m]) > 0" }',
    '      - { alert: SigilPartLeftOut, expr: "sigil_quarantined_parts > 0", for: 5m }',
    '      - { alert: SigilProviderOpen, expr: "sigil_provider_circuit_open == 1", for: 5m }',
    '      - { alert: SigilChannelDown, expr: "sigil_channel_up{type!~\\"http|cli\\"} == 0", for: 5m }',
    '      - { alert: SigilOutboxStuck, expr: "sigil_channel_outbox_oldest_seconds > 300" }',
    '      - { alert: SigilBudgetNear, expr: "sigil_budget_used / sigil_budget_limit > 0.8" }',
    '      - { alert: SigilTurnsFail, expr: "sum(rate(sigil_turns_total{outcome!~\\"stop|cancelled|length\\"}[10m])) / sum(rate(sigil_turns_total[10m])) > 0.1", for: 10m }',
    '      - { alert: SigilViewsBehind, expr: "sigil_views_behind_rows > 10000", for: 5m }',
    '      - { alert: SigilPaused, expr: "sigil_agent_paused == 1", for: 1h }',
    '```',
    '',
    '## All of them',
    '',
    ...table(['metric', 'type', 'labels', 'tells'], rows),
    '',
  ].join('\n');
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(([name, { status, title, retryable, advice }]) => [
    code(name),
    String(status),
    cell(title),
    retryable ? 'yes' : 'no',
    cell(advice),
  ]);
  return [
    '# Error codes',
    '',
    GENERATED,
    '',
    'Every error over HTTP is a problem document (RFC 9457, `application/problem+json`) with `type` (`urn:sigil:error:CODE`), `title`,',
    '`status`, `detail`, `code` and `advice`; `validation_failed` adds `errors: [{path, message}]`. The same codes stand in a turn’s',
    '`error` event, in its record, and in what the command line prints with `--json`. `retry` says whether the same request may succeed',
    'later without being changed; with the same `message_id` a message is never run twice.',
    '',
    'The status is that of a whole answer. Codes that occur only inside a turn or a stream are listed with 500.',
    'The command line has codes of its own that never cross the wire: `wrong_usage`, `not_running`, `unreachable`,',
    '`connection_lost`, `interrupted`.',
    '',
    ...table(['code', 'status', 'title', 'retry', 'what to do'], rows),
    '',
  ].join('\n');
}

/** The generated pages: where each lies, and what it should hold. */
export async function pages(): Promise<readonly { readonly path: string; readonly text: string }[]> {
  return [
    { path: 'docs/reference/cli.md', text: cliPage() },
    { path: 'docs/reference/config.md', text: configPage() },
    { path: 'docs/reference/http.md', text: await httpPage(GENERATED) },
    { path: 'docs/reference/errors.md', text: errorsPage() },
    { path: 'docs/reference/metrics.md', text: metricsPage() },
  ].map(({ path, text }) => ({ path, text: `${text.trimEnd()}\n` }));
}

/** What lies there now; empty when nothing does. */
export function written(path: string): string {
  const file = join(root, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stale = (await pages()).filter(({ path, text }) => written(path) !== text);
  const check = process.argv.includes('--check');
  for (const { path, text } of stale) {
    if (!check) writeFileSync(join(root, path), text);
    process.stdout.write(`${check ? 'out of date' : 'written'}: ${path}\n`);
  }
  if (check && stale.length > 0) process.exitCode = 1;
}
