// SPDX-License-Identifier: Apache-2.0
// What the IRC adapter does with a server that a test leads: SASL, accounts, NickServ, kicks, silences, and how fast it speaks.

import { describe, expect, it } from 'vitest';
import type { ChannelInbound } from '../../../src/channels/adapter.ts';
import { IrcAdapter } from '../../../src/channels/irc/adapter.ts';
import { Pacer } from '../../../src/channels/irc/pacer.ts';
import { ircSettings } from '../../../src/channels/irc/settings.ts';
import { toFailure } from '../../../src/errors.ts';
import { until } from '../../edge/client.ts';
import { realWorld } from '../real-world.ts';
import { type ScriptedServer, scriptedServer } from './scripted-server.ts';

const never = new AbortController().signal;
const PASSWORD = 'nobody-says-this';

/** A clock whose timers go off when the test says so. */
function stillWorld() {
  const timers: { readonly at: number; readonly run: () => void }[] = [];
  let now = 1_000_000;
  return {
    now: () => now,
    after(ms: number, run: () => void) {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => void (timers.includes(timer) && timers.splice(timers.indexOf(timer), 1));
    },
    pass(ms: number) {
      now += ms;
      for (const timer of timers.filter(({ at }) => at <= now)) {
        timers.splice(timers.indexOf(timer), 1);
        timer.run();
      }
    },
    timers,
  };
}

/** Pauses pass forty times as fast; how long a server may take to answer does not. */
const quick = {
  ...realWorld.world,
  after: (ms: number, run: () => void) => realWorld.world.after(ms <= 2_000 ? ms / 40 : ms, run),
};

function connect(server: ScriptedServer, more: object = {}, world = quick) {
  const settings = { host: '127.0.0.1', port: server.port, tls: false, flood_interval: 0, ...more };
  const adapter = new IrcAdapter({ ...realWorld, world, settings: ircSettings.parse(settings) });
  const heard: ChannelInbound[] = [];
  const lost: unknown[] = [];
  const sink = {
    received: async (message: ChannelInbound) => void heard.push(message),
    lost: (why: unknown) => lost.push(why),
  };
  const started = adapter.start(sink, { signal: never });
  started.catch(() => undefined);
  return { adapter, heard, lost, started, [Symbol.asyncDispose]: () => adapter.stop() };
}
const failed = (work: Promise<unknown>) => work.then(() => expect.unreachable(), toFailure);
const text = (content: string) => ({ channelId: '#harbour', content, attachments: [], idempotencyKey: 'turn:1' });

const sasl = (takes: boolean) => (line: string) => {
  if (line.startsWith('CAP LS')) return [':srv CAP * LS :sasl=PLAIN account-tag message-tags'];
  if (line.startsWith('CAP REQ')) return [`:srv CAP * ACK ${line.slice(8)}`];
  if (line === 'AUTHENTICATE PLAIN') return ['AUTHENTICATE +'];
  if (line.startsWith('AUTHENTICATE'))
    return takes
      ? [':srv 900 sigil s!s@h keeper :You are now logged in', ':srv 903 sigil :SASL ok']
      : [':srv 904 sigil :SASL authentication failed'];
  if (line.startsWith('USER')) return [];
  if (line === 'CAP END') return [':srv 001 sigil :Welcome', ':srv 376 sigil :End'];
  return null;
};

describe('SASL', () => {
  it('says whose account it is before it is welcomed; people are known by theirs', async () => {
    await using server = await scriptedServer(sasl(true));
    await using irc = connect(server, { auth: 'sasl', account: 'keeper', password: PASSWORD });
    await irc.started;
    const [, , said = ''] = server.heard.filter((line) => line.startsWith('AUTH') || line.startsWith('USER'));
    expect(Buffer.from(said.slice('AUTHENTICATE '.length), 'base64').toString()).toBe(`keeper\0keeper\0${PASSWORD}`);
    server.say('@account=lovelace;msgid=m1 :ada!a@h PRIVMSG sigil :one');
    server.say('@account=lovelace;msgid=m2 :countess!a@h2 PRIVMSG sigil :two');
    server.say('@bot;msgid=m3 :robot!r@h PRIVMSG sigil :three');
    server.say(':lovelace!a@h PRIVMSG sigil :four');
    await until(() => irc.heard.length === 3);
    expect(irc.heard.map(({ sender, dedupeKey }) => [sender.platformId, dedupeKey])).toEqual([
      ['lovelace', 'm1'],
      ['lovelace', 'm2'],
      ['lovelace!a@h', expect.any(String)],
    ]);
  });

  it('is not passed by in silence when it fails or is not there', async () => {
    for (const answer of [
      sasl(false),
      (line: string) =>
        line.startsWith('CAP LS')
          ? [':srv CAP * LS :multi-prefix']
          : line.startsWith('CAP REQ')
            ? [`:srv CAP * ACK ${line.slice(8)}`]
            : line.startsWith('USER')
              ? []
              : null,
    ]) {
      await using server = await scriptedServer(answer);
      await using irc = connect(server, { auth: 'sasl', account: 'keeper', password: PASSWORD });
      const failure = await failed(irc.started);
      expect(failure).toMatchObject({ code: 'channel_auth', retryable: false });
      expect(JSON.stringify(failure)).not.toContain(PASSWORD);
    }
  });
});

describe('NickServ', () => {
  const services = (takes: boolean) => {
    let tries = 0;
    return (line: string) => {
      if (line === 'NICK sigil' && tries++ < 3) return [':srv 433 * sigil :Nickname is already in use'];
      if (line === 'NICK sigil') return [':sigil_!s@h NICK sigil'];
      if (line.startsWith('USER')) return [];
      if (line === 'NICK sigil_') return [':srv 001 sigil_ :Welcome', ':srv 376 sigil_ :End'];
      if (line.includes('IDENTIFY'))
        return [
          `:NickServ!s@services NOTICE sigil_ :${takes ? 'You are now identified for keeper.' : 'Invalid password for keeper.'}`,
        ];
      return null;
    };
  };

  it('hears the password, and gives the nick back from who has it', async () => {
    await using server = await scriptedServer(services(true));
    await using irc = connect(server, { auth: 'nickserv', account: 'keeper', password: PASSWORD });
    await irc.started;
    expect(await server.hears(/GHOST/)).toBe(`PRIVMSG NickServ :GHOST sigil ${PASSWORD}`);
    expect(server.heard).toContain(`PRIVMSG NickServ :IDENTIFY keeper ${PASSWORD}`);
    await server.hears(/^NICK sigil$/);
  });

  it('and says no to a wrong one', async () => {
    await using server = await scriptedServer(services(false));
    await using irc = connect(server, { auth: 'nickserv', account: 'keeper', password: PASSWORD });
    const failure = await failed(irc.started);
    expect(failure).toMatchObject({ code: 'channel_auth', retryable: false });
    expect(JSON.stringify(failure)).not.toContain(PASSWORD);
  });
});

describe('a channel', () => {
  it('that cannot be joined is named', async () => {
    await using server = await scriptedServer((line) =>
      line.startsWith('JOIN') ? [':srv 475 sigil #harbour :Cannot join channel (+k)'] : null,
    );
    await using irc = connect(server, { channels: [{ name: '#harbour', key: 'wrong' }] });
    expect(await failed(irc.started)).toMatchObject({
      code: 'channel_refused',
      message: expect.stringContaining('#harbour'),
    });
  });

  it('that it is thrown out of is joined again, but not at once', async () => {
    await using server = await scriptedServer(() => null);
    const world = stillWorld();
    await using irc = connect(server, { channels: [{ name: '#harbour' }] }, world);
    await irc.started;
    server.say(':op!o@h KICK #harbour sigil :out');
    await until(() => world.timers.length > 0);
    expect(server.heard.filter((line) => line.startsWith('JOIN'))).toHaveLength(1);
    world.pass(5_000);
    await until(() => server.heard.filter((line) => line.startsWith('JOIN')).length === 2);
    const stopped = irc.adapter.stop();
    await until(() => server.heard.includes('QUIT'));
    world.pass(5_000);
    await stopped;
  });

  it('says why it takes no message', async () => {
    await using server = await scriptedServer((line) =>
      line.startsWith('PRIVMSG') ? [':srv 404 sigil #harbour :Cannot send to channel (+m)'] : null,
    );
    await using irc = connect(server);
    await irc.started;
    expect(await failed(irc.adapter.send(text('hello'), { signal: never }))).toMatchObject({ code: 'forbidden' });
  });
});

describe('a connection', () => {
  it('answers no CTCP, and hears an action as what it is', async () => {
    await using server = await scriptedServer(() => null);
    await using irc = connect(server);
    await irc.started;
    server.say(':ada!a@h PRIVMSG sigil :\x01VERSION\x01');
    server.say(':ada!a@h PRIVMSG sigil :\x01PING 123\x01');
    server.say(':ada!a@h NOTICE sigil :a notice');
    server.say(':irc.server PRIVMSG sigil :from the server');
    server.say(':ada!a@h PRIVMSG sigil :\x01ACTION waves\x01');
    await until(() => irc.heard.length > 0);
    expect(irc.heard.map(({ content }) => content)).toEqual(['* ada waves']);
    await irc.adapter.send(text('after'), { signal: never });
    expect(server.heard.filter((line) => line.startsWith('NOTICE'))).toEqual([]);
  });

  it('is called by the nick it has, not the one it wanted', async () => {
    await using server = await scriptedServer(() => null);
    await using irc = connect(server);
    await irc.started;
    server.say(':sigil!s@h NICK Guest7');
    server.say(':ada!a@h PRIVMSG #harbour :Guest7: hello');
    await until(() => irc.heard.length > 0);
    expect(irc.heard[0]).toMatchObject({ content: 'hello', mentionsAgent: true });
  });

  it('that takes a line without an answer fails the message when it ends', async () => {
    await using server = await scriptedServer((line) => (line.startsWith('PING sent') ? [] : null));
    const irc = connect(server);
    await irc.started;
    const sending = failed(irc.adapter.send(text('hello'), { signal: never }));
    await server.hears(/PRIVMSG/);
    await irc.adapter.stop();
    expect(await sending).toMatchObject({ code: 'channel_network', retryable: true });
    expect(irc.lost).toEqual([]);
  });
});

describe('the pace', () => {
  it('is a burst and then a line each interval', async () => {
    const world = stillWorld();
    const pacer = new Pacer(world, { burst: 3, interval: 1_000 });
    for (let line = 0; line < 3; line += 1) await pacer.turn(never);
    for (let line = 0; line < 3; line += 1) {
      let gone = false;
      const turn = pacer.turn(never).then(() => {
        gone = true;
      });
      world.pass(999);
      await Promise.resolve();
      expect(gone).toBe(false);
      world.pass(1);
      await turn;
    }
    world.pass(60_000);
    for (let line = 0; line < 3; line += 1) await pacer.turn(never);
    const stopping = new AbortController();
    const waiting = pacer.turn(stopping.signal);
    stopping.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    expect(world.timers).toEqual([]);
  });
});
