// SPDX-License-Identifier: Apache-2.0
// `sigil provider models`: the models that can be chosen, as vendors list them now, or as they are known without asking.

import { CliError } from './cli-error.ts';
import type { GatewayClient } from './client.ts';
import type { CommandRun, KnownProvider } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, number, object, objects, text } from './json-reading.ts';
import { type OfflineProviders, orOffline } from './offline-providers.ts';
import type { Output } from './output.ts';
import { EVERYTHING, listOf } from './pages.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';

/** More than any vendor has. */
const MOST = 10_000;

/** A provider's models, and whether its vendor was asked. */
interface Listing {
  readonly name: string;
  readonly live: boolean;
  /** Why not. */
  readonly reason: string | null;
  readonly models: readonly JsonObject[];
}

async function listingOf(client: GatewayClient, name: string): Promise<Listing> {
  const path = `/api/v1/providers/${encodeURIComponent(name)}/models`;
  const { items, first } = await listOf(client, path, MOST);
  return { name, live: first['live'] === true, reason: text(first['reason']) || null, models: items };
}

async function all(client: GatewayClient): Promise<readonly Listing[]> {
  const { items: providers } = await listOf(client, '/api/v1/providers', EVERYTHING);
  return await Promise.all(
    providers.map((provider) => {
      const name = text(provider['name']);
      if (provider['state'] !== 'quarantined') return listingOf(client, name);
      return { name, live: false, reason: reasonOf(objects(provider['problems'])), models: [] };
    }),
  );
}

function reasonOf(problems: readonly JsonObject[]): string {
  return problems.map(({ message, advice }) => `${text(message)} ${text(advice)}`).join(' ');
}

function known({ name, models }: KnownProvider): Listing {
  const shown = models.map(({ capabilities: { maxContextTokens, maxOutputTokens, ...can }, ...model }) => ({
    ...model,
    capabilities: { ...can, max_context_tokens: maxContextTokens, max_output_tokens: maxOutputTokens },
  }));
  return { name, live: false, reason: 'No gateway is running that could ask.', models: shown };
}

function offline(name: string | undefined, { running, leftOut }: OfflineProviders): readonly Listing[] {
  const listings = [
    ...running.map(known),
    ...leftOut.map((one) => ({ name: one.name, live: false, reason: reasonOf([one]), models: [] })),
  ];
  if (name === undefined) return listings;
  const found = listings.filter((one) => one.name === name);
  if (found.length > 0) return found;
  const names = listings.map((one) => one.name).join(', ');
  const message = `The configuration has no provider ${JSON.stringify(name)}.`;
  throw new CliError('not_found', message, `It has these: ${names}.`);
}

const tokens = (count: unknown): string => {
  const value = number(count);
  return value >= 1_000_000 ? `${+(value / 1_000_000).toFixed(1)}M` : `${Math.round(value / 1_000)}k`;
};

function rowOf(model: JsonObject): readonly string[] {
  const can = object(model['capabilities']);
  const id = oneLine(`${text(model['provider'])}/${text(model['id'])}`);
  const abilities = ['tools', 'vision', 'thinking'].filter((ability) => can[ability] === true);
  const name = oneLine(text(model['name']));
  return [
    id,
    tokens(can['max_context_tokens']),
    tokens(can['max_output_tokens']),
    abilities.join(', '),
    name === text(model['id']) ? '' : name,
  ];
}

function lines(models: readonly JsonObject[], { paint, width, terminal }: Output): readonly string[] {
  const head = ['MODEL', 'CONTEXT', 'OUTPUT', 'CAN', 'NAME'];
  const fitting = terminal ? { give: [4], width: width() } : {};
  const [first = '', ...rest] = tableLines([head, ...models.map(rowOf)], { right: [1, 2], ...fitting });
  return [paint.dim(first), ...rest];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [name] = call.args;
  const asked = (): Promise<readonly Listing[]> =>
    withGateway(call, async (client) => (name === undefined ? await all(client) : [await listingOf(client, name)]));
  const listings = await orOffline(call, asked, (providers) => offline(name, providers));
  const items = listings.flatMap(({ models }) => models);
  if (output.json) {
    const providers = listings.map(({ name, live, reason }) => ({ name, live, reason }));
    output.document({ items, next_cursor: null, providers });
    return 0;
  }
  if (items.length === 0) output.note('There are no models to show.');
  else output.write(`${lines(items, output).join('\n')}\n`);
  for (const { name: of, live, reason, models } of listings) {
    // That the built-in one has no vendor is nothing to be told of each time.
    if (live || (of === 'sigil' && name === undefined)) continue;
    const shown = models.length > 0 ? ' What is known without asking is shown.' : '';
    output.note(`${oneLine(of)}: ${oneLine(reason ?? '')}${shown}`);
  }
  return 0;
};
