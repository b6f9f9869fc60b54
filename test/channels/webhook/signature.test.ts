// SPDX-License-Identifier: Apache-2.0
// Signatures as Standard Webhooks has them, held against its own example, and nothing else passing for one.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { keyOf, sign, verify } from '../../../src/channels/webhook/signature.ts';
import { usualRuns } from '../../drawn.ts';

const KEY = keyOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
const AT = 1_614_265_330_000;
const within = { now: AT, tolerance: 300 };

it('are those of the specification', () => {
  const body = Buffer.from('{"test": 2432232314}');
  const headers = sign(KEY, 'msg_p5jXN8AQM9LWM0D4loKWxJek', AT, body);
  expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  expect(verify(KEY, { headers, body }, within)).toEqual({ ok: true, id: 'msg_p5jXN8AQM9LWM0D4loKWxJek' });
});

it('hold for what was signed and for nothing that differs by a bit', () => {
  const id = fc.string({ unit: fc.constantFrom(...'abcXYZ019._-:'), minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(id, fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(), (name, body, at) => {
      const headers = sign(KEY, name, AT, body);
      expect(verify(KEY, { headers, body }, within).ok).toBe(true);
      const bent = Uint8Array.from(body);
      const bit = at % (body.length * 8);
      bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(verify(KEY, { headers, body: bent }, within)).toEqual({ ok: false, why: 'signature' });
    }),
    { numRuns: usualRuns(100) },
  );
});

it('are none in whatever else stands in the headers', () => {
  const body = Buffer.from('{}');
  const header = fc.option(fc.string({ unit: 'binary', maxLength: 80 }), { nil: undefined });
  const headers = fc.record({ 'webhook-id': header, 'webhook-timestamp': header, 'webhook-signature': header });
  fc.assert(
    fc.property(headers, (given) => {
      const said = Object.fromEntries(
        Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined),
      );
      expect(verify(KEY, { headers: said, body }, within).ok).toBe(false);
    }),
    { numRuns: usualRuns(60) },
  );
});
