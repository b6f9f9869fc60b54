// SPDX-License-Identifier: Apache-2.0
// What the root is told of entries that came or went: by the time the threads hear of it, for they say what is left out because of it.

import { expect, it } from 'vitest';
import { releaseEntries, type ToldRoot } from '../../src/composition/released-entries.ts';
import { defaultConfig } from '../../src/config/schema.ts';

it('is told of each that came or went when the call is over, and of none that stayed', () => {
  const entry = { type: 'irc' } as const;
  const config = (channels: readonly string[], mcp: readonly string[]) => ({
    ...defaultConfig(),
    channels: Object.fromEntries(channels.map((name) => [name, entry])),
    mcp: Object.fromEntries(mcp.map((name) => [name, { command: name }])),
  });
  const told: ToldRoot[] = [];
  const change = { before: config(['stays', 'goes'], ['goes']), after: config(['stays', 'comes'], ['comes']) };
  releaseEntries((one) => void told.push(one), { ...change, keys: [] } as never);
  expect(told).toEqual(
    ['channels.goes', 'channels.comes', 'mcp.goes', 'mcp.comes'].map((what) => ({
      ...{ type: 'gateway.released', body: { what } },
    })),
  );
});
