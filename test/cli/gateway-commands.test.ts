// SPDX-License-Identifier: Apache-2.0
// Commands that ask a running gateway: status, actors, session; how they find it, and what they say when it is not there.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeGateway } from './fake-gateway.ts';
import { scratch, sigil, start, until } from './process.ts';

const home = scratch();
const gateway = new FakeGateway({ token: 'owner-secret' });
let control: RegExp;

beforeAll(async () => {
  mkdirSync(join(home, 'data'), { recursive: true });
  writeFileSync(join(home, 'data', 'owner.token'), 'owner-secret\n');
  await gateway.listen(join(home, 'data', 'gateway.sock'));
  control = /[^\P{Cc}\n\t]/u;
});

afterAll(() => gateway.close());

describe('with a gateway on the socket of the data directory', () => {
  it('status is an overview, signed in by the owner token', async () => {
    const ran = await sigil(['status'], home);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    for (const part of [
      'Sigil 0.1.0',
      'up 1 h 2 min',
      'lane-1  2 actors',
      '1 session',
      '$0.50 of $5.00',
      'channels.telegram',
      '7 waiting for requests_per_minute',
      'provider_overloaded: It has too much to do.',
      'shut: shut refused its key. `sigil secret set shut/api-key` keeps another, and it is taken up without a restart.',
    ]) {
      expect(ran.stdout).toContain(part);
    }
    expect(ran.stdout).toMatch(/fake\/big +open .*tried again in \d+/);
    expect(gateway.requests.at(-1)?.headers.authorization).toBe('Bearer owner-secret');
    expect(gateway.requests.at(-1)?.headers.host).toBe('localhost');
  });

  it('status --json is the document as it came', async () => {
    const document = JSON.parse((await sigil(['status', '--json'], home)).stdout);
    expect(document).toMatchObject({ state: 'running', uptime_s: 3725 });
  });

  it('logs are lines of a person, oldest first; with --json as they came; and can be followed', async () => {
    const listed = await sigil(['logs', '--session', 's-1', '--level', 'info'], home);
    expect(listed).toMatchObject({ status: 0, stderr: '' });
    const [first, second] = listed.stdout.split('\n');
    expect(first).toBe('2026-01-01T00:00:00.000Z  INFO   main  the gateway runs');
    expect(second).toMatch(
      /ERROR {2}lane-1 {2}it failed .* took_ms=12 error=\{"code":"internal"\} request_id=r-1 turn_id=t-1/,
    );
    expect(listed.stdout).not.toMatch(control);
    const { items } = JSON.parse((await sigil(['logs', '--lines', '1', '--json'], home)).stdout);
    expect(items).toMatchObject([{ id: 'life:2', turn_id: 't-1' }]);
    const none = await sigil(['logs', '--session', 'none'], home);
    expect(none).toMatchObject({ status: 0, stdout: '', stderr: 'There are no such lines.\n' });
    const followed = await sigil(['logs', '-f', '--json'], home);
    expect(followed.stderr).toBe('The gateway ended the stream.\n');
    expect(
      followed.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).id),
    ).toEqual(['life:1', 'life:2']);
    const painted = await sigil(['logs'], home, { env: { FORCE_COLOR: '1' } });
    expect(painted.stdout).toContain('\u001b[31mERROR');
  });

  it('logs of a gateway that does not run: where they are', async () => {
    const ran = await sigil(['logs'], scratch());
    expect([ran.status, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr).toContain('No gateway is running here');
    expect(ran.stderr).toContain('journalctl -u sigil');
  });

  it('actors is a tree by thread, over all pages', async () => {
    const { stdout, status } = await sigil(['actors'], home);
    expect(status).toBe(0);
    const lines = stdout.split('\n');
    expect(lines.findIndex((line) => line.startsWith('lane-1'))).toBeLessThan(
      lines.findIndex((line) => line.includes('workspace/home')),
    );
    const indent = (part: string) => lines.find((line) => line.includes(part))?.search(/\S/) ?? -1;
    expect(indent('session/one')).toBeGreaterThan(indent('workspace/home'));
    expect(lines[0]).toContain('3 actors');
    expect(lines.filter((line) => /^(main|lane-1) /.test(line))).toEqual(['lane-1  2 actors', 'main  1 actor']);
    expect(stdout).toMatch(/turn\.calling_model +1\/1024 +9/);
    expect(JSON.parse((await sigil(['actors', '--json'], home)).stdout)).toMatchObject({
      next_cursor: null,
      items: { length: 3 },
    });
  });

  it('actors --kind asks for one kind, and an address for one actor', async () => {
    const { stdout } = await sigil(['actors', '--kind', 'session'], home);
    expect(stdout).toContain('session/one');
    expect(stdout).not.toContain('workspace/home');
    expect(stdout).not.toContain('1 actors');
    // The totals are of all kinds: the others are none that were left out.
    expect(stdout).not.toContain('more');
    const one = await sigil(['actors', 'session/one'], home);
    expect(one.stdout).toContain('idle → turn.calling_model');
    expect(one.stdout).toContain('18 µs');
    expect(one.stdout).not.toMatch(control);
    expect((await sigil(['actors', 'session'], home)).status).toBe(2);
    const none = await sigil(['actors', 'session/none'], home);
    expect(none.status).toBe(1);
    expect(none.stderr).toContain('There is nothing at');
  });

  it('actors --watch prints the steps where nobody can draw', async () => {
    const { stdout, status } = await sigil(['actors', 'session/one', '--watch'], home);
    expect(status).toBe(0);
    expect(stdout).toContain('session/one  step.1  idle -> turn.calling_model');
    expect(stdout).toContain('7 steps were left out');
  });

  it('session list puts all workspaces together, newest first', async () => {
    const { stdout, status } = await sigil(['session', 'list'], home);
    expect(status).toBe(0);
    expect(stdout.indexOf('new ')).toBeLessThan(stdout.indexOf('old '));
    expect(stdout).not.toMatch(control);
    const one = await sigil(['session', 'list', '--workspace', 'home', '--json'], home);
    expect(JSON.parse(one.stdout)).toMatchObject({ items: [{ id: 'old' }], next_cursor: null });
    const limited = await sigil(['session', 'list', '--limit', '1', '--json'], home);
    expect(JSON.parse(limited.stdout).items).toHaveLength(1);
  });

  it('session show is a transcript over all pages, in which nothing is obeyed', async () => {
    const { stdout, status } = await sigil(['session', 'show', 'old'], home);
    expect(status).toBe(0);
    expect(stdout.indexOf('What time is it?')).toBeLessThan(stdout.indexOf('Noon.'));
    expect(stdout).not.toMatch(control);
    const json = await sigil(['session', 'show', 'old', '--json'], home);
    expect(json.stdout).not.toMatch(control);
    expect(JSON.parse(json.stdout).messages).toHaveLength(2);
  });

  it('memory search shows what was found over all pages, in which nothing is obeyed', async () => {
    const { stdout, status } = await sigil(['memory', 'search', 'tea', 'pot', '--all'], home);
    expect(status).toBe(0);
    expect(stdout).toContain('I like tea, all');
    expect(stdout).toMatch(/tea here/);
    expect(stdout).not.toMatch(control);
    const coloured = await sigil(['memory', 'search', 'tea'], home, { env: { FORCE_COLOR: '1' } });
    expect(coloured.stdout).toContain('\u001b[1m\u001b[33mtea');
    const json = JSON.parse((await sigil(['memory', 'search', 'tea', '--limit', '1', '--json'], home)).stdout);
    expect(json).toMatchObject({ items: [{ id: 'm1', snippet: { marks: [[7, 10]] } }], next_cursor: 'more' });
    const wrong = await sigil(['memory', 'search', 'tea', '--from', 'yesterday'], home);
    expect(wrong).toMatchObject({ status: 2, stdout: '' });
    expect((await sigil(['memory', 'search'], home)).status).toBe(2);
  });

  it('memory recall shows every kind of thing under its head', async () => {
    const { stdout, status } = await sigil(['memory', 'recall', 'tea', 'time'], home);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /Known\n {2}tea \(drink\)\n {2}tea is oolong[\s\S]*Summaries[\s\S]*all about tea[\s\S]*Messages[\s\S]*tea time\?/,
    );
    expect(stdout).not.toMatch(control);
    const json = JSON.parse((await sigil(['memory', 'recall', 'tea', '--json'], home)).stdout);
    expect(Object.keys(json)).toEqual(['messages', 'facts', 'entities', 'similar', 'summaries']);
  });

  it('memory facts, entities and graph show what is known', async () => {
    const facts = await sigil(['memory', 'facts', '--workspace', 'home'], home);
    expect([facts.status, facts.stderr]).toEqual([0, '']);
    expect(facts.stdout).toMatch(/^FACT .*SAID BY .*SINCE\n.*oolong +ada .*\ne2 of home /);
    const entities = await sigil(['memory', 'entities', 'Ada'], home);
    expect(entities.stdout).toContain('born 1815');
    const graph = await sigil(['memory', 'graph', 'e1'], home);
    expect(graph.stdout).toMatch(/^Ada {2}person; born 1815\n {2}Ada ─ knows → Bob/);
    expect(graph.stderr).toBe('');
    const deep = await sigil(['memory', 'graph', 'e1', '--depth', '8'], home);
    expect(deep.stderr).toContain('There is more than this');
    for (const { stdout } of [facts, entities, graph]) expect(stdout).not.toMatch(control);
    const json = await sigil(['memory', 'entities', 'Adam', '--json'], home);
    expect(JSON.parse(json.stdout)).toMatchObject({ items: [{ type: 'person' }], next_cursor: null });
    expect((await sigil(['memory', 'graph', 'e1', '--depth', '9'], home)).status).toBe(2);
    const none = await sigil(['memory', 'entities', 'Zoe'], home);
    expect([none.status, none.stdout, none.stderr]).toEqual([0, '', 'Nothing of that kind is known there.\n']);
  });

  it('ends quietly when nobody reads on', async () => {
    const running = start(['session', 'show', 'old'], home);
    running.child.stdout.destroy();
    const ran = await running.done;
    expect(ran.stderr).toBe('');
    expect(ran.status).toBe(0);
  });
});

describe('finding a gateway', () => {
  it('takes --url, then $SIGIL_URL, and $SIGIL_TOKEN before the owner token', async () => {
    const other = new FakeGateway({ token: 'given' });
    const url = await other.listen();
    try {
      const env = { SIGIL_TOKEN: 'given' };
      expect((await sigil(['status', '--url', url], home, { env })).status).toBe(0);
      expect((await sigil(['status'], home, { env: { ...env, SIGIL_URL: url } })).stdout).toContain(url);
      const refused = await sigil(['status', '--url', url], home);
      expect(refused.status).toBe(1);
      expect(refused.stderr).toContain('$SIGIL_TOKEN');
    } finally {
      await other.close();
    }
  });

  it('falls back to the configured address', async () => {
    const other = new FakeGateway();
    const url = new URL(await other.listen());
    const empty = scratch();
    writeFileSync(join(empty, 'sigil.yaml'), `networking:\n  listen: "0.0.0.0:${url.port}"\n`);
    try {
      expect((await sigil(['status'], empty)).stdout).toContain(`127.0.0.1:${url.port}`);
    } finally {
      await other.close();
    }
  });

  it.each([['status'], ['actors'], ['actors', '--watch'], ['session', 'list'], ['session', 'show', 'x']])(
    '%s %s: exit 1 and what to do when none runs',
    async (...args) => {
      const empty = scratch();
      writeFileSync(join(empty, 'sigil.yaml'), 'networking:\n  listen: "127.0.0.1:1"\n');
      const ran = await sigil(args, empty);
      expect(ran).toMatchObject({ status: 1, stdout: '' });
      expect(ran.stderr).toContain('sigil start');
    },
  );

  it('says so as one document with --json', async () => {
    const empty = scratch();
    const ran = await sigil(['status', '--json', '--url', 'http://127.0.0.1:1'], empty);
    expect(ran.status).toBe(1);
    expect(JSON.parse(ran.stdout).error).toMatchObject({ code: 'unreachable' });
  });

  it('says that what answers is no gateway', async () => {
    const { createServer } = await import('node:http');
    const server = createServer((_, response) => response.end('<html>'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = (server.address() as { port: number }).port;
    const ran = await sigil(['status', '--url', `http://127.0.0.1:${port}`], home);
    server.close();
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain('is no Sigil gateway');
  });

  it('leaves with 130 on Ctrl-C', async () => {
    const { createServer } = await import('node:http');
    let asked = false;
    const server = createServer(() => {
      asked = true;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = (server.address() as { port: number }).port;
    const running = start(['status', '--url', `http://127.0.0.1:${port}`], home);
    await until(() => asked);
    running.child.kill('SIGINT');
    expect((await running.done).status).toBe(130);
    server.closeAllConnections();
    server.close();
  });
});
