// SPDX-License-Identifier: Apache-2.0
// The models of a provider, asked of a lane thread: only there are vendors' libraries loaded.

import type { ListedModels } from '../actors/thread/protocol.ts';
import { address } from '../bus/address.ts';
import { SigilError } from '../errors.ts';
import type { ModelInfo } from '../providers/provider.ts';
import { ask, lostOnTheWay } from './ask.ts';
import type { EdgeContext } from './context.ts';
import { openCursor, sealCursor } from './cursor.ts';
import { Refusal } from './problem.ts';
import { oneProvider } from './provider-view.ts';
import type { ModelItem, ModelsAnswer } from './schemas/providers.ts';

/** How long a lane may take: it loads the vendor's library and asks the vendor, who has ten seconds. */
const WITHIN_MS = 15_000;

/**
 * A page of the models. A vendor or a thread that does not answer leaves what is known without them.
 *
 * @throws Refusal `not_found`, or `provider_unavailable` for an entry that was left out
 */
export async function modelPage(
  edge: EdgeContext,
  name: string,
  page: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<ModelsAnswer> {
  const known = edge.ports.providers.find((one) => one.name === name);
  if (known === undefined) {
    const { problems } = await oneProvider(edge.ports, name);
    throw new Refusal('provider_unavailable', problems.map(({ message, advice }) => `${message} ${advice}`).join(' '));
  }
  const { models, live, reason } = await listedModels(edge, name, known.models);
  const after = page.cursor === undefined ? '' : (openCursor(page.cursor)['id'] ?? '');
  const rest = models.toSorted((one, other) => order(one.id, other.id)).filter(({ id }) => order(id, after) > 0);
  const shown = rest.slice(0, page.limit);
  const last = shown.at(-1);
  const next_cursor = last === undefined || rest.length <= shown.length ? null : sealCursor({ id: last.id });
  return { items: shown.map(itemOf), next_cursor, total: models.length, live, reason };
}

const order = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** Always the first lane, which remembers the list; the others where that one has just ended, and then its next life. */
export async function listedModels(
  edge: EdgeContext,
  name: string,
  table: readonly ModelInfo[],
  within = WITHIN_MS,
): Promise<ListedModels> {
  let reason = 'There is no lane thread to ask.';
  for (const lane of [...edge.lanes, ...edge.lanes.slice(0, 1)]) {
    try {
      return await ask(edge.ports.bus, address('thread', lane), 'thread.models', { provider: name }, within);
    } catch (thrown) {
      if (!(thrown instanceof SigilError)) throw thrown;
      reason = thrown.failure.message;
      if (thrown.failure.code === 'deadline_exceeded')
        reason = `The list of ${name} was not there within ${within / 1000} s.`;
      if (!lostOnTheWay(thrown)) break;
    }
  }
  return { models: table, live: false, reason };
}

function itemOf({ id, name, provider, capabilities }: ModelInfo): ModelItem {
  const { tools, vision, streaming, thinking, maxContextTokens, maxOutputTokens } = capabilities;
  const sizes = { max_context_tokens: maxContextTokens, max_output_tokens: maxOutputTokens };
  return { id, name, provider, capabilities: { tools, vision, streaming, thinking, ...sizes } };
}
