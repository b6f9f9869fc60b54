// SPDX-License-Identifier: Apache-2.0
// What every transport must keep: the bus between two threads, told from the near one.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Address, address, idOf } from '../../src/bus/address.ts';
import type { Answer, Envelope, Topic } from '../../src/bus/envelope.ts';
import { topic } from '../../src/bus/envelope.ts';
import { type Layout, placement, threadNames } from '../../src/bus/layout.ts';
import type { BusNode } from '../../src/bus/node.ts';
import { type AnyProtocols, type Heard, LOG } from './far.ts';

export const LAYOUT: Layout = { lanes: 2, io: 1 };
export const FAR = threadNames(LAYOUT).indexOf('lane-1');

export interface Limits {
  readonly window?: number;
  readonly mailboxCapacity?: number;
}

/** The near thread (`main`) and the far one (`lane-1`). */
export interface Mesh {
  readonly near: BusNode<AnyProtocols>;
  /** Starts the far thread's next life. */
  start(): void;
  /** Ends the far thread as it stands. */
  kill(): void;
  /** Comes back once the far thread, told to freeze, stands still. */
  frozen(): Promise<void>;
  thaw(): void;
  /** Goes on until the condition holds. */
  until(condition: () => boolean): Promise<void>;
  stop(): Promise<void>;
}

export type Connect = (limits: Limits) => Mesh;

interface Noted {
  readonly session: string;
  readonly life: number;
  readonly seq: number;
}

const HERE = address('thread', 'main');
const place = placement(LAYOUT);

/** Sessions that live on the far thread. */
const FAR_SESSIONS = Array.from({ length: 40 }, (_, at) => address('session', `s${at}`)).filter(
  (of) => place(of) === FAR,
);
const session = (at: number): Address<'session'> => FAR_SESSIONS[at] ?? address('session', 'missing');
const [A, B] = [session(0), session(1)];

const upTo = (count: number, from = 0) => Array.from({ length: count }, (_, at) => from + at);

/** The contract, once for each transport. */
export function contract(name: string, connect: Connect): void {
  describe(name, () => {
    let mesh: Mesh;
    let near: BusNode<AnyProtocols>;
    let noted: Noted[];
    let downs: unknown[];

    const open = (limits: Limits = {}) => {
      mesh = connect(limits);
      near = mesh.near;
      noted = [];
      downs = [];
      near.host('gateway', (envelope) => {
        if (envelope.type === 'test.noted') noted.push(envelope.body as Noted);
        else if (envelope.type === 'test.down') downs.push(envelope.body);
        else near.reply(envelope, envelope.body);
      });
    };
    beforeEach(() => {
      open();
      mesh.start();
    });
    afterEach(() => mesh.stop());
    const reopen = async (limits: Limits) => {
      await mesh.stop();
      open(limits);
      mesh.start();
    };

    /** Asks, and gathers every answer that ever comes. */
    const ask = (to: Address, type: string, body: unknown = null, within = 60_000) => {
      const answers: Answer<unknown>[] = [];
      near.ask(to, type, body, { from: HERE, within }, (answer) => answers.push(answer));
      return answers;
    };
    const answer = async (to: Address, type: string, body: unknown = null, within = 60_000) => {
      const answers = ask(to, type, body, within);
      await mesh.until(() => answers.length > 0);
      return answers[0];
    };
    const ok = (body: unknown) => ({ ok: true, body });
    const failed = (code: string, more: object = {}) => ({
      ok: false,
      error: expect.objectContaining({ code, ...more }),
    });
    const note = (to: Address, seq: number) => near.send(to, 'test.note', seq, { from: HERE });
    const seqsOf = (of: Address) => noted.filter((each) => each.session === idOf(of)).map((each) => each.seq);
    const freeze = async () => {
      const answers = ask(A, 'test.freeze');
      await mesh.until(() => answers.length === 1);
      await mesh.frozen();
    };
    const reasons = () => near.stats().dead_letters.map(({ reason }) => reason);

    describe('order', () => {
      test('messages of one pair arrive in order, over many ticks and between other receivers', async () => {
        let next = 0;
        while (next < 3000) {
          for (const seq of upTo(100, next)) {
            note(A, seq);
            note(B, seq);
          }
          next += 100;
          await mesh.until(() => seqsOf(A).length > next - 300);
        }
        await mesh.until(() => noted.length === 6000);
        expect(seqsOf(A)).toEqual(upTo(3000));
        expect(seqsOf(B)).toEqual(upTo(3000));
      });

      test('within the thread too, and never before the sender has returned', async () => {
        const got: unknown[] = [];
        near.host('gateway', ({ body }: Envelope) => got.push(body));
        for (const seq of upTo(500)) near.send(LOG, 'test.local', seq, { from: HERE });
        expect(got).toEqual([]);
        await mesh.until(() => got.length === 500);
        expect(got).toEqual(upTo(500));
      });

      test('a subscription holds before an ask sent after it is handled, and events come before the later answer', async () => {
        const ticks = topic<number>(B, 'ticks');
        const seen: unknown[] = [];
        near.subscribe(ticks, { events: (events) => seen.push(...events) }, { lossless: true });
        near.ask(A, 'test.publish', { topic: ticks, count: 3 }, { from: HERE, within: 60_000 }, () =>
          seen.push('answer'),
        );
        await mesh.until(() => seen.includes('answer'));
        expect(seen).toEqual([0, 1, 2, 'answer']);
      });
    });

    describe('asks', () => {
      test('are answered, here and there, after the asker has returned', async () => {
        const there = ask(A, 'test.echo', { text: 'hi' });
        const here = ask(LOG, 'test.echo', { text: 'ho' });
        expect([there, here]).toEqual([[], []]);
        await mesh.until(() => there.length + here.length === 2);
        expect([there, here]).toEqual([[ok({ text: 'hi' })], [ok({ text: 'ho' })]]);
        expect(near.stats()).toMatchObject({ asks_in_flight: 0, kinds: { session: { sent: 1, asks_in_flight: 0 } } });
      });

      test('end with their deadline; a late answer is a dead letter and not a second one', async () => {
        const held = ask(A, 'test.hold', null, 120);
        await mesh.until(() => held.length > 0);
        expect(held).toEqual([failed('deadline_exceeded', { retryable: true, in_doubt: true })]);
        await answer(A, 'test.release');
        await mesh.until(() => reasons().includes('late_reply'));
        expect(held).toHaveLength(1);
        expect(near.stats().kinds.session.timeouts).toBe(1);
      });

      test('take the first of two answers', async () => {
        expect(await answer(A, 'test.twice')).toEqual(ok('first'));
        await mesh.until(() => reasons().includes('late_reply'));
      });

      test('fail when nobody receives them: no host, no actor, no such thread', async () => {
        expect(await answer(address('workspace', 'w4'), 'test.echo')).toEqual(failed('not_found'));
        expect(await answer(A, 'test.unheard_of')).toEqual(failed('not_found'));
        expect(await answer(address('thread', 'lane-9'), 'test.echo')).toEqual(failed('not_found'));
        expect(near.send(address('thread', 'lane-9'), 'test.echo', null, { from: HERE })).toBe(false);
        expect(reasons()).toContain('no_receiver');
      });

      test('fail when the asker lives elsewhere, for the answer would go there', async () => {
        const answers: Answer<unknown>[] = [];
        near.ask(A, 'test.echo', null, { from: B, within: 1000 }, (each) => answers.push(each));
        await mesh.until(() => answers.length > 0);
        expect(answers).toEqual([failed('internal')]);
      });

      test('fail when their receiver throws, and its thread goes on', async () => {
        expect(await answer(A, 'test.throw')).toEqual(failed('internal'));
        expect(await answer(A, 'test.echo', 1)).toEqual(ok(1));
      });
    });

    describe('bodies that cannot be cloned', () => {
      const culprit = { how: () => 'never' };

      test('fail their ask at once, and the others of the batch arrive in order', async () => {
        note(A, 0);
        const bad = ask(A, 'test.echo', culprit);
        note(A, 1);
        near.send(A, 'test.note', culprit, { from: HERE });
        const good = ask(A, 'test.echo', 'good');
        note(A, 2);
        await mesh.until(() => noted.length === 3 && good.length === 1 && bad.length === 1);
        expect(bad).toEqual([failed('internal', { message: expect.stringContaining('could not be cloned') })]);
        expect(seqsOf(A)).toEqual([0, 1, 2]);
        expect(reasons()).toEqual(['uncloneable', 'uncloneable']);
        await mesh.until(() => near.stats().links.every(({ untaken }) => untaken === 0));
      });

      test('of an answer fail the ask', async () => {
        expect(await answer(A, 'test.bad_reply')).toEqual(failed('internal'));
        expect(await answer(A, 'test.echo', 1)).toEqual(ok(1));
      });

      test('of one event lose that event alone', async () => {
        const news = topic<unknown>(LOG, 'news');
        await answer(A, 'test.listen', { topic: news, lossless: true });
        for (const event of [1, culprit, 2, 3]) near.publish(news, event);
        expect(await answer(A, 'test.heard', news)).toEqual(ok({ events: [1, 2, 3], dropped: 1, lost: 0 }));
      });
    });

    describe('a flood', () => {
      test('is refused at once past the window, costs no more memory than that, and is over when it is over', async () => {
        await reopen({ window: 200 });
        await freeze();
        const accepted = upTo(5000).filter((seq) => note(A, seq));
        const asked = ask(A, 'test.echo');
        await mesh.until(() => asked.length > 0);
        expect(asked).toEqual([failed('overloaded', { retryable: true })]);
        expect(accepted.length).toBeLessThanOrEqual(200);
        expect(accepted.length).toBeGreaterThan(190);
        expect(near.stats().links.find(({ thread }) => thread === 'lane-1')?.untaken).toBeLessThanOrEqual(200);
        mesh.thaw();
        await mesh.until(() => noted.length === accepted.length);
        expect(seqsOf(A)).toEqual(accepted);
        expect(await answer(A, 'test.echo', 'again')).toEqual(ok('again'));
      });

      test('of asks fills a mailbox, and each ask is answered once', async () => {
        await reopen({ mailboxCapacity: 50 });
        const asks = upTo(400).map(() => ask(A, 'test.slow'));
        await mesh.until(() => asks.every((answers) => answers.length > 0));
        const answers = asks.flat();
        expect(answers).toHaveLength(400);
        const refused = answers.filter((each) => !each.ok);
        expect(refused.length).toBeGreaterThan(0);
        for (const each of refused) expect(each).toEqual(failed('overloaded'));
        expect(await answer(A, 'test.echo', 1)).toEqual(ok(1));
      });

      test('of one actor does not hold up another', async () => {
        for (let n = 0; n < 800; n++) near.send(A, 'test.slow', null, { from: HERE });
        const handled = await answer(B, 'test.slow_count');
        expect(handled?.ok).toBe(true);
        if (handled?.ok) expect(handled.body).toBeLessThan(100);
      });
    });

    describe('topics', () => {
      const news = topic<number>(LOG, 'news');
      const heard = async (): Promise<Heard> => {
        const all = await answer(A, 'test.heard', news);
        if (!all?.ok) throw new Error('not heard');
        return all.body as Heard;
      };

      test('cost nothing unheard, and stop when the last listener stops', async () => {
        expect(near.heard(news as Topic<unknown>)).toBe(false);
        await answer(A, 'test.listen', { topic: news, lossless: false });
        expect(near.heard(news as Topic<unknown>)).toBe(true);
        near.publish(news, 1);
        await answer(A, 'test.unlisten', news);
        expect(near.heard(news as Topic<unknown>)).toBe(false);
        near.publish(news, 2);
        expect((await heard()).events).toEqual([1]);
      });

      test('are heard within the thread, in batches, until stopped', async () => {
        const batches: (readonly number[])[] = [];
        const stop = near.subscribe(news, { events: (events) => batches.push(events) });
        for (const seq of upTo(10)) near.publish(news, seq);
        expect(batches).toEqual([]);
        await mesh.until(() => batches.length > 0);
        expect(batches).toEqual([upTo(10)]);
        stop();
        expect(near.heard(news as Topic<unknown>)).toBe(false);
      });

      test('drop to a counted gap for a slow lossy listener', async () => {
        await reopen({ window: 300 });
        await answer(A, 'test.listen', { topic: news, lossless: false });
        await freeze();
        for (const seq of upTo(2000)) near.publish(news, seq);
        mesh.thaw();
        let got = await heard();
        while (got.events.length + got.dropped < 2000) got = await heard();
        expect(got.dropped).toBeGreaterThan(1000);
        expect(got.events.length + got.dropped).toBe(2000);
        expect(got.events).toEqual(upTo(got.events.length));
      });

      test('never drop for a lossless one', async () => {
        await reopen({ window: 300 });
        await answer(A, 'test.listen', { topic: news, lossless: true });
        await freeze();
        for (const seq of upTo(2000)) near.publish(news, seq);
        mesh.thaw();
        await mesh.until(() => near.stats().links.every(({ untaken }) => untaken === 0));
        expect(await heard()).toEqual({ events: upTo(2000), dropped: 0, lost: 0 });
      });

      test("are renewed with the publisher's next life, and the listener learns that it may have missed something", async () => {
        const ticks = topic<number>(A, 'ticks');
        const seen: unknown[] = [];
        near.subscribe(
          ticks,
          { events: (events) => seen.push(...events), lost: () => seen.push('lost') },
          { lossless: true },
        );
        await answer(A, 'test.publish', { topic: ticks, count: 2 });
        mesh.kill();
        mesh.start();
        await mesh.until(() => seen.includes('lost'));
        expect(await answer(A, 'test.publish', { topic: ticks, count: 1 })).toEqual(ok(true));
        expect(seen).toEqual([0, 1, 'lost', 0]);
      });

      test('are renewed before anything that waited for the next life is handled', async () => {
        const ticks = topic<number>(A, 'ticks');
        const seen: number[] = [];
        near.subscribe(ticks, { events: (events) => seen.push(...events) }, { lossless: true });
        await answer(A, 'test.echo');
        mesh.kill();
        await mesh.until(() => near.stats().links.every(({ thread, up }) => thread !== 'lane-1' || !up));
        const answers = ask(A, 'test.publish', { topic: ticks, count: 3 });
        mesh.start();
        await mesh.until(() => answers.length > 0);
        expect(answers).toEqual([ok(true)]);
        expect(seen).toEqual([0, 1, 2]);
      });

      test('forget a listener whose thread has ended', async () => {
        await answer(A, 'test.listen', { topic: news, lossless: true });
        mesh.kill();
        await mesh.until(() => !near.heard(news as Topic<unknown>));
        mesh.start();
        await answer(A, 'test.echo');
        expect(near.heard(news as Topic<unknown>)).toBe(false);
      });
    });

    describe('watches', () => {
      test('tell when an actor ends, once, and at once when it had ended', async () => {
        const told: string[] = [];
        near.watch(A, (reason) => told.push(reason));
        const stop = near.watch(A, () => told.push('stopped before'));
        stop();
        await answer(A, 'test.end');
        await mesh.until(() => told.length > 0);
        near.watch(A, (reason) => told.push(`after: ${reason}`));
        await mesh.until(() => told.length > 1);
        mesh.kill();
        mesh.start();
        await answer(A, 'test.echo');
        expect(told).toEqual(['ended', 'after: ended']);
      });

      test('tell when the thread ends', async () => {
        const told: string[] = [];
        near.watch(A, (reason) => told.push(reason));
        near.watch(B, () => told.push('stopped before'))();
        await answer(A, 'test.echo');
        mesh.kill();
        await mesh.until(() => told.length > 0);
        expect(told).toEqual(['thread_lost']);
      });

      test('reach the watching thread', async () => {
        await answer(A, 'test.watch');
        near.ended(HERE);
        await mesh.until(() => downs.length > 0);
        expect(downs).toEqual([{ of: HERE, reason: 'ended' }]);
      });
    });

    describe('a thread that ends', () => {
      test('fails every ask it had taken at once, in doubt', async () => {
        const held = upTo(50).map(() => ask(A, 'test.hold'));
        await answer(A, 'test.echo');
        mesh.kill();
        await mesh.until(() => held.every((answers) => answers.length > 0));
        expect(held.flat()).toEqual(held.map(() => failed('thread_lost', { in_doubt: true, retryable: true })));
      });

      test('leaves what it had not taken to its next life, in order and none twice', async () => {
        await freeze();
        for (const seq of upTo(500)) note(A, seq);
        const asks = upTo(100).map(() => ask(A, 'test.note', -1));
        // Posted, so that it lies in the port of the thread that ends.
        await mesh.until(() => near.stats().messages_out > 600);
        for (const seq of upTo(100, 500)) note(A, seq);
        mesh.kill();
        mesh.start();
        await mesh.until(() => noted.length === 700 && asks.every((answers) => answers.length > 0));
        expect(seqsOf(A).filter((seq) => seq >= 0)).toEqual(upTo(600));
        expect(new Set(noted.map(({ life }) => life))).toEqual(new Set([2]));
        expect(asks.flat()).toEqual(asks.map(() => ok(2)));
      });

      test('over and over, in the middle of a stream: nothing twice, nothing out of order, every ask answered once', async () => {
        const asks: Answer<unknown>[][] = [];
        let seq = 0;
        for (let life = 1; life <= 4; life++) {
          const enough = noted.length + 100;
          for (let rounds = 0; noted.length < enough && rounds < 10_000; rounds++) {
            for (let n = 0; n < 20; n++) if (note(A, seq)) seq++;
            asks.push(ask(A, 'test.echo', life));
            await mesh.until(() => true);
            const seen = noted.length;
            await mesh.until(() => noted.length > seen || noted.length >= seq - 20);
          }
          for (let n = 0; n < 500; n++) if (note(A, seq)) seq++;
          mesh.kill();
          mesh.start();
        }
        await answer(A, 'test.echo');
        await mesh.until(() => asks.every((answers) => answers.length > 0));
        const seqs = seqsOf(A);
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
        const lives = noted.map(({ life }) => life);
        expect(lives).toEqual([...lives].sort((a, b) => a - b));
        for (const answers of asks) expect(answers).toHaveLength(1);
      });

      test('and is not replaced: what is sent waits up to the window, then is refused', async () => {
        await reopen({ window: 100 });
        await answer(A, 'test.echo');
        mesh.kill();
        await mesh.until(() => near.stats().links.every(({ thread, up }) => thread !== 'lane-1' || !up));
        expect(upTo(300).filter((seq) => note(A, seq))).toEqual(upTo(100));
        expect(await answer(A, 'test.echo')).toEqual(failed('overloaded'));
        mesh.start();
        await mesh.until(() => noted.length === 100);
        expect(seqsOf(A)).toEqual(upTo(100));
      });

      test('and is never replaced: what waits and what comes later fails at once, sends are dead letters', async () => {
        await answer(A, 'test.echo');
        mesh.kill();
        await mesh.until(() => near.stats().links.every(({ thread, up }) => thread !== 'lane-1' || !up));
        const told: string[] = [];
        near.watch(A, (reason) => told.push(reason));
        const queued = upTo(20).map(() => ask(A, 'test.echo'));
        for (const seq of upTo(20)) note(A, seq);
        near.gone(FAR);
        near.gone(FAR);
        const late = ask(B, 'test.echo');
        expect(note(B, 20)).toBe(false);
        near.watch(B, (reason) => told.push(reason));
        await mesh.until(() => late.length > 0 && queued.every((answers) => answers.length > 0) && told.length === 2);
        const lost = failed('thread_lost', { message: expect.stringContaining('thread/lane-1'), retryable: false });
        expect([...queued, late].flat()).toEqual(upTo(21).map(() => lost));
        for (const each of [...queued, late].flat()) expect(each).not.toHaveProperty('error.in_doubt');
        expect(told).toEqual(['thread_lost', 'thread_lost']);
        expect(reasons()).toEqual(upTo(21).map(() => 'thread_lost'));
        expect(near.stats()).toMatchObject({ asks_in_flight: 0 });
        expect(near.stats().links.find(({ thread }) => thread === 'lane-1')).toMatchObject({ up: false, untaken: 0 });
      });

      test('and is never replaced, told before its end is seen: what it had taken is in doubt, the rest is not', async () => {
        const held = upTo(5).map(() => ask(A, 'test.hold'));
        await freeze();
        const untaken = upTo(5).map(() => ask(A, 'test.echo'));
        for (const seq of upTo(5)) note(A, seq);
        await mesh.until(() => near.stats().messages_out >= 16);
        mesh.kill();
        near.gone(FAR);
        const late = ask(A, 'test.echo');
        await mesh.until(() => [...held, ...untaken, late].every((answers) => answers.length > 0));
        expect(held.flat()).toEqual(held.map(() => failed('thread_lost', { in_doubt: true, retryable: true })));
        expect([...untaken, late].flat()).toEqual(upTo(6).map(() => failed('thread_lost', { retryable: false })));
        for (const each of [...untaken, late].flat()) expect(each).not.toHaveProperty('error.in_doubt');
        expect(reasons()).toEqual(upTo(5).map(() => 'thread_lost'));
      });

      test('gets no answers of its earlier life', async () => {
        near.host('gateway', () => undefined);
        await answer(A, 'test.watch');
        mesh.kill();
        await mesh.until(() => near.stats().links.every(({ thread, up }) => thread !== 'lane-1' || !up));
        const stale: Envelope = { id: 2 ** 40 + 7, to: HERE, from: A, type: 'test.echo', body: null, deadline: 1 };
        expect(near.senderLives(stale)).toBe(false);
        near.reply(stale, 1);
        mesh.start();
        await answer(A, 'test.echo');
        expect(near.senderLives(stale)).toBe(false);
        near.reply(stale, 1);
        expect(reasons()).toEqual(['life_over', 'life_over']);
        const fresh: Envelope = { ...stale, id: 2 * 2 ** 40 + 7 };
        expect(near.senderLives(fresh)).toBe(true);
      });
    });

    test('closing answers what is open', async () => {
      const held = ask(A, 'test.hold');
      near.close();
      expect(held).toEqual([failed('draining')]);
      const late = ask(A, 'test.hold');
      await mesh.until(() => late.length > 0);
      expect(late).toEqual([failed('draining')]);
      expect(note(A, 1)).toBe(false);
    });
  });
}
