// SPDX-License-Identifier: Apache-2.0
// Which settings of a channel need another connection: those of its platform, and none that is read with each message.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { platformSettings, sameConnection, sameValue } from '../../../src/actors/channel/own-settings.ts';
import { ConfigSchema } from '../../../src/config/schema.ts';

const own = fc.record(
  {
    pairing: fc.constantFrom('open', 'closed', 'allowlist'),
    allowlist: fc.array(fc.string()),
    respond: fc.constantFrom('mention', 'always'),
    denied_reply: fc.string(),
    redeliver: fc.boolean(),
  },
  { requiredKeys: [] },
);
const platform = fc.dictionary(fc.constantFrom('token', 'host', 'tls', 'rooms'), fc.jsonValue());

it("a connection serves whatever is its channel's own, and nothing else", () => {
  fc.assert(
    fc.property(platform, platform, own, own, (mine, its, before, after) => {
      expect(sameConnection({ ...mine, ...before }, { ...after, ...mine })).toBe(true);
      expect(sameConnection({ ...mine, ...before }, { ...its, ...after })).toBe(sameValue(mine, its));
      expect(platformSettings({ type: 'irc', ...before, ...mine })).toEqual(mine);
    }),
  );
});

it('values are the same as their texts are, in whatever order their keys stand', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
      expect(sameValue(one, structuredClone(one))).toBe(true);
      expect(sameValue(one, other)).toBe(sameValue(other, one));
      if (sameValue(one, other)) expect(other).toEqual(one);
    }),
  );
  expect(sameValue({ a: 1, b: [{ c: 2, d: undefined }] }, { b: [{ c: 2 }], a: 1 })).toBe(true);
  expect(sameValue([], {})).toBe(false);
});

it("every setting that all channels have is the channel's own", () => {
  const entry = ConfigSchema.parse({ channels: { irc: {} } }).channels['irc'] ?? {};
  expect(platformSettings(entry)).toEqual({});
});
