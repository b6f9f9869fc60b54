// SPDX-License-Identifier: Apache-2.0
// What a provider's actor is made of, from its entry of the configuration.

import { z } from 'zod';
import type { ProviderActorOptions } from '../actors/provider/actor.ts';
import { CIRCUIT_TIMES, type CircuitTimes } from '../actors/provider/circuit.ts';
import { threadNames } from '../bus/layout.ts';
import { isReference } from '../config/references.ts';
import { isKeyringReference, nameInReference } from '../config/secret-name.ts';
import type { House } from './boot.ts';
import { PUBLISHED } from './published.ts';

/** Longest time a probe may take by a provider's timeouts, and the shortest, in milliseconds. */
const PROBE_MS = { least: 5_000, most: 600_000 } as const;

const Times = z.partialRecord(z.enum(['first', 'longest', 'probe_again', 'key_look']), z.number().positive());

/** How long things about circuits take; with `SIGIL_CIRCUIT_TIMES={"first":300}` some of it otherwise, for tests. */
export function circuitTimes(setting: string | undefined): CircuitTimes {
  // What is published has none: how long a vendor is left alone is not for a variable in somebody's environment.
  if (PUBLISHED || setting === undefined || setting === '') return CIRCUIT_TIMES;
  const given = Object.entries(Times.parse(JSON.parse(setting)));
  return { ...CIRCUIT_TIMES, ...Object.fromEntries(given) };
}

/** What a person does to give a provider a key that works. */
export function keyAdvice(provider: string, written: string): string {
  if (isKeyringReference(written)) {
    const name = nameInReference(written) ?? `${provider}/api-key`;
    return `Set the right one with \`sigil secret set ${name}\`; it is taken up without a restart.`;
  }
  if (written.startsWith('file:///'))
    return `Write the right one to ${written.slice('file://'.length)}; it is taken up without a restart.`;
  if (isReference(written)) return `Correct the variable in providers.${provider}.api_key and restart the gateway.`;
  return (
    `Keep the right one with \`sigil secret set ${provider}/api-key\`, write ` +
    `\`api_key: keyring://${provider}/api-key\` in providers.${provider}; it is taken up without a restart.`
  );
}

type Given = Pick<
  ProviderActorOptions,
  'name' | 'max_concurrency' | 'requests_per_minute' | 'tokens_per_minute' | 'lanes' | 'probe_within' | 'key' | 'times'
>;

/** @param name of a configured provider, or the built-in one */
export function providerOptions({ config, layout }: House, name: string, times: CircuitTimes): Given {
  const entry = config.providers[name];
  const { max_concurrency = 0, requests_per_minute = 0, tokens_per_minute = 0, api_key = '' } = entry ?? {};
  const { connect = 0, first_event = 0, gap = 0 } = entry?.timeouts ?? {};
  return {
    ...{ name, max_concurrency, requests_per_minute, tokens_per_minute, times },
    lanes: threadNames(layout).filter((thread) => thread.startsWith('lane-')),
    probe_within: Math.min(PROBE_MS.most, Math.max(PROBE_MS.least, connect + first_event + gap)),
    key: {
      may_change: api_key.startsWith('file:///') || isKeyringReference(api_key),
      advice: keyAdvice(name, api_key),
    },
  };
}
