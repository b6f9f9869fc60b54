// SPDX-License-Identifier: Apache-2.0
// What of the configuration a connection needs, with what its secrets stand for.

import type { Config } from '../config/schema.ts';
import type { SecretResolver } from '../secrets/resolver.ts';

/** An entry of `mcp`. */
export type McpEntry = Config['mcp'][string];

/** How a server is reached. */
export type McpServer =
  | {
      readonly kind: 'stdio';
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'http'; readonly url: string; readonly headers: Readonly<Record<string, string>> };

export function transportOf({ url }: McpEntry): McpServer['kind'] {
  return url !== undefined && url !== '' ? 'http' : 'stdio';
}

/** @throws SigilError when a secret of the entry cannot be had */
export async function resolveServer(entry: McpEntry, resolve: SecretResolver['resolve']): Promise<McpServer> {
  const all = async (map: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> =>
    Object.fromEntries(
      await Promise.all(Object.entries(map).map(async ([name, written]) => [name, await resolve(written)] as const)),
    );
  if (transportOf(entry) === 'http') return { kind: 'http', url: entry.url ?? '', headers: await all(entry.headers) };
  return { kind: 'stdio', command: entry.command ?? '', args: entry.args, env: await all(entry.env) };
}
