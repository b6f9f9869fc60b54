// SPDX-License-Identifier: Apache-2.0
// What `sigil init` asks on a terminal: where the file goes, a provider with its key, a channel with its token. Esc or Ctrl-C leaves.

import { cancel, confirm, intro, isCancel, log, outro, password, select, spinner, text } from '@clack/prompts';
import type { Chosen } from '../config/commented.ts';
import { loadConfig, thisMachine } from '../config/load.ts';
import { parseSecretName, type SecretName } from '../config/secret-name.ts';
import { interrupted, toCliError } from './cli-error.ts';
import type { Call } from './command.ts';
import { secretSource } from './secret-source.ts';

/** Where the file may go; `home` null where it was named. */
export interface InitPlaces {
  readonly here: string;
  readonly home: string | null;
}

/** What was chosen. */
export interface InitAnswers {
  readonly path: string;
  readonly chosen: Chosen;
}

/** For whom is asked, and what has been kept on the way: that stays, also where they leave before the end. */
interface Asking {
  readonly call: Call;
  readonly kept: SecretName[];
}

/** They left: nothing is asked any more. */
class Left extends Error {}

/** What somebody answered. @throws Left */
function answered<T>(value: T): Exclude<T, symbol> {
  if (isCancel(value)) throw new Left();
  return value as Exclude<T, symbol>;
}

interface ProviderChoice {
  readonly type: string;
  readonly label: string;
  readonly hint: string;
  /** The variable that usually holds its key; none where it needs no key. */
  readonly variable?: string;
  /** Its address is asked for. */
  readonly endpoint?: string;
}

const PROVIDERS: readonly ProviderChoice[] = [
  { type: 'anthropic', label: 'Anthropic', hint: 'Claude', variable: 'ANTHROPIC_API_KEY' },
  { type: 'openai', label: 'OpenAI', hint: 'GPT', variable: 'OPENAI_API_KEY' },
  { type: 'google', label: 'Google', hint: 'Gemini', variable: 'GEMINI_API_KEY' },
  { type: 'openrouter', label: 'OpenRouter', hint: 'models of many vendors', variable: 'OPENROUTER_API_KEY' },
  { type: 'ollama', label: 'Ollama', hint: 'models on this machine, no key' },
  {
    type: 'openai-compatible',
    label: 'Another server that speaks like OpenAI',
    hint: 'llama.cpp, vLLM, LM Studio, …',
    endpoint: 'http://127.0.0.1:8080/v1',
  },
];

interface ChannelChoice {
  readonly type: string;
  readonly label: string;
  /** What is asked for: the key, what to call it, and whether it is a secret. */
  readonly asks: readonly { readonly key: string; readonly message: string; readonly secret: boolean }[];
}

const CHANNELS: readonly ChannelChoice[] = [
  {
    type: 'telegram',
    label: 'Telegram',
    asks: [{ key: 'token', message: 'Token of the bot, as @BotFather gives it', secret: true }],
  },
  {
    type: 'discord',
    label: 'Discord',
    asks: [{ key: 'token', message: 'Token of the bot, from the developer portal', secret: true }],
  },
  {
    type: 'slack',
    label: 'Slack',
    asks: [
      { key: 'bot_token', message: 'Token of the bot, xoxb-…', secret: true },
      { key: 'app_token', message: 'App-level token, xapp-…', secret: true },
    ],
  },
  {
    type: 'matrix',
    label: 'Matrix',
    asks: [
      { key: 'homeserver', message: 'Address of the homeserver, such as https://matrix.org', secret: false },
      { key: 'access_token', message: "Access token of the agent's account", secret: true },
    ],
  },
];

const LATER = 'later';

/** Keeps a secret, and says how the file refers to it; asked where it goes when the variable is set already. */
async function keep(
  { call, kept }: Asking,
  name: string,
  message: string,
  variable?: string,
): Promise<string | undefined> {
  if (variable !== undefined && (process.env[variable] ?? '') !== '') {
    const use = answered(await confirm({ message: `${variable} is set in the environment. Refer to it?` }));
    if (use) return `\${${variable}}`;
  }
  const value = answered(await password({ message: `${message} (not shown; empty = later)` })) ?? '';
  if (value.trim() === '') return undefined;
  call.composition.redactor.add(value);
  const secret = parseSecretName(name) as SecretName;
  try {
    const set = await secretSource(call).set(secret, value.trim());
    kept.push(secret);
    log.success(`Kept as ${secret} in ${set.place}.`);
    return set.reference;
  } catch (thrown) {
    const { message: why, advice } = toCliError(thrown);
    log.error(`It could not be kept: ${why} ${advice}`);
    const plain = answered(
      await confirm({
        message: 'Write it into the file in plain, for whoever can read that to see?',
        initialValue: false,
      }),
    );
    return plain ? value.trim() : undefined;
  }
}

/** Offers a call to the provider, and says what came of it. */
async function tryProvider(call: Call, name: string, entry: Readonly<Record<string, unknown>>): Promise<void> {
  const wanted = answered(await confirm({ message: 'Try it with a call now?' }));
  if (!wanted) return;
  const progress = spinner();
  progress.start(`Asking ${name}`);
  const machine = thisMachine();
  const path = '/sigil.yaml';
  const written = JSON.stringify({ providers: { [name]: entry } });
  const config = await loadConfig({
    known: await call.composition.knownTypes(),
    configPath: path,
    machine: { ...machine, readText: (file) => (file === path ? written : machine.readText(file)) },
  });
  const { checks } = await call.composition.dataKeeping();
  const { dataDirOf } = await import('./connect.ts');
  const check = checks.find((one) => one.name === 'providers');
  if (check === undefined) return;
  for await (const finding of check.run({
    dataDir: dataDirOf(call),
    config,
    thorough: false,
    progress: () => undefined,
  })) {
    const mend = finding.mend === null ? '' : ` (${finding.mend})`;
    if (finding.verdict === 'pass') progress.stop(finding.message);
    else progress.error(`${finding.message}${mend}`);
  }
}

async function provider(asking: Asking): Promise<Chosen> {
  const options = [
    ...PROVIDERS.map(({ type, label, hint }) => ({ value: type, label, hint })),
    { value: LATER, label: 'None now', hint: 'the built-in offline model answers, to try things out' },
  ];
  const type = answered(
    await select({ message: 'Which provider of models is to answer?', options, initialValue: 'anthropic' }),
  );
  const choice = PROVIDERS.find((one) => one.type === type);
  if (choice === undefined) return {};
  const name = type === 'openai-compatible' ? 'local' : type;
  const entry: Record<string, unknown> = name === type ? {} : { type };
  if (choice.endpoint !== undefined) {
    const endpoint = await text({ message: 'Its base URL', initialValue: choice.endpoint, validate: urlTrouble });
    entry['endpoint'] = answered(endpoint);
  }
  if (choice.variable !== undefined) {
    const key = await keep(asking, `${name}/api-key`, `Key of ${choice.label}`, choice.variable);
    // Without it the entry is left out until the variable is there, and everything else runs.
    entry['api_key'] = key ?? `\${${choice.variable}}`;
    if (key === undefined) log.info(`Set ${choice.variable}, or run \`sigil secret set ${name}/api-key\` later.`);
    else await tryProvider(asking.call, name, entry);
  } else await tryProvider(asking.call, name, entry);
  return { providers: { [name]: entry } };
}

function urlTrouble(value: string | undefined): string | undefined {
  return value !== undefined && /^https?:\/\/[^\s/]+/.test(value) ? undefined : 'Write it like https://example.org.';
}

async function channel(asking: Asking): Promise<Chosen> {
  const options = [
    { value: LATER, label: 'None now', hint: 'the terminal and HTTP always work' },
    ...CHANNELS.map(({ type, label }) => ({ value: type, label })),
  ];
  const type = answered(await select({ message: 'Where else is it to be talked to?', options, initialValue: LATER }));
  const choice = CHANNELS.find((one) => one.type === type);
  if (choice === undefined) return {};
  const entry: Record<string, unknown> = {};
  for (const { key, message, secret } of choice.asks) {
    if (!secret) {
      entry[key] = answered(await text({ message, validate: urlTrouble }));
      continue;
    }
    const account = key.replaceAll('_', '-');
    const reference = await keep(asking, `${type}/${account}`, message);
    entry[key] = reference ?? `keyring://${type}/${account}`;
    if (reference === undefined) log.info(`Run \`sigil secret set ${type}/${account}\` when you have it.`);
  }
  return { channels: { [type]: { ...entry, pairing: 'pair_on_request' } } };
}

async function askInOrder(asking: Asking, { here, home }: InitPlaces): Promise<InitAnswers> {
  let path = here;
  if (home !== null) {
    path = answered(
      await select({
        message: 'Where is the configuration to be?',
        options: [
          { value: here, label: here, hint: 'used by commands in this directory' },
          { value: home, label: home, hint: 'used from every directory' },
        ],
      }),
    );
  }
  return { path, chosen: { ...(await provider(asking)), ...(await channel(asking)) } };
}

/** Asks everything, in order. @throws CliError `interrupted` */
export async function askAll(call: Call, places: InitPlaces): Promise<InitAnswers> {
  intro('Sigil');
  const asking: Asking = { call, kept: [] };
  try {
    const answers = await askInOrder(asking, places);
    outro('That is all.');
    return answers;
  } catch (thrown) {
    if (!(thrown instanceof Left)) throw thrown;
    if (asking.kept.length > 0)
      log.info(
        `What was kept stays. To take it out:\n${asking.kept.map((name) => `sigil secret remove ${name}`).join('\n')}`,
      );
    cancel('No configuration was written.');
    throw interrupted();
  }
}
