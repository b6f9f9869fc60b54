// SPDX-License-Identifier: Apache-2.0
// Single bad entries (a provider without its key, a channel that cannot be made): set aside, the rest runs.

import type { z } from 'zod';
import type { BadEntry } from './bad-entry.ts';
import { envName } from './env.ts';
import type { Config } from './schema.ts';
import { nearest, type Path, pathText } from './walk.ts';

/** What this version can run; the caller knows. */
export interface KnownTypes {
  readonly providerTypes: readonly string[];
  readonly channelTypes: readonly string[];
  /** Provider types that cannot work without a key, with the variable that usually holds it. */
  readonly providerKeys?: Readonly<Record<string, string>>;
  /** Provider types that have no address of their own. */
  readonly providersWithoutAddress?: readonly string[];
  /** The schema of a channel type's own keys, those of its platform; undefined where they are not known. */
  channelSettings?(type: string): Promise<z.ZodType | undefined>;
}

/** The provider that needs no entry: it lives in the process. */
export const BUILT_IN_PROVIDER = 'sigil';

/** Provider types that exist in Sigil's design, whether or not this version has them. */
export const PLANNED_PROVIDER_TYPES: readonly string[] = [
  'anthropic',
  'openai',
  'google',
  'openrouter',
  'openai-compatible',
  'ollama',
];

/** Channel types that exist in Sigil's design, whether or not this version has them. */
export const PLANNED_CHANNEL_TYPES: readonly string[] = [
  'telegram',
  'discord',
  'slack',
  'irc',
  'matrix',
  'xmpp',
  'email',
  'whatsapp',
  'webhook',
];

function badType(
  what: 'provider' | 'channel',
  path: Path,
  type: string,
  known: readonly string[],
  planned: readonly string[],
): BadEntry | undefined {
  if (known.includes(type)) return undefined;
  const available = `available: ${known.length === 0 ? 'none' : known.join(', ')}`;
  if (planned.includes(type)) {
    const message = `The ${what} type ${type} is not available in this version.`;
    return { path, code: 'not_available', message, advice: `Remove the entry or use another type (${available}).` };
  }
  const near = nearest(type, [...known, ...planned]);
  const message = `There is no ${what} type ${JSON.stringify(type)}.`;
  const hint = near === undefined ? '' : `Did you mean ${near}? `;
  return { path, code: 'unknown_type', message, advice: `${hint}Set \`type\` to one that exists (${available}).` };
}

function badProviders(config: Config, known: KnownTypes): BadEntry[] {
  const bad: BadEntry[] = [];
  for (const [name, provider] of Object.entries(config.providers)) {
    const path = ['providers', name];
    const type = provider.type ?? name;
    const wrong = badType('provider', path, type, known.providerTypes, PLANNED_PROVIDER_TYPES);
    if (wrong) {
      bad.push(wrong);
      continue;
    }
    const variable = Object.hasOwn(known.providerKeys ?? {}, type) ? known.providerKeys?.[type] : undefined;
    if (variable !== undefined && (provider.api_key ?? '') === '') {
      const advice =
        `Write \`api_key: \${${variable}}\` and set ${variable}, or set SIGIL_PROVIDERS_${envName(name)}_API_KEY; or keep ` +
        `it with \`sigil secret set ${name}/api-key\` and write \`api_key: keyring://${name}/api-key\`.`;
      bad.push({ path, code: 'missing_key', message: `The provider ${name} has no api_key.`, advice });
      continue;
    }
    if (known.providersWithoutAddress?.includes(type) === true && (provider.endpoint ?? '') === '') {
      const advice = 'Write `endpoint:` with the base URL of its server, such as http://127.0.0.1:11434/v1.';
      bad.push({ path, code: 'missing_endpoint', message: `The provider ${name} has no endpoint.`, advice });
    }
  }
  return bad;
}

/** The gateway's own channels: whatever is addressed to one of these names is theirs. */
const OWN_CHANNELS: ReadonlySet<string> = new Set(['http', 'cli', 'web']);

function badChannels(config: Config, known: KnownTypes): BadEntry[] {
  return Object.entries(config.channels).flatMap(([name, channel]) => {
    const path = ['channels', name];
    if (OWN_CHANNELS.has(name)) {
      const message = `A chat channel cannot be called ${name}: that is a channel of the gateway itself.`;
      return {
        path,
        code: 'invalid_entry',
        message,
        advice: 'Give the entry another name, and its platform as `type`.',
      };
    }
    return badType('channel', path, channel.type ?? name, known.channelTypes, PLANNED_CHANNEL_TYPES) ?? [];
  });
}

/** Channels whose platform cannot use their keys. */
async function badPlatformKeys(config: Config, known: KnownTypes): Promise<BadEntry[]> {
  const bad: BadEntry[] = [];
  for (const [name, channel] of Object.entries(config.channels)) {
    const type = channel.type ?? name;
    const schema = OWN_CHANNELS.has(name) ? undefined : await known.channelSettings?.(type);
    if (schema === undefined) continue;
    // Read only where a channel is configured, which most machines have none of.
    const { platformTrouble } = await import('./platform-keys.ts');
    for (const { path, found, allowed } of platformTrouble(schema, channel)) {
      const key = pathText(path);
      const message = `${key === '' ? '' : `${key}: `}found ${found}; allowed: ${allowed}.`;
      const advice = `Correct channels.${name}; docs/channels/${type}.md lists its keys.`;
      bad.push({
        path: ['channels', name],
        at: ['channels', name, ...path],
        code: 'invalid_entry',
        message,
        advice,
      });
    }
  }
  return bad;
}

/** Conversations that are bound to a channel there is not, or a second time. */
function badBindings(config: Config): BadEntry[] {
  const there = new Set([...Object.keys(config.channels), ...OWN_CHANNELS]);
  const bound = new Map<string, string>();
  const bad: BadEntry[] = [];
  for (const [id, { bindings }] of Object.entries(config.workspaces)) {
    for (const [index, { channel, channel_id }] of bindings.entries()) {
      const path = ['workspaces', id, 'bindings', index];
      const key = JSON.stringify([channel, channel_id]);
      const first = bound.get(key);
      if (!there.has(channel)) {
        const near = nearest(channel, there);
        const message = `There is no channel ${channel}, so nothing can be bound to it.`;
        const hint = near === undefined ? '' : `Did you mean ${near}? `;
        const advice = `${hint}Name one of channels, or configure channels.${channel}.`;
        bad.push({ path, at: [...path, 'channel'], code: 'unknown_channel', message, advice });
      } else if (first !== undefined) {
        const message = `The conversation ${channel_id} on ${channel} belongs to the workspace ${first} already.`;
        bad.push({ path, code: 'bound_twice', message, advice: 'Bind it to one workspace.' });
      }
      if (first === undefined) bound.set(key, id);
    }
  }
  return bad;
}

/** Tokens that are another's: whose they are would be a matter of luck. */
function badTokens(config: Config): BadEntry[] {
  const first = new Map<string, number>();
  return config.auth.tokens.flatMap(({ token }, index) => {
    const before = first.get(token);
    if (before === undefined) {
      first.set(token, index);
      return [];
    }
    const message = `It is the same token as auth.tokens[${before}].`;
    return [
      { path: ['auth', 'tokens', index], code: 'same_token', message, advice: 'Give each entry a token of its own.' },
    ];
  });
}

function badServers(config: Config): BadEntry[] {
  return Object.entries(config.mcp).flatMap(([name, server]) => {
    const ways = [server.command, server.url].filter((way) => way !== undefined && way !== '').length;
    if (name.includes('.')) {
      // A workspace that allows `tool.mcp.a.*` must not allow what a server called `a.b` has.
      const message = `The MCP server ${name} has a "." in its name, which stands between the parts of its tools' names.`;
      return [{ path: ['mcp', name], code: 'invalid_entry', message, advice: 'Call it by a name without ".".' }];
    }
    if (ways === 1) return [];
    const message = `The MCP server ${name} has ${ways === 0 ? 'neither `command` nor `url`' : 'both `command` and `url`'}.`;
    return [
      { path: ['mcp', name], code: 'invalid_entry', message, advice: 'Give it exactly one of `command` and `url`.' },
    ];
  });
}

/** Every place a chat model is named. */
function* namedModels(config: Config): Generator<readonly [Path, string]> {
  yield [['models', 'default'], config.models.default];
  for (const [workspace, model] of Object.entries(config.models.overrides))
    yield [['models', 'overrides', workspace], model];
  for (const [index, model] of config.models.failover.entries()) yield [['models', 'failover', index], model];
  yield [['sessions', 'memory', 'compaction', 'summary_model'], config.sessions.memory.compaction.summary_model];
  for (const [id, workspace] of Object.entries(config.workspaces)) yield [['workspaces', id, 'model'], workspace.model];
}

function badModels(config: Config, setAside: ReadonlySet<string>): BadEntry[] {
  const running = Object.keys(config.providers).filter((name) => !setAside.has(name));
  const usable = [...new Set([BUILT_IN_PROVIDER, ...running])].filter((name) => !setAside.has(name));
  const bad: BadEntry[] = [];
  for (const [path, model] of namedModels(config)) {
    const name = model.split('/', 1)[0] ?? '';
    if (model === '' || usable.includes(name)) continue;
    const why = setAside.has(name) ? 'is set aside for a problem of its own' : 'is not configured';
    const message = `The model ${model} cannot be used: its provider ${name} ${why}.`;
    const advice = `Configure providers.${name}, or name a model of ${usable.join(', ')}.`;
    bad.push({ path, code: 'provider_not_configured', message, advice });
  }
  return bad;
}

/**
 * The entries of a valid configuration that cannot run.
 * @param broken entries already known to be bad, because a reference in them leads nowhere
 */
export async function badEntries(
  config: Config,
  known: KnownTypes,
  broken: readonly BadEntry[],
): Promise<readonly BadEntry[]> {
  const already = new Set(broken.map(({ path }) => path.slice(0, 2).join('/')));
  const fresh = ({ path }: BadEntry): boolean => !already.has(path.slice(0, 2).join('/'));
  const unusable = [...badProviders(config, known), ...badChannels(config, known), ...badServers(config)].filter(fresh);
  const entries = [
    ...broken,
    ...unusable,
    ...(await badPlatformKeys(config, known)).filter(fresh),
    ...badBindings(config),
    ...badTokens(config).filter(({ path }) => !broken.some((entry) => pathText(entry.path) === pathText(path))),
  ];
  const providers = entries.flatMap(({ path }) =>
    path[0] === 'providers' && path.length > 1 ? [String(path[1])] : [],
  );
  return [...entries, ...badModels(config, new Set(providers))];
}
