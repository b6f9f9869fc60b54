// SPDX-License-Identifier: Apache-2.0
// From a socket to a nick of one's own: SASL, nicks that are in use, NickServ, and the channels.

import type { Client, IrcLine } from 'irc-framework';
import { failure, SigilError } from '../../errors.ts';
import type { World } from '../../world.ts';
import { joinRefusal, registrationRefusal } from './numerics.ts';
import type { IrcSettings } from './settings.ts';

/** The nick may be held by the connection before this one, which the server has not missed yet. */
const NICK_TRIES = { same: 3, pause: 1_000, others: 5 };
/** How long NickServ may take; most networks have none of their own to say so. */
const NICKSERV_WAIT = 10_000;

export interface Registration {
  readonly client: Client;
  readonly settings: IrcSettings;
  readonly world: Pick<World, 'after'>;
  readonly signal: AbortSignal;
  readonly password: string | undefined;
}

/** Waits for the line that `read` gives something for; what it throws is thrown. */
export function awaited<T>(
  lines: (listener: (line: IrcLine) => void) => () => void,
  signal: AbortSignal,
  read: (line: IrcLine) => T | undefined,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const aborted = () => reject(signal.reason);
  if (signal.aborted) aborted();
  signal.addEventListener('abort', aborted, { once: true });
  const off = lines((line) => {
    try {
      const found = read(line);
      if (found !== undefined) resolve(found);
    } catch (thrown) {
      reject(thrown);
    }
  });
  return promise.finally(() => {
    off();
    signal.removeEventListener('abort', aborted);
  });
}

export type Lines = (listener: (line: IrcLine) => void) => () => void;

/** Resolves once the server has welcomed us under some nick. @throws SigilError */
export async function register({ client, settings, world, signal }: Registration, lines: Lines): Promise<void> {
  let tries = 0;
  const cancels: (() => void)[] = [];
  const { promise: sasl, reject: saslFailed } = Promise.withResolvers<never>();
  sasl.catch(() => undefined);
  client.on('sasl failed', ({ reason }) => {
    const says = `the IRC server did not take the account \`${settings.account ?? settings.nick}\` (SASL: ${reason})`;
    saslFailed(new SigilError(failure('channel_auth', `${says}; correct \`account\` and \`password\``)));
  });
  const inUse = () => {
    tries += 1;
    if (tries < NICK_TRIES.same) cancels.push(world.after(NICK_TRIES.pause, () => client.raw(`NICK ${settings.nick}`)));
    else if (tries < NICK_TRIES.same + NICK_TRIES.others)
      client.raw(`NICK ${settings.nick}${'_'.repeat(tries - NICK_TRIES.same + 1)}`);
    else throw new SigilError(failure('channel_network', `the nick ${settings.nick} and those like it are in use`));
  };
  const welcomed = awaited(lines, signal, (line) => {
    const says = line.params.at(-1) ?? '';
    if (line.command === '433' || line.command === '437' || line.command === '436') inUse();
    const refused = registrationRefusal(line.command, says);
    if (refused !== null) throw new SigilError(refused);
    if (line.command === 'ERROR') {
      // Some name the password, others say no more than that nobody like this may connect.
      if (/password|not allowed|access denied|not authori[sz]ed/i.test(says))
        throw new SigilError(failure('channel_auth', `the IRC server ended it: ${says}; correct \`server_password\``));
      throw new SigilError(failure('channel_network', `the IRC server ended the connection: ${says}`));
    }
    // The end of the message of the day: only then is it known what the server is like.
    return line.command === '376' || line.command === '422' ? true : undefined;
  });
  try {
    await Promise.race([welcomed, sasl]);
  } finally {
    for (const cancel of cancels) cancel();
  }
}

/** Tells NickServ whose nick it is; takes it back from who has it. @throws SigilError when it says no */
export async function identify(registration: Registration, lines: Lines): Promise<void> {
  const { client, settings, world, signal, password } = registration;
  if (settings.auth !== 'nickserv' || password === undefined) return;
  const { nickserv, account = settings.nick, nick } = settings;
  const late = new AbortController();
  const cancel = world.after(NICKSERV_WAIT, () =>
    late.abort(
      new SigilError(failure('channel_network', `${nickserv} did not answer within ${NICKSERV_WAIT / 1000} s`)),
    ),
  );
  const answered = awaited(lines, AbortSignal.any([signal, late.signal]), ({ command, params, nick: from }) => {
    const says = params.at(-1) ?? '';
    if (command === '900') return true;
    if (command === '401' && client.caseCompare(params[1] ?? '', nickserv))
      throw new SigilError(
        failure('channel_network', `${nickserv} is not there; the network may have no services just now`),
      );
    if (command !== 'NOTICE' || !client.caseCompare(from, nickserv)) return undefined;
    if (/invalid|incorrect|wrong|denied|not (?:a )?registered|isn't registered|fail/i.test(says))
      throw new SigilError(
        failure(
          'channel_auth',
          `${nickserv} did not take the password of ${account}; correct \`account\` and \`password\``,
        ),
      );
    return /identified|accepted|recogni[sz]ed|logged in/i.test(says) ? true : undefined;
  });
  client.raw(`PRIVMSG ${nickserv} :IDENTIFY ${account} ${password}`);
  try {
    await answered;
  } finally {
    cancel();
  }
  if (client.caseCompare(client.user.nick, nick)) return;
  client.raw(`PRIVMSG ${nickserv} :GHOST ${nick} ${password}`);
  client.raw(`NICK ${nick}`);
}

/** Joins a channel. @throws SigilError */
export async function join(
  { client, signal }: Pick<Registration, 'client' | 'signal'>,
  { name, key }: IrcSettings['channels'][number],
  lines: Lines,
): Promise<void> {
  const joined = awaited(lines, signal, ({ command, params, nick }) => {
    if (command === 'JOIN' && client.caseCompare(nick, client.user.nick) && client.caseCompare(params[0] ?? '', name))
      return true;
    if (!client.caseCompare(params[1] ?? '', name)) return undefined;
    const refused = joinRefusal(command, params.at(-1) ?? '', name);
    if (refused !== null) throw new SigilError(refused);
    return undefined;
  });
  client.raw(key === undefined ? `JOIN ${name}` : `JOIN ${name} ${key}`);
  await joined;
}
