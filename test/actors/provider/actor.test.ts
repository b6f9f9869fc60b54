// SPDX-License-Identifier: Apache-2.0
// A provider's actor: who is refused and with what words, what its probes are, and what its minute lets through.

import { describe, expect, it } from 'vitest';
import { providerStand } from './stand.ts';

const WELL = { outcome: 'ok', took_ms: 1 } as const;
const ILL = { outcome: 'provider_network', message: 'It could not be reached.', took_ms: 1 } as const;

/** One that has failed three times. */
function failed(options: Parameters<typeof providerStand>[0] = {}) {
  const stand = providerStand(options);
  for (let failure = 0; failure < 3; failure += 1) stand.call('provider_error', {}, { message: 'It broke.' });
  return stand;
}

describe('an open circuit', () => {
  it('refuses who waits and who comes, with the last error and when it is tried again', () => {
    const stand = providerStand({ max_concurrency: 1 });
    stand.call('provider_error');
    stand.call('provider_error');
    const running = stand.request({ session: 'runs' });
    const waiting = stand.request({ session: 'waits' });
    expect([stand.permitOf(waiting), stand.refusalOf(waiting)]).toEqual([undefined, undefined]);
    stand.release(running, 'provider_network', { message: 'No route.' });
    for (const refused of [waiting, stand.request({ session: 'late' })])
      expect(stand.refusalOf(refused)).toEqual({
        code: 'provider_unavailable',
        retryable: true,
        message:
          'mine fails; its last error was provider_network: No route. ' +
          'The circuit is open: it is tried again at 2023-11-14T22:13:50.000Z.',
        details: { provider: 'mine', about: 'provider', retry_after_ms: 30_000 },
      });
    expect(stand.status()).toMatchObject({ waiting: 0, in_flight: 0, calls: 4, failures: 3 });
  });

  it('is closed by a call that was under way, and what was under way with it says nothing of how it is now', () => {
    const stand = providerStand();
    const all = Array.from({ length: 8 }, (_, at) => stand.request({ session: `s-${at}` }));
    const [one, two, three, four, ...others] = all;
    if (!one || !two || !three || !four) throw new Error('eight were asked for');
    for (const each of [one, two, three]) stand.release(each, 'provider_error');
    expect(stand.status().state).toBe('open');
    stand.clock.advance(10);
    stand.release(four, 'ok');
    expect(stand.status().state).toBe('closed');
    for (const each of others) stand.release(each, 'provider_error');
    expect(stand.status()).toMatchObject({ state: 'closed', failures: 7 });
    for (let failure = 0; failure < 3; failure += 1) stand.call('provider_error');
    expect(stand.status().state).toBe('open');
  });

  it('counts nothing that is ours or about the request alone', () => {
    const stand = providerStand();
    for (const outcome of ['cancelled', 'deadline_exceeded', 'provider_too_large', 'provider_bad_request'] as const)
      for (let time = 0; time < 4; time += 1) stand.call(outcome);
    expect(stand.status()).toMatchObject({ state: 'closed', failures: 0, calls: 16 });
  });

  it('says of a key that was refused what to do', () => {
    const stand = providerStand();
    stand.call('provider_auth', {}, { message: 'It is wrong.' });
    const refused = stand.refusalOf(stand.request());
    expect(refused?.message).toMatch(
      /^mine refused its key \(provider_auth: It is wrong\)\. Set another\. The circuit/,
    );
    expect(refused?.details).toMatchObject({ about: 'key' });
    expect(stand.status()).toMatchObject({ available: false, message: expect.stringContaining('Set another.') });
  });

  it('of one model refuses that model alone', () => {
    const stand = providerStand({ max_concurrency: 1 });
    const about = { message: 'No such model.', about: 'model' } as const;
    for (let failure = 0; failure < 2; failure += 1) stand.call('provider_model_unknown', { model: 'gone' }, about);
    const running = stand.request({ model: 'gone' });
    const [same, other] = [
      stand.request({ session: 'a', model: 'gone' }),
      stand.request({ session: 'b', model: 'here' }),
    ];
    stand.release(running, 'provider_model_unknown', about);
    expect(stand.refusalOf(same)).toMatchObject({
      message: expect.stringContaining('mine/gone fails; its last error was provider_model_unknown: No such model.'),
      details: { provider: 'mine', model: 'gone', about: 'model', retry_after_ms: 30_000 },
    });
    expect(stand.permitOf(other)).toBeTypeOf('number');
    const [model] = stand.status().models;
    expect([stand.status().state, model?.model, model?.state]).toEqual(['closed', 'gone', 'open']);
  });

  it('keeps the failures of so many models and no more', () => {
    const stand = providerStand();
    const fail = (model: string): void => stand.call('provider_overloaded', { model }, { about: 'model' });
    fail('first');
    fail('first');
    for (let model = 0; model < 256; model += 1) fail(`m-${model}`);
    // Its two failures have made room, so this is its first again.
    fail('first');
    expect(stand.status().models).toEqual([]);
    expect(stand.faults).toEqual([]);
  });
});

describe('a probe', () => {
  it('is the one call after the cooldown; everybody else is refused until it has ended', () => {
    const stand = failed();
    stand.clock.advance(29_999);
    expect(stand.asked()).toEqual([]);
    stand.clock.advance(1);
    expect(stand.probe()).toMatchObject({
      type: 'thread.probe',
      body: { provider: 'mine', model: 'm', within: 10_000 },
    });
    expect(stand.status()).toMatchObject({ state: 'half_open', probes: 1 });
    expect(stand.refusalOf(stand.request())?.details).toMatchObject({ retry_after_ms: 1_000 });
    expect(stand.asked()).toHaveLength(1);
    stand.probe().answer(WELL);
    expect(stand.status()).toMatchObject({ state: 'closed', calls: 3 });
    expect(stand.permitOf(stand.request())).toBeTypeOf('number');
  });

  it('that fails is made again after twice the time', () => {
    const stand = failed();
    stand.clock.advance(30_000);
    stand.probe().answer(ILL);
    expect(stand.status()).toMatchObject({ state: 'open', last_error: { code: 'provider_network' } });
    stand.clock.advance(59_999);
    expect(stand.asked()).toEqual([]);
    stand.clock.advance(1);
    expect(stand.probe().lane).toBe('thread/lane-2');
  });

  it('is tried on another lane when one is lost or does not answer, and soon again when none does', () => {
    const stand = failed();
    stand.clock.advance(30_000);
    expect(stand.probe().lane).toBe('thread/lane-1');
    stand.probe().lose();
    expect(stand.probe().lane).toBe('thread/lane-2');
    stand.clock.advance(15_000);
    expect(stand.asked()).toEqual([]);
    expect(stand.status().state).toBe('half_open');
    stand.clock.advance(5_000);
    stand.probe().answer(WELL);
    expect(stand.status()).toMatchObject({ state: 'closed', probes: 2 });
  });

  it('that finds out only that the model is gone has found the provider', () => {
    const stand = failed();
    stand.clock.advance(30_000);
    stand.probe().answer({ outcome: 'provider_model_unknown', about: 'model', took_ms: 1 });
    expect(stand.status().state).toBe('closed');
  });

  it("is not judged by what is no vendor's doing", () => {
    const stand = failed();
    stand.clock.advance(30_000);
    stand.probe().answer({ outcome: 'storage_failed', took_ms: 1 });
    expect(stand.status().state).toBe('half_open');
    stand.clock.advance(5_000);
    expect(stand.asked('thread.probe')).toHaveLength(1);
  });

  it('of a model is made while its provider is well, and not for one that nobody wants any more', () => {
    const stand = providerStand();
    for (let failure = 0; failure < 3; failure += 1)
      stand.call('provider_overloaded', { model: 'busy' }, { about: 'model' });
    stand.clock.advance(30_000);
    expect(stand.probe().body).toMatchObject({ model: 'busy' });
    stand.probe().answer({ outcome: 'provider_overloaded', about: 'model', took_ms: 1 });
    let probes = 0;
    for (let minute = 0; minute < 120; minute += 1) {
      stand.clock.advance(60_000);
      if (stand.asked('thread.probe').length === 0) continue;
      probes += 1;
      stand.probe().answer({ outcome: 'provider_overloaded', about: 'model', took_ms: 1 });
    }
    expect(probes).toBeGreaterThan(10);
    expect(probes).toBeLessThan(18);
    expect(stand.status().models).toEqual([]);
  });

  it('is not heard of any more when the actor is stopped', () => {
    const stand = failed();
    stand.clock.advance(30_000);
    const probe = stand.probe();
    stand.actor.stop();
    probe.answer(ILL);
    stand.clock.advance(3_600_000);
    expect([stand.asked(), stand.faults]).toEqual([[], []]);
  });
});

describe('a key that was refused', () => {
  const refused = () => {
    const stand = providerStand({ key: { may_change: true, advice: '' } });
    stand.call('provider_auth');
    return stand;
  };
  const look = (stand: ReturnType<typeof refused>, states: readonly (readonly [string | null, boolean])[]): void => {
    for (const [at, question] of stand.asked('thread.key').entries()) {
      const [fingerprint = null, refused = false] = states[at] ?? [];
      question.answer({ fingerprint, refused });
    }
  };

  it('is looked at on every lane until it is another, which is tried at once and only once', () => {
    const stand = refused();
    expect(stand.asked('thread.key').map(({ lane }) => lane)).toEqual(['thread/lane-1', 'thread/lane-2']);
    look(stand, [
      ['old', true],
      ['old', false],
    ]);
    expect(stand.asked()).toEqual([]);
    stand.clock.advance(3_000);
    look(stand, [
      ['new', false],
      ['new', false],
    ]);
    expect(stand.status().state).toBe('half_open');
    stand.probe().answer({ outcome: 'provider_auth', took_ms: 1 });
    look(stand, [
      ['new', true],
      ['new', false],
    ]);
    for (let again = 0; again < 5; again += 1) {
      stand.clock.advance(3_000);
      look(stand, [
        ['new', false],
        ['new', false],
      ]);
      expect(stand.status().state).toBe('open');
    }
    stand.clock.advance(3_000);
    look(stand, [
      ['newest', false],
      ['newest', false],
    ]);
    stand.probe().answer(WELL);
    stand.clock.advance(60_000);
    expect([stand.status().state, stand.asked()]).toEqual(['closed', []]);
  });

  it('is not looked at when nothing can change it, nor when something else is wrong', () => {
    const stand = providerStand();
    stand.call('provider_auth');
    stand.clock.advance(20_000);
    expect(stand.asked()).toEqual([]);
    const other = failed({ key: { may_change: true, advice: '' } });
    other.clock.advance(20_000);
    expect(other.asked()).toEqual([]);
  });

  it('that cannot be read is no other key', () => {
    const stand = refused();
    look(stand, [
      [null, false],
      [null, false],
    ]);
    stand.clock.advance(3_000);
    for (const question of stand.asked()) question.lose();
    expect(stand.status().state).toBe('open');
    stand.clock.advance(3_000);
    expect(stand.asked('thread.key')).toHaveLength(2);
  });
});

describe('a limit of the minute', () => {
  it('is waited for by a timer, and the status says so', () => {
    const stand = providerStand({ requests_per_minute: 2 });
    stand.call('ok');
    stand.clock.advance(1_500);
    stand.call('ok');
    const waits = stand.request({ session: 'waits' });
    expect(stand.status()).toMatchObject({ waiting: 1, in_flight: 0, waits_for: 'requests_per_minute' });
    stand.clock.advance(58_400);
    expect(stand.permitOf(waits)).toBeUndefined();
    stand.clock.advance(1_100);
    expect(stand.permitOf(waits)).toBeTypeOf('number');
    expect(stand.status()).toMatchObject({ waiting: 0, waits_for: null });
  });

  it('that a request is larger than refuses it, instead of letting it wait for ever', () => {
    const stand = providerStand({ tokens_per_minute: 1_000 });
    expect(stand.refusalOf(stand.request({ tokens: 1_001 }))).toMatchObject({
      code: 'provider_too_large',
      message: expect.stringMatching(/1001 tokens.*tokens_per_minute is 1000/),
      details: { about: 'provider' },
    });
    expect(stand.permitOf(stand.request({ tokens: 1_000 }))).toBeTypeOf('number');
  });

  it('says that it waits for a permit where it does, and gives back those of a session that ends', () => {
    const stand = providerStand({ max_concurrency: 1, requests_per_minute: 100 });
    stand.request({ session: 'ends' });
    const waits = stand.request({ session: 'waits' });
    expect(stand.status().waits_for).toBe('max_concurrency');
    stand.ends.get(stand.request({ session: 'ends' }).from)?.();
    expect(stand.permitOf(waits)).toBeTypeOf('number');
  });

  it('has none for what was asked in a life that is over: the next one, at the same address, would never give it back', () => {
    const stand = providerStand({ max_concurrency: 1 });
    const late = stand.request({ session: 'resumed' }, 'stale');
    expect([stand.permitOf(late), stand.refusalOf(late)]).toEqual([undefined, undefined]);
    expect(stand.status()).toMatchObject({ in_flight: 0, waiting: 0 });
    expect(stand.permitOf(stand.request({ session: 'resumed' }))).toBeTypeOf('number');
  });
});

it('tells how long the newest good calls took, and nothing of those that failed', () => {
  const stand = providerStand();
  expect(stand.status().latency).toEqual({ first_event_ms: null, took_ms: null });
  for (let at = 1; at <= 300; at += 1) stand.call('ok', {}, { took_ms: at, first_event_ms: at / 2 });
  stand.call('provider_error', {}, { took_ms: 90_000 });
  // The newest 256 are 45 to 300.
  expect(stand.status().latency).toEqual({
    took_ms: { p50: 172, p95: 288, p99: 298 },
    first_event_ms: { p50: 86, p95: 144, p99: 149 },
  });
});
