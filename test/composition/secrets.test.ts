// SPDX-License-Identifier: Apache-2.0
// Secrets between the root and its threads: asked when used, hidden everywhere from then on, and never waited for without end.

import { describe, expect, it } from 'vitest';
import type { SecretAnswer } from '../../src/composition/boot.ts';
import { rootSecrets } from '../../src/composition/root-secrets.ts';
import { askedSecrets, noSecrets } from '../../src/composition/secrets.ts';
import { ConfigSchema } from '../../src/config/schema.ts';
import { failure } from '../../src/errors.ts';
import { HIDDEN, Redactor } from '../../src/secrets/redactor.ts';
import { dataDir, failureOf } from '../secrets/scratch.ts';
import { ManualClock } from '../stores/manual-clock.ts';

function stand(hidden: readonly string[] = []) {
  const clock = new ManualClock();
  const asked: (readonly [number, string])[] = [];
  const secrets = askedSecrets({ hidden, world: clock, ask: (ask, written) => asked.push([ask, written]) });
  return { clock, asked, secrets };
}

const ok = (value: string): SecretAnswer => ({ ok: true, value });

describe('a thread that asks the root', () => {
  it('gets each answer to its question, hidden before it is there', async () => {
    const { asked, secrets } = stand(['known-before']);
    const both = [secrets.resolve('keyring://a/one'), secrets.resolve('keyring://a/two')];
    expect(asked.map(([, written]) => written)).toEqual(['keyring://a/one', 'keyring://a/two']);
    const [one, two] = asked.map(([ask]) => ask);
    secrets.answered(two ?? 0, ok('the second'));
    expect(secrets.redactor.text('the second')).toBe(HIDDEN);
    secrets.answered(one ?? 0, ok('the first'));
    secrets.answered(one ?? 0, ok('again'));
    expect(await Promise.all(both)).toEqual(['the first', 'the second']);
    expect(secrets.redactor.text('known-before, again')).toBe(`${HIDDEN}, again`);
  });

  it('is told why there is none', async () => {
    const { asked, secrets } = stand();
    const work = secrets.resolve('keyring://a/one');
    secrets.answered(asked[0]?.[0] ?? 0, { ok: false, error: failure('not_found', 'It is not kept.') });
    expect(await failureOf(work)).toMatchObject({ code: 'not_found', message: 'It is not kept.' });
  });

  it('waits only so long, and asks only so much at a time', async () => {
    const { clock, asked, secrets } = stand();
    const all = Array.from({ length: 1_024 }, () => failureOf(secrets.resolve('keyring://a/one')));
    expect((await failureOf(secrets.resolve('keyring://a/one'))).code).toBe('overloaded');
    clock.advance(90_000);
    expect(new Set((await Promise.all(all)).map(({ code }) => code))).toEqual(new Set(['deadline_exceeded']));
    // Too late is no answer, and there is room again.
    secrets.answered(asked[0]?.[0] ?? 0, ok('too late'));
    const work = secrets.resolve('keyring://a/two');
    secrets.answered(asked.at(-1)?.[0] ?? 0, ok('in time'));
    expect(await work).toBe('in time');
  });

  it('without a root has none', async () => {
    expect((await failureOf(noSecrets().resolve('a'))).code).toBe('not_found');
  });
});

describe('the root', () => {
  it('hides from the start what it can know without opening a store', async () => {
    const config = ConfigSchema.parse({
      secrets: { backend: 'file' },
      providers: { a: { api_key: 'written-out' }, b: { api_key: 'keyring://a/b' } },
      channels: { tg: { bot_token: 'of-a-platform', server: 'irc.example.org' } },
      storage: { postgres: { url: 'postgres://db.example.org/x' } },
    });
    const { redactor, resolve } = rootSecrets(config, dataDir(), new Redactor());
    expect(redactor.text('written-out of-a-platform')).toBe(`${HIDDEN} ${HIDDEN}`);
    const open = 'irc.example.org keyring://a/b postgres://db.example.org/x';
    expect(redactor.text(open)).toBe(open);
    expect((await failureOf(resolve('keyring://a/b'))).message).toContain('is not in the encrypted file');
  });
});
