// SPDX-License-Identifier: Apache-2.0
// Entries that read the same while a secret in them is another.

import { expect, it } from 'vitest';
import { renewedEntries } from '../../src/composition/renewed-entries.ts';
import { type Config, ConfigSchema } from '../../src/config/schema.ts';

const of = (channels: object): Config => ConfigSchema.parse({ channels }) as Config;
const entry = { type: 'telegram', token: '${TOKEN}' };

it('are those of which something changed that reads as before', () => {
  const before = of({ a: entry, 'a.b': entry, c: entry, gone: entry });
  const after = of({ a: { ...entry, pairing: 'open' }, 'a.b': entry, c: { ...entry, token: 'another' } });
  const keys = ['channels.a.pairing', 'channels.a.b.token', 'channels.c.token', 'channels.gone', 'mcp.a.env.KEY'];
  expect([...renewedEntries({ before, after, keys }, 'channels')]).toEqual(['a.b']);
  expect([...renewedEntries({ before, after, keys: ['channels.a.token', ...keys] }, 'channels')]).toEqual(['a', 'a.b']);
});
