// SPDX-License-Identifier: Apache-2.0
// Which gateway a command talks to: the one named by URL, the one of the data directory, or the one the configuration names.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { resolveDataDir } from '../config/paths.ts';
import { wrongUsage } from './cli-error.ts';
import { GatewayClient, isConnectionError, type Route, type Target } from './client.ts';
import type { Call } from './command.ts';

/** The data directory of this command line. */
export function dataDirOf({ globals }: Call): string {
  // Not `os.homedir` of a whole import: this is on the way of every short command.
  const home = process.getBuiltinModule('node:os').homedir();
  return resolveDataDir({ env: process.env, cwd: process.cwd(), home }, globals.dataDir);
}

/** The socket a gateway of this data directory listens on. */
export function socketOf(dataDir: string): string {
  return join(dataDir, 'gateway.sock');
}

/** The URL of `--url` or `$SIGIL_URL`, if either is given. */
export function namedUrl({ globals }: Call): URL | undefined {
  const text = globals.url ?? process.env['SIGIL_URL'] ?? '';
  if (text === '') return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  const where = globals.url === undefined ? '$SIGIL_URL' : '--url';
  throw wrongUsage(
    `${where} is no address of a gateway: ${JSON.stringify(text)}.`,
    'Write it like http://127.0.0.1:18789.',
  );
}

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

function ownerToken(dataDir: string): string | undefined {
  try {
    const token = readFileSync(join(dataDir, 'owner.token'), 'utf8').trim();
    return token === '' ? undefined : token;
  } catch {
    // No gateway has started here, or it is another user's: the gateway says that a token is missing.
    return undefined;
  }
}

/** The way to a target with this command line's token. */
export function routeTo(call: Call, target: Target): Route {
  const dataDir = dataDirOf(call);
  // The owner's token opens everything, so it goes to another machine only when told whose it is.
  const mayUseOwner =
    target.kind === 'socket' || LOOPBACK.test(target.url.hostname) || call.globals.dataDir !== undefined;
  return {
    target,
    token: () => {
      const given = process.env['SIGIL_TOKEN'];
      if (given !== undefined && !/^[\x21-\x7e]*$/.test(given))
        throw wrongUsage(
          '$SIGIL_TOKEN holds what no token can.',
          'Set it to the token alone, without spaces or line breaks.',
        );
      if (given !== undefined && given !== '') return given;
      return mayUseOwner ? ownerToken(dataDir) : undefined;
    },
  };
}

/** Where the configuration says that a gateway listens; undefined when it cannot say. */
async function configuredTarget(call: Call): Promise<Target | undefined> {
  const { loadConfig } = await import('../config/load.ts');
  const { parseListen } = await import('../config/listen.ts');
  // Which types exist decides about entries; the address does not depend on it.
  const result = await loadConfig({ known: { providerTypes: [], channelTypes: [] }, configPath: call.globals.config });
  const listen = result.ok ? parseListen(result.config.networking.listen) : undefined;
  if (listen === undefined || listen.port === 0) return undefined;
  const anywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const host = anywhere[listen.host] ?? listen.host;
  return { kind: 'url', url: new URL(`http://${host.includes(':') ? `[${host}]` : host}:${listen.port}`) };
}

/**
 * Calls `ask` with the gateway of this command line. Where nothing listens on the socket of the data directory, the
 * configured address is tried; when that fails too, the first failure is the one told.
 */
export async function withGateway<T>(call: Call, ask: (client: GatewayClient) => Promise<T>): Promise<T> {
  const url = namedUrl(call);
  if (url !== undefined) return await ask(new GatewayClient(routeTo(call, { kind: 'url', url })));
  try {
    return await ask(new GatewayClient(routeTo(call, { kind: 'socket', path: socketOf(dataDirOf(call)) })));
  } catch (first) {
    if (!isConnectionError(first)) throw first;
    const target = await configuredTarget(call);
    if (target === undefined) throw first;
    try {
      return await ask(new GatewayClient(routeTo(call, target)));
    } catch (second) {
      throw isConnectionError(second) ? first : second;
    }
  }
}
