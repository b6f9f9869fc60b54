// SPDX-License-Identifier: Apache-2.0
// The actors of a thread as the inspector sees them: pages while they come and go, counts, children, steps; a hundred thousand of them.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LOOKS_MOST, type Resident } from '../../src/actors/residents.ts';
import { usualRuns } from '../drawn.ts';
import { BEGAN, pagesOf, stand } from './residents-world.ts';

const iso = (ms: number): string => new Date(BEGAN + ms).toISOString();
const session = (nth: number): string => `session/${String(nth).padStart(6, '0')}`;

/** What comes and goes between two pages, by the number in its address. */
const coming = fc.array(fc.record({ nth: fc.nat(60), stays: fc.boolean() }), { maxLength: 12 });

it('pages every actor that stays exactly once and in order, whoever comes and goes between two pages', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(60), { maxLength: 60 }),
      fc.array(coming, { maxLength: 30 }),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom<object>({}, { kind: 'session' }, { q: '1' }, { state: 'turn' }, { kind: 'gateway' }),
      (first, changes, limit, filter: { kind?: string; q?: string; state?: string }) => {
        const house = stand();
        const here = new Map<number, Resident>();
        const come = (nth: number): void => {
          const state = nth % 2 === 0 ? 'idle' : { turn: 'writing' };
          if (!here.has(nth)) here.set(nth, house.add(nth % 7 === 0 ? `gateway/${nth}` : session(nth), null, state));
        };
        const go = (nth: number): void => {
          const resident = here.get(nth);
          if (resident !== undefined) house.residents.remove(resident);
          here.delete(nth);
        };
        for (const nth of first) come(nth);
        const stayed = new Set(first);
        const ever = new Set(first);
        const left = [...changes];
        const seen = pagesOf(house, filter, limit, () => {
          for (const { nth, stays } of left.shift() ?? []) {
            if (stays) come(nth);
            else go(nth);
            ever.add(nth);
            if (!stays) stayed.delete(nth);
          }
        });
        const fits = (nth: number): boolean => {
          const address = nth % 7 === 0 ? `gateway/${nth}` : session(nth);
          if (filter.kind !== undefined && !address.startsWith(`${filter.kind}/`)) return false;
          if (filter.state !== undefined && nth % 2 === 0) return false;
          return filter.q === undefined || address.includes(filter.q);
        };
        const nths = seen.map((address) => Number(address.slice(address.indexOf('/') + 1)));
        expect(seen).toEqual([...seen].sort());
        expect(new Set(seen).size).toBe(seen.length);
        for (const nth of stayed) expect(nths.includes(nth)).toBe(fits(nth));
        for (const nth of nths) expect(ever.has(nth) && fits(nth)).toBe(true);
      },
    ),
  );
});

it('counts and orders whatever comes, goes and moves as a plain model does', () => {
  const states = ['idle', { turn: 'writing' }, { turn: 'calling_model' }];
  fc.assert(
    fc.property(
      fc.array(fc.record({ nth: fc.nat(2_000), what: fc.nat(4) }), { minLength: 1, maxLength: 3_000 }),
      (steps) => {
        const house = stand();
        const model = new Map<string, { resident: Resident; state: number }>();
        for (const { nth, what } of steps) {
          const address = session(nth);
          const known = model.get(address);
          if (what > 2) {
            if (known !== undefined) house.residents.remove(known.resident);
            model.delete(address);
          } else if (known === undefined) model.set(address, { resident: house.add(address), state: 0 });
          else {
            house.step(known.resident, 'x', states[what]);
            known.state = what;
          }
        }
        const names = ['idle', 'turn.writing', 'turn.calling_model'];
        const by_state: Record<string, number> = {};
        for (const { state } of model.values()) {
          const name = names[state] ?? '';
          by_state[name] = (by_state[name] ?? 0) + 1;
        }
        expect(house.residents.totals()).toEqual({
          actors: model.size,
          by_kind: model.size === 0 ? {} : { session: model.size },
          by_state,
        });
        expect(pagesOf(house, {}, 200)).toEqual([...model.keys()].sort());
      },
    ),
    { numRuns: usualRuns(50) },
  );
});

it('shows a page of a hundred thousand without looking at the others', () => {
  const house = stand();
  const MANY = 100_000;
  // Not in order, as lanes wake.
  for (let at = 0; at < MANY; at += 1) house.add(session((at * 7_919) % MANY), 'workspace/w');
  house.add('workspace/w');
  expect(house.residents.totals()).toEqual({
    actors: MANY + 1,
    by_kind: { session: MANY, workspace: 1 },
    by_state: { idle: MANY + 1 },
  });
  house.looks = 0;
  const page = house.residents.page({ state: 'idle' }, 50, session(50_000));
  expect(page.items.map((item) => item.address)).toEqual(Array.from({ length: 50 }, (_, at) => session(50_001 + at)));
  expect(house.looks).toBe(50);
  // Nobody is in that state: no way to go at all.
  expect(house.residents.page({ state: 'turn' }, 50, '')).toEqual({ items: [], reached: null });
  // Nothing fits: one question goes only so far, and says how far.
  expect(house.residents.page({ q: 'nowhere' }, 50, '')).toEqual({ items: [], reached: session(LOOKS_MOST - 1) });
  expect(pagesOf(house, {}, 200)).toHaveLength(MANY + 1);
  expect(pagesOf(house, { q: '77777' }, 200)).toEqual([session(77_777)]);
  const { addresses, count } = house.residents.children('workspace/w');
  expect([count, addresses.length, addresses.at(-1)]).toEqual([MANY, 1_000, session(999)]);
});

it('knows children by their parent, also by one they got later', () => {
  const house = stand();
  const first = house.add('session/b', null);
  const second = house.add('session/a', 'workspace/w');
  expect(house.residents.children('workspace/w')).toEqual({ addresses: ['session/a'], count: 1 });
  house.residents.adopt(first, 'workspace/w');
  expect(house.residents.children('workspace/w')).toEqual({ addresses: ['session/a', 'session/b'], count: 2 });
  expect(house.residents.inside('session/b', false)?.parent).toBe('workspace/w');
  house.residents.remove(first);
  house.residents.remove(second);
  expect(house.residents.children('workspace/w')).toEqual({ addresses: [], count: 0 });
  // Whoever has left is nobody's child and moves nothing.
  house.residents.adopt(first, 'workspace/w');
  house.step(first, 'late', 'turn');
  expect(house.residents.children('workspace/w').count).toBe(0);
  expect(house.residents.totals()).toEqual({ actors: 0, by_kind: {}, by_state: {} });
});

it('keeps the last 64 steps of each actor, however many there were', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3), { maxLength: 400 }), (turns) => {
      const house = stand();
      const residents = [0, 1, 2, 3].map((nth) => house.add(session(nth)));
      const expected: { at: string; event: string; to: string }[][] = [[], [], [], []];
      for (const [at, nth] of turns.entries()) {
        house.clock = at * 3;
        const to = `s${at % 5}`;
        house.step(residents[nth] as Resident, `e${at % 9}`, to);
        expected[nth]?.push({ at: iso(at * 3), event: `e${at % 9}`, to });
      }
      for (const [nth, steps] of expected.entries()) {
        const inside = house.residents.inside(session(nth), false);
        expect(inside?.recent.map(({ at, event, to_state }) => ({ at, event, to: to_state }))).toEqual(
          steps.slice(-64),
        );
        expect(inside?.processed).toBe(steps.length);
        const last = steps.at(-1);
        expect(inside?.last_event).toEqual(last === undefined ? null : { type: last.event, at: last.at });
      }
    }),
    { numRuns: usualRuns(50) },
  );
});

it("tells when a step was after years, how long it took, and shows nobody another's steps", () => {
  const house = stand();
  const first = house.add('gateway/root');
  house.step(first, 'began', 'idle');
  house.clock = 400 * 86_400_000 + 7;
  house.residents.moved(first, 'asked', { turn: 'writing' }, house.clock - 1.5);
  const inside = house.residents.inside('gateway/root', true);
  expect(inside?.recent).toEqual([
    { at: iso(0), event: 'began', from_state: 'idle', to_state: 'idle', took_us: 0 },
    { at: iso(house.clock), event: 'asked', from_state: 'idle', to_state: 'turn.writing', took_us: 1_500 },
  ]);
  expect([inside?.since, inside?.uptime_s, inside?.context]).toEqual([
    iso(house.clock),
    400 * 86_400,
    { reveal: true },
  ]);
  house.residents.remove(first);
  const next = house.add('gateway/other');
  expect(house.residents.inside('gateway/other', false)?.recent).toEqual([]);
  house.step(next, 'began', 'idle');
  expect(house.residents.inside('gateway/other', false)?.recent).toHaveLength(1);
});

it('counts how often an actor was started again', () => {
  const house = stand();
  const first = house.add('provider/x');
  house.residents.remove(first);
  house.residents.restarted(first.address);
  house.add('provider/x');
  expect(house.residents.inside('provider/x', false)?.restarts).toBe(1);
});

it('tells each watcher of the steps it wants, a thousand a second, and how many more there were', () => {
  const house = stand();
  const { residents, told } = house;
  const one = house.add('session/one');
  const other = house.add('session/other');
  const root = house.add('gateway/root');
  house.step(one, 'unseen', 'idle');
  expect(told).toEqual([]);
  residents.trace.follow({ kind: 'session' });
  residents.trace.follow({ address: 'session/one' });
  for (let at = 0; at < 1_500; at += 1) house.step(other, 'busy', 'idle');
  // What others do takes nothing away from who watches one actor.
  house.step(one, 'seen', 'turn');
  house.step(root, 'of another kind', 'idle');
  const of = (name: string) => told.filter((event) => event.name === name).map(({ event }) => event);
  expect(of('trace:session:')).toHaveLength(1_000);
  expect(of('trace::session/one')).toEqual([
    { address: 'session/one', at: iso(0), event: 'seen', from_state: 'idle', to_state: 'turn', took_us: 0 },
  ]);
  house.clock = 1_000;
  residents.trace.follow({ kind: 'session' });
  expect(of('trace:session:').at(-1)).toEqual({ dropped: 501 });
  house.step(one, 'seen', 'idle');
  expect(of('trace:session:')).toHaveLength(1_002);
});

it('stops telling when nobody listens any more, or nobody has said so for long', () => {
  const house = stand();
  const { residents, told } = house;
  const one = house.add('session/one');
  residents.trace.follow({});
  house.heard = new Set();
  house.step(one, 'x', 'idle');
  expect([residents.trace.idle, told]).toEqual([true, []]);
  house.heard = null;
  residents.trace.follow({});
  house.clock = 10_000;
  house.step(one, 'x', 'idle');
  expect([residents.trace.idle, told]).toEqual([true, []]);
});

it('gives the steps of several threads times in the order in which they happened', () => {
  const moment = fc.nat(20_000).map((us) => us / 1_000);
  fc.assert(
    fc.property(
      fc.array(moment, { minLength: 2, maxLength: 5 }),
      fc.array(fc.record({ thread: fc.nat(4), after: fc.nat(900).map((us) => us / 1_000) }), { minLength: 2 }),
      (begins, steps) => {
        const threads = begins.map((late) => ({ late, house: stand(late) }));
        const seen: string[] = [];
        let now = Math.max(...begins);
        for (const { thread, after } of steps) {
          now += after;
          const here = threads[thread % threads.length];
          if (here === undefined) continue;
          here.house.clock = now - here.late;
          here.house.residents.trace.follow({});
          here.house.step(here.house.add(session(thread)), 'session.deliver', 'idle');
          const told = here.house.told.at(-1)?.event;
          if (told !== undefined && 'at' in told) seen.push(told.at);
        }
        expect(seen).toHaveLength(steps.length);
        expect(seen).toEqual([...seen].sort());
      },
    ),
  );
});
