// SPDX-License-Identifier: Apache-2.0
// Permits: fair between workspaces and sessions, never more than may be, at once or in a minute, and none lost.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Permit, Permits, type PermitsOptions } from '../../../src/actors/provider/permits.ts';
import { address } from '../../../src/bus/address.ts';
import { usualRuns } from '../../drawn.ts';
import { asked } from './asked.ts';

let now = 0;
const clock = { now: () => now, monotonic: () => now };

function permitsOf(limits: Partial<PermitsOptions> = {}): Permits {
  now = 0;
  return new Permits({ max_concurrency: 1, requests_per_minute: 0, tokens_per_minute: 0, clock, ...limits });
}

/** The permit that must be there at once. */
function granted(permit: Permit | null | 'full'): Permit {
  if (permit === null || permit === 'full') throw new Error('it gets its permit at once');
  return permit;
}

/** Gives the permit back and passes it on, over and over: who gets it, in order. */
function servedOneByOne(permits: Permits, first: Permit): string[] {
  const order: string[] = [];
  for (let held = first; ; ) {
    permits.release(held.id, held.holder);
    const next = permits.next();
    if (next === null) return order;
    order.push(next.permit.holder.slice('session/'.length));
    held = next.permit;
  }
}

describe('whose turn it is', () => {
  it('goes round the sessions, however many requests one of them has waiting', () => {
    const permits = permitsOf();
    const first = granted(permits.request(asked({ session: 'busy' })));
    for (let more = 0; more < 5; more += 1) expect(permits.request(asked({ session: 'busy' }))).toBeNull();
    expect(permits.request(asked({ session: 'other' }))).toBeNull();
    expect(servedOneByOne(permits, first)).toEqual(['busy', 'other', 'busy', 'busy', 'busy', 'busy']);
  });

  it('goes round the workspaces first: one with many sessions gets no more than one with one', () => {
    const permits = permitsOf();
    const first = granted(permits.request(asked({ session: 'first' })));
    for (let at = 0; at < 4; at += 1) permits.request(asked({ session: `crowd-${at}`, workspace: 'crowd' }));
    for (let at = 0; at < 3; at += 1) permits.request(asked({ session: 'single', workspace: 'small' }));
    expect(servedOneByOne(permits, first)).toEqual([
      ...['crowd-0', 'single', 'crowd-1', 'single', 'crowd-2', 'single', 'crowd-3'],
    ]);
  });

  it('is never twice that of a session while another of its workspace that waits has none', () => {
    const session = fc.record({ workspace: fc.nat(2), session: fc.nat(4) });
    const move = fc.oneof(
      fc.record({ what: fc.constant('ask' as const), who: session }),
      fc.record({ what: fc.constant('serve' as const), who: session }),
    );
    fc.assert(
      fc.property(fc.array(move, { maxLength: 80 }), (moves) => {
        const permits = permitsOf();
        let held: Permit | undefined;
        /** Who waits, and who was served since. */
        const waiting = new Map<string, { count: number; session: Set<string>; workspace: Set<string> }>();
        for (const { what, who } of moves) {
          const workspace = String(who.workspace);
          const name = `${workspace}-${who.session}`;
          if (what === 'ask') {
            const permit = permits.request(asked({ session: name, workspace }));
            if (permit === 'full') throw new Error('there is room');
            if (permit !== null) held = permit;
            else {
              const known = waiting.get(name) ?? { count: 0, session: new Set(), workspace: new Set() };
              known.count += 1;
              waiting.set(name, known);
            }
            continue;
          }
          if (held === undefined) continue;
          permits.release(held.id, held.holder);
          held = permits.next()?.permit;
          if (held === undefined) continue;
          const served = held.holder.slice('session/'.length);
          const [of = ''] = served.split('-');
          const own = waiting.get(served);
          if (own === undefined) throw new Error(`${served} was served and did not wait`);
          own.count -= 1;
          waiting.delete(served);
          const all = [...waiting.keys()];
          for (const [other, passed] of waiting) {
            if (other.startsWith(`${of}-`)) {
              expect(passed.session.has(served), `${served} is served again while ${other} waits`).toBe(false);
              passed.session.add(served);
              // The workspace's turn: whoever of it waits has waited for none of the others'.
              for (const mate of all) if (mate.startsWith(`${of}-`)) waiting.get(mate)?.workspace.clear();
            } else {
              expect(passed.workspace.has(of), `workspace ${of} is served again while ${other} waits`).toBe(false);
              passed.workspace.add(of);
            }
          }
          if (own.count > 0) waiting.set(served, { count: own.count, session: new Set(), workspace: new Set() });
        }
      }),
      { numRuns: usualRuns(500) },
    );
  });

  it('lets 20 sessions with one turn each through beside one with 1,000, in twice the time they would take alone', () => {
    const most = 4;
    /** Rounds of equal calls until all of the 20 are through. */
    const rounds = (flood: number): number => {
      const permits = permitsOf({ max_concurrency: most });
      const running: Permit[] = [];
      const ask = (session: string, turn: string): void => {
        const permit = permits.request(asked({ session, turn }));
        if (permit !== null && permit !== 'full') running.push(permit);
      };
      for (let at = 0; at < flood; at += 1) ask('flood', `turn-${at}`);
      for (let at = 0; at < 20; at += 1) ask(`single-${at}`, 'turn');
      let left = 20;
      for (let round = 1; ; round += 1) {
        for (const { id, holder } of running.splice(0)) {
          permits.release(id, holder);
          if (holder !== 'session/flood') left -= 1;
        }
        if (left === 0) return round;
        for (let next = permits.next(); next !== null; next = permits.next()) running.push(next.permit);
      }
    };
    expect(rounds(0)).toBe(20 / most);
    expect(rounds(1_000) / rounds(0)).toBeLessThanOrEqual(2);
  });

  it('costs the same step for ten thousand that wait as for ten', () => {
    const permits = permitsOf();
    let held = granted(permits.request(asked({ session: 'first' })));
    for (let at = 0; at < 10_000; at += 1) expect(permits.request(asked({ session: `s-${at}` }))).toBeNull();
    expect(permits.request(asked({ session: 'one too many' }))).toBe('full');
    const order: string[] = [];
    while (permits.waiting > 0) {
      permits.release(held.id, held.holder);
      const next = permits.next();
      if (next === null) throw new Error('somebody waits');
      held = next.permit;
      order.push(held.holder);
    }
    expect(order).toEqual(Array.from({ length: 10_000 }, (_, at) => `session/s-${at}`));
  });
});

describe('a permit', () => {
  it('is for nobody who has stopped waiting, and what is withdrawn is taken back', () => {
    const permits = permitsOf();
    granted(permits.request(asked({ session: 'one' })));
    expect(permits.request(asked({ session: 'late', deadline: 10 }))).toBeNull();
    expect(permits.request(asked({ session: 'gone' }))).toBeNull();
    expect(permits.request(asked({ session: 'next', deadline: 100 }))).toBeNull();
    expect(permits.withdraw(address('session', 'gone'), 'turn')?.from).toBe('session/gone');
    expect(permits.withdraw(address('session', 'one'), 'turn')).toBeUndefined();
    now = 11;
    expect(permits.next()?.permit.holder).toBe('session/next');
    expect(permits.waiting).toBe(0);
  });

  it('is given back by its holder alone: an earlier life of the provider may have granted the same number', () => {
    const permits = permitsOf();
    const held = granted(permits.request(asked({ session: 'one' })));
    expect(permits.release(held.id, address('session', 'other'))).toBeUndefined();
    expect(permits.inFlight).toBe(1);
    expect(permits.release(held.id, held.holder)).toBe(held);
  });

  it('is not waited for by those who are refused: all, or those of one model', () => {
    const permits = permitsOf();
    granted(permits.request(asked({ session: 'one' })));
    for (const model of ['a', 'b', 'a']) permits.request(asked({ session: `of-${model}`, model }));
    expect(permits.refuse('a').map(({ from }) => from)).toEqual(['session/of-a', 'session/of-a']);
    expect(permits.waiting).toBe(1);
    expect(permits.refuse().map(({ from }) => from)).toEqual(['session/of-b']);
    expect([permits.waiting, permits.knows(address('session', 'of-a'))]).toEqual([0, false]);
  });

  it('is out no more often than allowed, none is lost, and those of a holder that is gone come back', () => {
    const move = fc.record({
      what: fc.constantFrom('ask', 'release', 'gone', 'withdraw'),
      who: fc.nat(3),
      which: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.array(move, { maxLength: 60 }), (most, moves) => {
        const permits = permitsOf({ max_concurrency: most });
        let held: Permit[] = [];
        let waiting: { readonly holder: string; readonly turn: string }[] = [];
        const serve = (): void => {
          for (let next = permits.next(); next !== null; next = permits.next()) {
            const { permit } = next;
            held.push(permit);
            const at = waiting.findIndex(({ holder, turn }) => holder === permit.holder && turn === permit.turn_id);
            expect(at).toBeGreaterThanOrEqual(0);
            waiting.splice(at, 1);
          }
        };
        for (const [at, { what, who, which }] of moves.entries()) {
          const holder = address('session', String(who));
          if (what === 'ask') {
            const turn = `turn-${at}`;
            const permit = permits.request(asked({ session: String(who), workspace: String(who % 2), turn }));
            if (permit === null) waiting.push({ holder, turn });
            else if (permit !== 'full') held.push(permit);
          } else if (what === 'release') {
            const [given] = held.splice(which % Math.max(1, held.length), 1);
            if (given !== undefined) expect(permits.release(given.id, given.holder)).toBe(given);
          } else if (what === 'withdraw') {
            const turn = `turn-${which}`;
            const waits = waiting.some((one) => one.holder === holder && one.turn === turn);
            expect(permits.withdraw(holder, turn) !== undefined).toBe(waits);
            waiting = waiting.filter((one) => one.holder !== holder || one.turn !== turn);
            held = held.filter((permit) => permit.holder !== holder || permit.turn_id !== turn);
          } else {
            permits.drop(holder);
            held = held.filter((permit) => permit.holder !== holder);
            waiting = waiting.filter((one) => one.holder !== holder);
          }
          serve();
          expect(held.length).toBeLessThanOrEqual(most);
          expect([permits.inFlight, permits.waiting]).toEqual([held.length, waiting.length]);
          expect(waiting.length === 0 || held.length === most).toBe(true);
          expect(permits.knows(holder)).toBe([...held, ...waiting].some((one) => one.holder === holder));
        }
      }),
      { numRuns: usualRuns(1_000) },
    );
  });
});

describe('over any sixty seconds', () => {
  it('no more requests and tokens are granted than may be, and what waits is served when the minute has room', () => {
    const ask = fc.record({
      after: fc.integer({ min: 0, max: 9_000 }),
      tokens: fc.integer({ min: 0, max: 100 }),
      used: fc.integer({ min: 0, max: 100 }),
      holds: fc.integer({ min: 0, max: 70_000 }),
    });
    const limits = fc.record({
      requests_per_minute: fc.integer({ min: 0, max: 6 }),
      tokens_per_minute: fc.constantFrom(0, 100, 150, 400),
    });
    fc.assert(
      fc.property(limits, fc.array(ask, { maxLength: 60 }), ({ requests_per_minute, tokens_per_minute }, asks) => {
        const permits = permitsOf({ max_concurrency: 0, requests_per_minute, tokens_per_minute });
        const grants: { readonly at: number; tokens: number }[] = [];
        const releases: { readonly at: number; readonly run: () => void }[] = [];
        const plans = new Map<string, (typeof asks)[number]>();
        const take = (permit: Permit): void => {
          const grant = { at: now, tokens: permit.tokens };
          grants.push(grant);
          const within = grants.filter(({ at }) => now - at < 60_000);
          if (requests_per_minute > 0) expect(within.length).toBeLessThanOrEqual(requests_per_minute);
          const sum = within.reduce((total, { tokens }) => total + tokens, 0);
          if (tokens_per_minute > 0) expect(sum).toBeLessThanOrEqual(tokens_per_minute);
          const plan = plans.get(permit.turn_id);
          if (plan === undefined) throw new Error('nobody asked for it');
          releases.push({
            at: now + plan.holds,
            run: () => {
              grant.tokens = plan.used;
              permits.release(permit.id, permit.holder, plan.used);
            },
          });
        };
        /** Lets time pass with what the actor would do in it: releases, and the timer for the minute. */
        const until = (end: number): void => {
          for (;;) {
            for (let next = permits.next(); next !== null; next = permits.next()) take(next.permit);
            const wait = permits.blocked?.ms ?? null;
            // What waits is told for how long, which is never more than what a minute needs to pass.
            if (permits.waiting > 0) expect(wait).toBeLessThanOrEqual(61_000);
            const timer = wait === null ? Number.POSITIVE_INFINITY : now + Math.max(1, wait);
            releases.sort((one, other) => one.at - other.at);
            const first = Math.min(releases[0]?.at ?? Number.POSITIVE_INFINITY, timer);
            if (first > end) break;
            now = first;
            if (releases[0]?.at === now) releases.shift()?.run();
          }
          now = Math.max(now, end);
        };
        for (const [at, plan] of asks.entries()) {
          until(now + plan.after);
          plans.set(`turn-${at}`, plan);
          const envelope = asked({ turn: `turn-${at}`, tokens: plan.tokens, deadline: Number.MAX_SAFE_INTEGER });
          const permit = permits.request(envelope);
          if (permit !== null && permit !== 'full') take(permit);
        }
        until(now + 61_000 * (asks.length + 1));
        expect([permits.waiting, grants.length]).toEqual([0, asks.length]);
      }),
      { numRuns: usualRuns(400) },
    );
  });

  it('counts what was used in place of what was held, from when it is known', () => {
    const permits = permitsOf({ max_concurrency: 0, tokens_per_minute: 100 });
    const first = granted(permits.request(asked({ tokens: 90 })));
    expect(permits.request(asked({ session: 'two', tokens: 20 }))).toBeNull();
    expect(permits.next()).toBeNull();
    expect(permits.blocked).toEqual({ waits_for: 'tokens_per_minute', ms: 61_000 });
    permits.release(first.id, first.holder, 80);
    expect(permits.next()?.permit.holder).toBe('session/two');
    expect(permits.fits(asked({ tokens: 101 }))).toBe(false);
  });

  it('forgets a minute in which nothing happened at all', () => {
    const permits = permitsOf({ max_concurrency: 0, requests_per_minute: 1 });
    now = 5_500;
    granted(permits.request(asked()));
    now = 5_000_000;
    granted(permits.request(asked()));
    expect(permits.request(asked())).toBeNull();
  });
});

describe('what nobody waits for', () => {
  const later = (session: string, turn = session): ReturnType<typeof asked> =>
    asked({ session, turn, workspace: session, background: true });

  it('comes after all that somebody waits for, whenever that came', () => {
    const permits = permitsOf();
    const first = granted(permits.request(asked({ session: 'turn-1' })));
    expect(permits.request(later('summary-1'))).toBeNull();
    expect(permits.request(later('summary-2'))).toBeNull();
    expect(permits.request(asked({ session: 'turn-2' }))).toBeNull();
    expect(permits.request(asked({ session: 'turn-3' }))).toBeNull();
    expect(servedOneByOne(permits, first)).toEqual(['turn-2', 'turn-3', 'summary-1', 'summary-2']);
    expect([permits.inFlight, permits.waiting]).toEqual([0, 0]);
  });

  it('has a quarter of the permits at most, and never keeps a turn from one that is free', () => {
    const permits = permitsOf({ max_concurrency: 8 });
    const held = ['a', 'b', 'c', 'd'].map((name) => permits.request(later(name)));
    expect(held.map((one) => one !== null)).toEqual([true, true, false, false]);
    expect(permits.blocked).toBeNull();
    expect(permits.next()).toBeNull();
    expect(permits.blocked).toMatchObject({ waits_for: 'max_concurrency' });
    const turns = Array.from({ length: 6 }, (_, at) => granted(permits.request(asked({ session: `turn-${at}` }))));
    expect(permits.request(asked({ session: 'one-more' }))).toBeNull();
    // A summary that ends makes room for a turn first.
    permits.release(granted(held[0] ?? null).id, granted(held[0] ?? null).holder);
    expect(permits.next()?.permit.holder).toBe('session/one-more');
    for (const { id, holder } of turns) permits.release(id, holder);
    expect(permits.next()?.permit.holder).toBe('session/c');
    expect(permits.next()).toBeNull();
  });

  it('is withdrawn, refused and dropped like everything else, and not served past its time', () => {
    const permits = permitsOf();
    const first = granted(permits.request(asked({ session: 'turn' })));
    for (const name of ['a', 'b', 'c']) permits.request(later(name));
    permits.request(asked({ session: 'late', background: true, deadline: 5 }));
    expect(permits.withdraw(address('session', 'a'), 'a')?.from).toBe('session/a');
    permits.drop(address('session', 'b'));
    expect([permits.waiting, permits.knows(address('session', 'b')), permits.knows(address('session', 'c'))]).toEqual([
      ...[2, false, true],
    ]);
    now = 6;
    expect(servedOneByOne(permits, first)).toEqual(['c']);
    const again = granted(permits.request(asked({ session: 'turn' })));
    permits.request(later('d'));
    expect(permits.refuse().map(({ from }) => from)).toEqual(['session/d']);
    expect([permits.waiting, servedOneByOne(permits, again)]).toEqual([0, []]);
  });

  it('is taken back when its time is over, though nobody gave it back', () => {
    const permits = permitsOf();
    granted(permits.request(asked({ session: 'lost', background: true, deadline: 50 })));
    expect(permits.request(later('a'))).toBeNull();
    expect([permits.next(), permits.blocked]).toEqual([null, { waits_for: 'max_concurrency', ms: 50 }]);
    now = 50;
    expect(permits.next()?.permit.holder).toBe('session/a');
    expect(permits.inFlight).toBe(1);
  });

  it('is told apart where two threads have given it the same number', () => {
    const permits = permitsOf();
    const first = granted(permits.request(asked({ session: 'turn' })));
    const [one, other] = [later('a'), later('b')].map((envelope) => ({ ...envelope, id: 7 }));
    if (one === undefined || other === undefined) throw new Error('there are two');
    expect([permits.request(one), permits.request(other), permits.waiting]).toEqual([null, null, 2]);
    expect(servedOneByOne(permits, first)).toEqual(['a', 'b']);
    expect(permits.waiting).toBe(0);
  });

  it('starves no turn and loses no permit, whatever comes in whatever order', () => {
    const move = fc.record({ what: fc.constantFrom('turn', 'summary', 'release', 'release'), who: fc.nat(5) });
    fc.assert(
      fc.property(fc.array(move, { maxLength: 120 }), fc.integer({ min: 0, max: 5 }), (moves, max_concurrency) => {
        const permits = permitsOf({ max_concurrency });
        const held: Permit[] = [];
        let [turns, summaries] = [0, 0];
        const take = (permit: Permit | null | 'full'): boolean =>
          permit !== null && permit !== 'full' && held.push(permit) > 0;
        for (const { what, who } of moves) {
          if (what === 'release') {
            const permit = held.shift();
            if (permit !== undefined) permits.release(permit.id, permit.holder);
          } else if (what === 'turn') turns += take(permits.request(asked({ session: `t${who}` }))) ? 0 : 1;
          else summaries += take(permits.request(later(`s${who}`))) ? 0 : 1;
          for (let next = permits.next(); next !== null; next = permits.next()) {
            held.push(next.permit);
            if (next.permit.background) {
              summaries -= 1;
              expect(turns).toBe(0);
            } else turns -= 1;
          }
          expect([permits.inFlight, permits.waiting]).toEqual([held.length, turns + summaries]);
          if (max_concurrency > 0) expect(held.length).toBeLessThanOrEqual(max_concurrency);
          // Who waits does so for a permit that somebody holds.
          if (turns > 0) expect(held.length).toBe(max_concurrency);
        }
      }),
      { numRuns: usualRuns(300) },
    );
  });
});
