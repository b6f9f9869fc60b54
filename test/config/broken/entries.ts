// SPDX-License-Identifier: Apache-2.0
// Bad entries of otherwise good configurations: each is set aside, named with its line, and harms nothing else.

export interface BadEntryCase {
  readonly name: string;
  readonly yaml: string;
  /** The path that is set aside. */
  readonly what: string;
  /** The line of `yaml` that is named, from 1. */
  readonly at: number;
  readonly says: RegExp;
  readonly env?: Record<string, string>;
}

const channel = (type: string, ...keys: readonly string[]): string =>
  ['channels:', '  it:', `    type: ${type}`, ...keys.map((key) => `    ${key}`), ''].join('\n');
const on = (name: string, yaml: string, at: number, says: RegExp): BadEntryCase => ({
  name,
  yaml,
  what: 'channels.it',
  at,
  says,
});

export const BAD_ENTRIES: readonly BadEntryCase[] = [
  {
    name: 'a provider without its key',
    yaml: 'providers:\n  anthropic: {}\n',
    what: 'providers.anthropic',
    at: 2,
    says: /has no api_key/,
  },
  {
    name: 'a provider of no type',
    yaml: 'providers:\n  antropic: { api_key: x }\n',
    what: 'providers.antropic',
    at: 2,
    says: /no provider type "antropic"/,
  },
  {
    name: 'a provider called like what every object has',
    yaml: 'providers:\n  constructor: { api_key: x }\n',
    what: 'providers.constructor',
    at: 2,
    says: /no provider type "constructor"/,
  },
  {
    name: 'a provider without an address',
    yaml: 'providers:\n  mine: { type: openai-compatible }\n',
    what: 'providers.mine',
    at: 2,
    says: /has no endpoint/,
  },
  {
    name: 'a provider whose variable is not set',
    yaml: 'providers:\n  openai:\n    api_key: ${GONE}\n',
    what: 'providers.openai',
    at: 2,
    says: /GONE is not set/,
  },
  {
    name: 'a provider whose file is not there',
    yaml: 'providers:\n  openai:\n    api_key: file:///gone\n',
    what: 'providers.openai',
    at: 2,
    says: /\/gone cannot be read/,
  },
  {
    name: 'a provider whose reference is no name',
    yaml: 'providers:\n  openai:\n    api_key: keyring://x\n',
    what: 'providers.openai',
    at: 2,
    says: /names no kept secret/,
  },
  {
    name: 'a default model of a provider there is not',
    yaml: 'models:\n  default: claude/x\n',
    what: 'models.default',
    at: 2,
    says: /claude is not configured/,
  },
  {
    name: 'a failover of a provider there is not',
    yaml: 'models:\n  failover: [sigil/offline, claude/x]\n',
    what: 'models.failover[1]',
    at: 2,
    says: /claude is not configured/,
  },
  {
    name: "a workspace's model of a provider there is not",
    yaml: 'workspaces:\n  lab: { model: claude/x }\n',
    what: 'workspaces.lab.model',
    at: 2,
    says: /claude is not configured/,
  },
  {
    name: 'a token whose variable is not set',
    yaml: 'auth:\n  tokens:\n    - { token: "${GONE}", user_id: ada }\n',
    what: 'auth.tokens[0]',
    at: 3,
    says: /GONE is not set/,
  },
  {
    name: 'a token a second time',
    yaml: 'auth:\n  tokens:\n    - { token: same, user_id: ada }\n    - { token: same, user_id: bob }\n',
    what: 'auth.tokens[1]',
    at: 4,
    says: /the same token as auth\.tokens\[0\]/,
  },
  {
    name: 'an MCP server without a way to it',
    yaml: 'mcp:\n  files: {}\n',
    what: 'mcp.files',
    at: 2,
    says: /neither `command` nor `url`/,
  },
  {
    name: 'an MCP server with two ways to it',
    yaml: 'mcp:\n  files: { command: x, url: "http://y" }\n',
    what: 'mcp.files',
    at: 2,
    says: /both `command` and `url`/,
  },
  {
    name: 'an MCP server with a dot in its name',
    yaml: 'mcp:\n  a.b: { command: x }\n',
    what: 'mcp["a.b"]',
    at: 2,
    says: /has a "\." in its name/,
  },
  {
    name: 'a binding to a channel there is not',
    yaml: 'workspaces:\n  lab:\n    bindings:\n      - { channel: tg, channel_id: "1" }\n',
    what: 'workspaces.lab.bindings[0]',
    at: 4,
    says: /There is no channel tg/,
  },
  {
    name: 'a conversation bound twice',
    yaml: 'workspaces:\n  a: { bindings: [{ channel: http, channel_id: x }] }\n  b: { bindings: [{ channel: http, channel_id: x }] }\n',
    what: 'workspaces.b.bindings[0]',
    at: 3,
    says: /belongs to the workspace a already/,
  },
  {
    name: 'a channel of no type',
    yaml: 'channels:\n  telegrm: { token: x }\n',
    what: 'channels.telegrm',
    at: 2,
    says: /no channel type "telegrm"/,
  },
  {
    name: 'a channel called like one of the gateway',
    yaml: 'channels:\n  http: { type: telegram, token: x }\n',
    what: 'channels.http',
    at: 2,
    says: /cannot be called http/,
  },
  on('Telegram without a token', channel('telegram', 'mode: polling'), 3, /token: found nothing; allowed: text/),
  on(
    'Telegram with a slip of the finger',
    channel('telegram', 'token: x', 'pol_timeout: 5'),
    5,
    /unknown key "pol_timeout"; did you mean poll_timeout\?/,
  ),
  on(
    'Telegram that waits too long',
    channel('telegram', 'token: x', 'poll_timeout: 99'),
    5,
    /the number 99; allowed: a whole number from 0 to 50/,
  ),
  on(
    'a webhook of Telegram without an address',
    channel('telegram', 'token: x', 'mode: webhook'),
    3,
    /webhook_url: .*needed with `mode: webhook`/,
  ),
  on(
    'a token that is a number, which is not told',
    channel('telegram', 'token: 12345'),
    4,
    /^(?!.*12345).*token: found a number \(hidden\)/,
  ),
  on(
    'Slack that listens without its second token',
    channel('slack', 'bot_token: x'),
    3,
    /app_token: .*needed with `mode: socket`/,
  ),
  on(
    'Discord with a text for a switch',
    channel('discord', 'token: x', 'message_content: sometimes'),
    5,
    /message_content: .*allowed: true or false/,
  ),
  on(
    'IRC on a port in quotes',
    channel('irc', 'host: irc.example.org', 'port: "6697"'),
    5,
    /port: found the text "6697"; allowed: a whole number/,
  ),
  on(
    'IRC with a nick of two words',
    channel('irc', 'host: irc.example.org', 'nick: two words'),
    5,
    /nick: .*what is there has a space/,
  ),
  on(
    'IRC that signs in without a password',
    channel('irc', 'host: irc.example.org', 'auth: sasl'),
    3,
    /password: .*needed with `auth`/,
  ),
  on('Matrix without an address', channel('matrix', 'access_token: x'), 3, /homeserver: found nothing/),
  on(
    'Matrix with a room that is none',
    channel('matrix', 'access_token: x', 'homeserver: https://m.example', 'rooms: [lobby]'),
    6,
    /rooms\[0\]: .*is no room/,
  ),
  on('XMPP with half an address', channel('xmpp', 'jid: sigil', 'password: x'), 4, /jid: .*is no address/),
  on(
    'mail without a way out',
    channel('email', 'address: a@b.example', 'password: x', 'imap: { host: b.example }'),
    3,
    /smtp: found nothing; allowed: a map/,
  ),
  on(
    'mail with a slip of the finger inside',
    channel('email', 'address: a@b.example', 'password: x', 'imap: { host: b, prt: 1 }', 'smtp: { host: b }'),
    6,
    /imap\.prt: found the unknown key "prt"/,
  ),
  on(
    'WhatsApp with the number itself',
    channel('whatsapp', 'phone_number_id: "+49 170"', 'access_token: x', 'app_secret: x', 'verify_token: x'),
    4,
    /phone_number_id: .*is no id/,
  ),
  on(
    'a webhook with a password in its address',
    channel('webhook', 'url: https://a:hunter2@b.example', 'secret: x'),
    4,
    /^(?!.*hunter2).*url: .*has a name or password in it/,
  ),
  on('a channel whose secret is not there', channel('telegram', 'token: ${GONE}'), 2, /GONE is not set/),
];
