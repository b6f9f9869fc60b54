// SPDX-License-Identifier: Apache-2.0
// What is refused, and how it is said: requests of all wrong kinds, and starts that cannot succeed.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMPILED, LAUNCHER } from '../built.ts';
import { ownerToken, startProcess } from '../crash/gateway-process.ts';
import type { Reply } from '../edge/client.ts';
import { closeHouses, type House, startHouse } from './house.ts';

let house: House;
const scratch = mkdtempSync(join(tmpdir(), 'sigil-refused-'));
const children: ChildProcess[] = [];
const servers: Server[] = [];

beforeAll(async () => {
  house = await startHouse({ gateway: { drain_timeout: '10m' } });
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const server of servers) server.close();
  await closeHouses();
  rmSync(scratch, { recursive: true, force: true });
});

function checkProblem(reply: Reply, status: number, code: string): void {
  expect({ status: reply.status, code: reply.body?.code, type: reply.headers['content-type'] }).toEqual({
    status,
    code,
    type: 'application/problem+json',
  });
  expect(reply.body).toMatchObject({
    status,
    type: expect.any(String),
    title: expect.any(String),
    detail: expect.any(String),
  });
  expect(reply.headers['x-request-id']).toMatch(/\S/);
}

describe('a request that is refused', () => {
  it('has no token, a wrong one, or one in the wrong form', async () => {
    const { client } = house;
    for (const token of [null, 'wrong', '', 'x'.repeat(9_000)])
      checkProblem(await client.call('GET', '/api/v1/status', { token }), 401, 'unauthenticated');
    const basic = { token: null, headers: { Authorization: 'Basic b3duZXI6b3duZXI=' } };
    checkProblem(await client.call('GET', '/api/v1/status', basic), 401, 'unauthenticated');
    // Nobody learns without a token what there is.
    checkProblem(await client.call('GET', '/nowhere', { token: null }), 401, 'unauthenticated');
    for (const path of ['/health', '/ready'])
      expect((await client.call('GET', path, { token: null })).status).toBe(200);
  });

  it('is for another host', async () => {
    for (const Host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil:80'])
      checkProblem(await house.owner.get('/health', { headers: { Host } }), 421, 'misdirected_request');
    const none = ['GET /health HTTP/1.1\r\n', 'GET /health HTTP/1.1\r\nHost:\r\n', 'GET /health HTTP/1.0\r\n'];
    for (const head of none)
      expect(await house.client.bytes(`${head}Connection: close\r\n\r\n`)).toMatch(/^HTTP\/1.1 421 /);
    for (const Host of [`localhost:${house.port}`, `127.0.0.1:${house.port}`, '[::1]'])
      expect((await house.owner.get('/health', { headers: { Host } })).status, Host).toBe(200);
  });

  it('is sent by a page of another origin and would change something', async () => {
    for (const Origin of ['https://evil.example', 'null', 'http://127.0.0.1:1'])
      checkProblem(
        await house.owner.post(
          '/api/v1/chat',
          { content: 'hello' },
          { headers: { Origin, 'Content-Type': 'application/json' } },
        ),
        403,
        'forbidden',
      );
    const same = await house.owner.post(
      '/api/v1/chat',
      { content: 'hello' },
      { headers: { Origin: `http://127.0.0.1:${house.port}`, 'Content-Type': 'application/json' } },
    );
    expect(same.status).toBe(200);
  });

  it('has a body that is broken, too large, of another type, or says what nobody asked', async () => {
    const { owner } = house;
    const raw = (text: string | Buffer, type = 'application/json'): Promise<Reply> =>
      owner.post('/api/v1/chat', undefined, { raw: text, headers: { 'Content-Type': type } });
    for (const text of ['{"content": "hel', '', 'null', '[]', '"hello"', '{"content":"a"}{}'])
      checkProblem(await raw(text), 422, 'validation_failed');
    checkProblem(await raw(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])), 422, 'validation_failed');
    checkProblem(await raw('content=hello', 'application/x-www-form-urlencoded'), 415, 'unsupported_media_type');
    checkProblem(await raw(JSON.stringify({ content: 'x'.repeat(2 * 1_048_576) })), 413, 'payload_too_large');
    const unknown = await owner.chat('hello', { contents: 'hello', temperature: 1 });
    checkProblem(unknown, 422, 'validation_failed');
    expect(unknown.body.errors.map(({ path }: { path: string }) => path).toSorted()).toEqual([
      'contents',
      'temperature',
    ]);
    checkProblem(await owner.get('/api/v1/workspaces?limit=201'), 422, 'validation_failed');
    checkProblem(await owner.get('/api/v1/workspaces?cursor=nonsense'), 422, 'validation_failed');
  });

  it('has the wrong method, and is told the right ones', async () => {
    const { client, owner } = house;
    const allow = async (method: string, path: string): Promise<string | undefined> => {
      const reply = await client.call(method, path, { token: ownerToken(house.dataDir) });
      if (method !== 'HEAD') checkProblem(reply, 405, 'method_not_allowed');
      expect(reply.status).toBe(405);
      return reply.headers.allow;
    };
    expect(await allow('GET', '/api/v1/chat')).toBe('POST');
    expect(await allow('DELETE', '/health')).toBe('GET, HEAD');
    expect(await allow('PUT', '/api/v1/status')).toBe('GET, HEAD');
    expect(await allow('HEAD', '/api/v1/chat/stream')).toBe('POST');
    checkProblem(await owner.get('/api/v1/nothing'), 404, 'not_found');
  });

  it('expects what is never promised, and is looked at like any other', async () => {
    const head = `Host: localhost\r\nExpect: 200-ok\r\nConnection: close\r\n\r\n`;
    expect(await house.client.bytes(`GET /health HTTP/1.1\r\n${head}`)).toMatch(/^HTTP\/1.1 200 OK\r\nx-request-id/i);
    expect(await house.client.bytes(`GET /api/v1/status HTTP/1.1\r\n${head}`)).toMatch(/^HTTP\/1.1 401 /);
  });

  it('comes too often', async () => {
    const other = await startHouse({
      networking: { chat_rate_limit_rpm: 1, chat_rate_limit_burst: 2, chat_max_concurrent_streams: 1 },
    });
    const replies: Reply[] = [];
    for (let at = 0; at < 4; at += 1) replies.push(await other.owner.chat('hello'));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    const [refused] = replies.slice(-1);
    if (refused === undefined) throw new Error('four were sent');
    checkProblem(refused, 429, 'rate_limited');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(1);
    const { session_id } = replies[0]?.body ?? {};
    const listener = await other.owner.listen(`/api/v1/sessions/${session_id}/stream`);
    checkProblem(await other.owner.get(`/api/v1/sessions/${session_id}/stream`), 429, 'rate_limited');
    listener.leave();
    await other.drain();
  });
});

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line as people do, without anything of this process's configuration. */
function sigil(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const child = spawn(LAUNCHER, args, {
    cwd: scratch,
    env: { PATH: process.env['PATH'] ?? '', HOME: scratch, NODE_COMPILE_CACHE: COMPILED, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

/** An error is two sentences and no stack trace. */
function checkError({ code, out, err }: Run, status: number, ...says: readonly (string | RegExp)[]): void {
  expect({ code, err }).toMatchObject({ code: status });
  expect(out).toBe('');
  for (const part of says) expect(err).toMatch(part);
  // A line of the log may hold one; what is said to the person who started it does not.
  const said = err.split('\n').filter((line) => !line.startsWith('{"level"'));
  expect(said.join('\n')).not.toMatch(/^\s+at |node:internal|bug in Sigil/m);
  expect(said.filter((line) => line !== '').length).toBeGreaterThanOrEqual(2);
}

describe('a gateway that stops', () => {
  it('does not wait for requests that never come whole', async () => {
    const json = 'Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n';
    const bearer = `Authorization: Bearer ${ownerToken(house.dataDir)}\r\n`;
    const parts = [
      '',
      'GET /hea',
      'POST /api/v1/chat HTTP/1.1\r\nHost: lo',
      `POST /api/v1/chat HTTP/1.1\r\n${json}${bearer}\r\n{"con`,
    ];
    const cut = Promise.all(parts.map((part) => house.client.bytes(part)));
    const running = await house.owner.stream('count to 15');
    await running.named('turn_started');
    const drained = house.drain();
    // What runs is still waited for.
    expect((await running.all()).at(-1)).toMatchObject({ event: 'done', data: { finish_reason: 'stop' } });
    // A drain that waited for the others would take longer than a test may.
    await drained;
    expect(await cut).toHaveLength(4);
  });
});

describe('a start that is refused', () => {
  it('finds another gateway on its data, and names it; the other goes on', async () => {
    const dataDir = join(scratch, 'twice');
    const first = await startProcess(dataDir, 0);
    children.push(first.child);
    expect(statSync(join(dataDir, 'owner.token')).mode & 0o777).toBe(0o600);
    expect(statSync(dataDir).mode & 0o077).toBe(0);
    const second = await sigil(['start', '--listen', '127.0.0.1:0', '--data-dir', dataDir]);
    checkError(second, 1, String(first.child.pid), first.url, dataDir);
    const status = await sigil(['status', '--data-dir', dataDir, '--json']);
    expect(JSON.parse(status.out)).toMatchObject({ state: 'running', url: first.url });
    expect(await first.stop()).toBe(0);
    expect((await sigil(['status', '--data-dir', dataDir])).code).toBe(1);
  });

  it('finds what a killed gateway left behind, and does not mind', async () => {
    const dataDir = join(scratch, 'killed');
    const first = await startProcess(dataDir, 0);
    const token = ownerToken(dataDir);
    await first.kill();
    expect(statSync(join(dataDir, 'gateway.sock')).isSocket()).toBe(true);
    const second = await startProcess(dataDir, 0);
    children.push(second.child);
    expect(ownerToken(dataDir)).toBe(token);
    expect(await second.stop()).toBe(0);
  });

  it('cannot use its data directory', async () => {
    const file = join(scratch, 'a-file');
    writeFileSync(file, '');
    checkError(await sigil(['start', '--listen', '127.0.0.1:0', '--data-dir', join(file, 'data')]), 1, file);
    checkError(await sigil(['start', '--listen', '127.0.0.1:0', '--data-dir', file]), 1, file);
    const long = join(scratch, 'x'.repeat(120));
    checkError(await sigil(['start', '--listen', '127.0.0.1:0', '--data-dir', long]), 1, long, /too long/);
    const token = join(scratch, 'token');
    mkdirSync(join(token, 'owner.token'), { recursive: true });
    checkError(await sigil(['start', '--listen', '127.0.0.1:0', '--data-dir', token]), 1, /owner\.token/);
    const garbage = join(scratch, 'garbage');
    mkdirSync(garbage);
    writeFileSync(join(garbage, 'owner.token'), 'not\u0007 a token');
    checkError(await sigil(['start', '--listen', '127.0.0.1:0', '--data-dir', garbage]), 1, /owner\.token.*remove it/);
    const socket = join(scratch, 'socket');
    mkdirSync(socket);
    writeFileSync(join(socket, 'gateway.sock'), 'mine');
    checkError(
      await sigil(['start', '--listen', '127.0.0.1:0', '--data-dir', socket]),
      1,
      /gateway\.sock.*move it away/,
    );
    expect(readFileSync(join(socket, 'gateway.sock'), 'utf8')).toBe('mine');
  });

  it('finds a journal that is none, and leaves it as it is', async () => {
    const broken = join(scratch, 'broken');
    mkdirSync(broken);
    writeFileSync(
      join(broken, 'journal.db'),
      'this is no database, and never was one, not even a small one'.repeat(100),
    );
    const run = await sigil(['start', '--listen', '127.0.0.1:0', '--data-dir', broken]);
    checkError(run, 1, /journal\.db/);
    // The sentence says it; the threads' ends are not told besides.
    expect(run.err).not.toMatch(/a thread|"stack"/);
    expect(readFileSync(join(broken, 'journal.db'), 'utf8')).toMatch(/^this is no database/);
  });

  it('finds its port taken', async () => {
    const server = createServer();
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const listen = `127.0.0.1:${address.port}`;
    const timed = async (command: () => Promise<Run>): Promise<readonly [Run, number]> => {
      const began = performance.now();
      return [await command(), performance.now() - began];
    };
    // A start that is refused before there are threads: how quick this machine is now.
    const [, usual] = await timed(() => sigil(['start', '--data-dir', join(scratch, 'a-file')]));
    const [run, took] = await timed(() => sigil(['start', '--listen', listen, '--data-dir', join(scratch, 'port')]));
    // Threads that were on their way up are not waited for until they are given up, which is after 5 s.
    expect(took).toBeLessThan(4_500 + usual * 4);
    checkError(run, 1, listen, /--listen/);
  });

  it('has wrong flags', async () => {
    const wrong: readonly (readonly string[])[] = [
      ['start', '--lisen', '127.0.0.1:0'],
      ['start', '--listen', 'nowhere'],
      ['start', '--listen', '127.0.0.1:99999'],
      ['start', '--threads', 'many'],
      ['start', '--threads', '0'],
      ['start', 'now'],
      ['sart'],
    ];
    const runs = await Promise.all(wrong.map((args) => sigil([...args, '--data-dir', join(scratch, 'flags')])));
    for (const [at, run] of runs.entries()) {
      expect(run.code, `${wrong[at]?.join(' ')}: ${run.err}`).toBe(2);
      checkError(run, 2);
    }
  });

  it('has a configuration with five mistakes, and lists all five', async () => {
    const file = join(scratch, 'wrong.yaml');
    const lines = [
      'networking:',
      '  lisen: "127.0.0.1:1"',
      'gateway:',
      '  threads: some',
      '  drain_timeout: 3 parsecs',
      'storage:',
      '  durability: perhaps',
      'models:',
      '  budgets: { per_session_tokens: -1 }',
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const run = await sigil(['start', '--config', file, '--data-dir', join(scratch, 'config')]);
    checkError(run, 1);
    const expected: readonly (readonly [number, string])[] = [
      [2, 'networking.lisen'],
      [4, 'gateway.threads'],
      [5, 'gateway.drain_timeout'],
      [7, 'storage.durability'],
      [9, 'models.budgets.per_session_tokens'],
    ];
    for (const [line, key] of expected) {
      const said = run.err.split('\n').find((text) => text.includes(key));
      expect(said, `${key} in ${run.err}`).toContain(`wrong.yaml:${line}`);
    }
  });
});
