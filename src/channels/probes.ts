// SPDX-License-Identifier: Apache-2.0
// Whether a platform takes a channel's credentials, without hearing or saying anything there: for `sigil doctor`, when no gateway runs.
//
// Not the adapters' `start`: that would take messages, or throw a running connection of the same account out.

import type { Socket } from 'node:net';
import { failure, SigilError } from '../errors.ts';
import type { SecretResolver } from '../secrets/resolver.ts';
import { ApiClient, type ApiRequest } from './api-client.ts';
import type { DiscordSettings } from './discord/settings.ts';
import { imapServer, smtpServer } from './email/servers.ts';
import type { EmailSettings } from './email/settings.ts';
import type { IrcSettings } from './irc/settings.ts';
import type { MatrixSettings } from './matrix/settings.ts';
import type { SlackSettings } from './slack/settings.ts';
import type { TelegramSettings } from './telegram/settings.ts';
import type { WebhookSettings } from './webhook/settings.ts';
import type { WhatsAppSettings } from './whatsapp/settings.ts';
import type { XmppSettings } from './xmpp/settings.ts';

/** What a probe is given. */
export interface ProbeWorld {
  readonly resolve: SecretResolver['resolve'];
  readonly signal: AbortSignal;
}

/** Says what was reached, in a few words. @throws SigilError `channel_auth`, `channel_network` or `channel_refused` */
type Probe<T> = (settings: T, world: ProbeWorld) => Promise<string>;

function refused(code: 'channel_auth' | 'channel_refused', says: string): SigilError {
  return new SigilError(failure(code, says));
}

interface Asked {
  readonly platform: string;
  /** The key of the channel that is wrong when the platform says so. */
  readonly key: string;
  readonly request: Omit<ApiRequest, 'signal'>;
  readonly signal: AbortSignal;
  /** Whether an answer of 200 is one all the same. */
  readonly good?: (body: Readonly<Record<string, unknown>>) => boolean;
}

async function asked({ platform, key, request, signal, good }: Asked): Promise<void> {
  const client = new ApiClient(platform);
  try {
    const { status, body } = await client.request({ ...request, signal });
    if (status === 200 && (good === undefined || good(JSON.parse(body.toString('utf8')) as Record<string, unknown>)))
      return;
    const wrong = status === 200 || status === 401 || status === 403 || status === 404;
    if (wrong) throw refused('channel_auth', `${platform} does not take its ${key} (${status})`);
    throw refused('channel_refused', `${platform} answers with ${status}`);
  } finally {
    client.close();
  }
}

/** A token that goes into a header or an address. */
async function token(written: string, { resolve }: ProbeWorld, key: string): Promise<string> {
  const text = await resolve(written);
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw refused('channel_auth', `its ${key} has characters no token has`);
}

const under = (root: string, path: string): URL => new URL(`${root.replace(/\/+$/, '')}${path}`);

/** Opens a connection and closes it again. */
async function reached(host: string, port: number, tls: boolean, verify: boolean, signal: AbortSignal): Promise<void> {
  const [{ connect }, { connect: secure }] = await Promise.all([import('node:net'), import('node:tls')]);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket: Socket = tls
    ? secure({ host, port, servername: /^[\d.:]+$/.test(host) ? '' : host, rejectUnauthorized: verify }, resolve)
    : connect({ host, port }, resolve);
  const aborted = (): void => {
    socket.destroy(refused('channel_refused', 'it took too long'));
  };
  signal.addEventListener('abort', aborted, { once: true });
  socket.on('error', (thrown: Error & { code?: string }) =>
    reject(
      thrown instanceof SigilError
        ? thrown
        : new SigilError(
            failure('channel_network', `${host}:${port} cannot be reached (${thrown.code ?? thrown.message})`),
          ),
    ),
  );
  try {
    await promise;
  } finally {
    signal.removeEventListener('abort', aborted);
    socket.destroy();
  }
}

const telegram: Probe<TelegramSettings> = async (settings, world) => {
  const secret = await token(settings.token, world, 'token');
  const request = { method: 'GET', url: under(settings.api_url, `/bot${secret}/getMe`) } as const;
  await asked({ platform: 'Telegram', key: 'token', request, signal: world.signal });
  return 'Telegram takes its token';
};

const discord: Probe<DiscordSettings> = async (settings, world) => {
  const headers = { Authorization: `Bot ${await token(settings.token, world, 'token')}` };
  const request = { method: 'GET', url: under(settings.api_url, '/v10/users/@me'), headers } as const;
  await asked({ platform: 'Discord', key: 'token', request, signal: world.signal });
  return 'Discord takes its token';
};

const slack: Probe<SlackSettings> = async (settings, world) => {
  const headers = { Authorization: `Bearer ${await token(settings.bot_token, world, 'bot_token')}` };
  const request = { method: 'POST', url: under(settings.api_url, '/auth.test'), headers, body: '' } as const;
  const good = ({ ok }: Readonly<Record<string, unknown>>): boolean => ok === true;
  await asked({ platform: 'Slack', key: 'bot_token', request, signal: world.signal, good });
  return 'Slack takes its bot_token';
};

const matrix: Probe<MatrixSettings> = async (settings, world) => {
  const headers = { Authorization: `Bearer ${await token(settings.access_token, world, 'access_token')}` };
  const url = under(settings.homeserver, '/_matrix/client/v3/account/whoami');
  await asked({
    platform: 'Matrix',
    key: 'access_token',
    request: { method: 'GET', url, headers },
    signal: world.signal,
  });
  return 'the homeserver takes its access_token';
};

const whatsapp: Probe<WhatsAppSettings> = async (settings, world) => {
  const headers = { Authorization: `Bearer ${await token(settings.access_token, world, 'access_token')}` };
  const url = under(settings.api_root, `/${settings.api_version}/${settings.phone_number_id}?fields=id`);
  await asked({
    platform: 'WhatsApp',
    key: 'access_token',
    request: { method: 'GET', url, headers },
    signal: world.signal,
  });
  return 'WhatsApp takes its access_token for the number';
};

const irc: Probe<IrcSettings> = async ({ host, port, tls, tls_verify }, { signal }) => {
  await reached(host, port, tls, tls_verify, signal);
  return `${host}:${port} is reached; whether it takes the nick is known once it connects`;
};

const xmpp: Probe<XmppSettings> = async ({ jid, host, port, tls }, { signal }) => {
  const server = host ?? jid.slice(jid.indexOf('@') + 1);
  await reached(server, port, tls === 'direct', true, signal);
  return `${server}:${port} is reached; whether it takes the password is known once it connects`;
};

const webhook: Probe<WebhookSettings> = async ({ url }, { signal }) => {
  const { hostname, port, protocol } = new URL(url);
  const secure = protocol === 'https:';
  const at = port === '' ? (secure ? 443 : 80) : Number(port);
  await reached(hostname.replace(/^\[|\]$/g, ''), at, secure, true, signal);
  return `${hostname}:${at} is reached`;
};

const WAIT_MS = 10_000;

const email: Probe<EmailSettings> = async (settings, { resolve, signal }) => {
  const { imap: read, smtp: write } = settings;
  const [pass, { ImapFlow }, { createTransport }] = await Promise.all([
    resolve(settings.password),
    import('imapflow'),
    import('nodemailer'),
  ]);
  const auth = { user: settings.username ?? settings.address, pass };
  const imap = new ImapFlow(imapServer(settings, auth, WAIT_MS));
  imap.on('error', () => undefined);
  const aborted = (): void => imap.close();
  signal.addEventListener('abort', aborted, { once: true });
  const smtp = createTransport({ ...smtpServer(settings, auth, WAIT_MS), socketTimeout: WAIT_MS });
  const said = (server: string) => (thrown: unknown) => {
    const { code = '', authenticationFailed = false } = (thrown ?? {}) as {
      code?: string;
      authenticationFailed?: boolean;
    };
    if (authenticationFailed || code === 'EAUTH')
      throw refused('channel_auth', `${server} does not take its username and password`);
    throw new SigilError(failure('channel_network', `${server} cannot be reached${code === '' ? '' : ` (${code})`}`));
  };
  try {
    await imap.connect().catch(said(`${read.host}:${read.port}`));
    await smtp.verify().catch(said(`${write.host}:${write.port}`));
    return 'both mail servers take its password';
  } finally {
    signal.removeEventListener('abort', aborted);
    imap.close();
    smtp.close();
  }
};

const PROBES: Readonly<Record<string, Probe<never>>> = {
  ...{ telegram, discord, slack, matrix, whatsapp, irc, xmpp, webhook, email },
};

/**
 * Tries a channel.
 *
 * @param settings what the schema of its type made of its entry
 * @returns what was reached, or undefined for a type there is no way to try
 */
export function probe(type: string, settings: unknown, world: ProbeWorld): Promise<string> | undefined {
  return Object.hasOwn(PROBES, type) ? PROBES[type]?.(settings as never, world) : undefined;
}
