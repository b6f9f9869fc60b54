// SPDX-License-Identifier: Apache-2.0
// Entries of the config that read the same and mean something else: a secret they refer to has another value.

import { sameValue } from '../actors/channel/own-settings.ts';
import type { ConfigChange } from '../config/change.ts';

/** The names of those of `channels` or `mcp` of which something changed that reads as before. */
export function renewedEntries({ before, after, keys }: ConfigChange, of: 'channels' | 'mcp'): ReadonlySet<string> {
  const [was, is] = [before[of] as Entries, after[of] as Entries];
  const renewed = new Set<string>();
  for (const key of keys) {
    if (!key.startsWith(`${of}.`)) continue;
    // A name may have a dot in it: the longest that fits is meant.
    let found = '';
    for (const name of Object.keys(is))
      if (name.length > found.length && key.startsWith(`${of}.${name}.`)) found = name;
    if (found === '') continue;
    const [setting = ''] = key.slice(`${of}.${found}.`.length).split('.');
    if (sameValue(was[found]?.[setting], is[found]?.[setting])) renewed.add(found);
  }
  return renewed;
}

type Entries = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
