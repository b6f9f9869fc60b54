// SPDX-License-Identifier: Apache-2.0
// `sigil chat MESSAGE` and `sigil start`: one answer, whatever happens to the gateway meanwhile.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ChatLink } from '../../src/cli/chat-link.ts';
import { turnEvents } from '../../src/cli/chat-turn.ts';
import { GatewayClient } from '../../src/cli/client.ts';
import { TurnView } from '../../src/cli/turn-view.ts';
import { FakeGateway } from './fake-gateway.ts';
import { FAKE, scratch, sigil, start, until } from './process.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function gatewayIn(home: string): Promise<FakeGateway> {
  const gateway = new FakeGateway();
  mkdirSync(join(home, 'data'), { recursive: true });
  await gateway.listen(join(home, 'data', 'gateway.sock'));
  closing.push(() => gateway.close());
  return gateway;
}

describe('chat with a message', () => {
  it('answers once, with what the options say', async () => {
    const home = scratch();
    const gateway = await gatewayIn(home);
    const ran = await sigil(['chat', 'hello', 'there', '--workspace', 'w', '--session', 's', '--model', 'a/b'], home);
    expect(ran).toEqual({ status: 0, stdout: 'you said: hello there\n', stderr: '' });
    expect(gateway.requests.at(-1)).toMatchObject({
      path: '/api/v1/chat',
      body: { content: 'hello there', workspace_id: 'w', session_id: 's', model: 'a/b' },
    });
    expect(gateway.requests.at(-1)?.body['message_id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('takes the message from a pipe', async () => {
    const home = scratch();
    await gatewayIn(home);
    expect((await sigil(['chat'], home, { input: 'two\nlines\n' })).stdout).toBe('you said: two\nlines\n');
    expect((await sigil(['chat', '-'], home, { input: 'dash' })).stdout).toBe('you said: dash\n');
    expect((await sigil(['chat'], home, { input: '' })).status).toBe(2);
  });

  it('--json is the document of the API, and nothing else', async () => {
    const home = scratch();
    await gatewayIn(home);
    const ran = await sigil(['chat', 'hi', '--json'], home);
    expect(ran.stderr).toBe('');
    expect(JSON.parse(ran.stdout)).toMatchObject({
      content: 'you said: hi',
      finish_reason: 'stop',
      session_id: 'session-1',
    });
    const failed = await sigil(['chat', 'fail', '--json'], home);
    expect(failed.status).toBe(1);
    expect(JSON.parse(failed.stdout).error.code).toBe('provider_error');
  });

  it('shows what a model says and obeys none of it', async () => {
    const home = scratch();
    await gatewayIn(home);
    const { stdout } = await sigil(['chat', 'hostile'], home);
    expect(stdout).toContain('red');
    expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
  });

  it('asks again when the gateway is busy, under one message id', async () => {
    const home = scratch();
    const gateway = await gatewayIn(home);
    expect((await sigil(['chat', 'busy'], home)).stdout).toBe('you said: busy\n');
    const ids = gateway.requests.filter(({ path }) => path === '/api/v1/chat').map(({ body }) => body['message_id']);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
  });

  it('tells a refusal in two sentences', async () => {
    const home = scratch();
    await gatewayIn(home);
    const ran = await sigil(['chat', 'refuse'], home);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toBe('sigil: The scanner refused the message.\nRephrase the message; the scanner refused it.\n');
  });

  it('starts a gateway when none runs, and drains it', async () => {
    const home = scratch();
    const ran = await sigil(['chat', 'hello'], home, { entry: FAKE });
    expect(ran.stdout).toBe('you said: hello\n');
    expect(ran.stderr).toContain('drained');
    expect(existsSync(join(home, 'data', 'lock'))).toBe(false);
  });

  it('joins whoever was faster', async () => {
    const home = scratch();
    mkdirSync(join(home, 'data'), { recursive: true });
    // Somebody holds the data and does not listen yet.
    writeFileSync(join(home, 'data', 'lock'), '');
    const running = start(['chat', 'hello'], home, { entry: FAKE });
    await new Promise((resolve) => setTimeout(resolve, 400));
    const gateway = await gatewayIn(home);
    expect((await running.done).stdout).toBe('you said: hello\n');
    expect(gateway.turns.size).toBe(1);
  });

  it('two at once share one gateway', async () => {
    const home = scratch();
    const ran = await Promise.all(['one', 'two'].map((word) => sigil(['chat', word], home, { entry: FAKE })));
    expect(ran.map(({ stdout }) => stdout)).toEqual(['you said: one\n', 'you said: two\n']);
  });

  it('never starts one when another was named', async () => {
    const home = scratch();
    const ran = await sigil(['chat', 'hello', '--url', 'http://127.0.0.1:1'], home, { entry: FAKE });
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain('http://127.0.0.1:1 cannot be reached');
    expect(existsSync(join(home, 'data'))).toBe(false);
  });
});

describe('a turn on the way', () => {
  function linkTo(url: string): ChatLink {
    const client = new GatewayClient({ target: { kind: 'url', url: new URL(url) }, token: () => undefined });
    return {
      client: async () => client,
      lost: () => undefined,
      connected: true,
      replaceable: false,
      hosting: false,
      close: async () => undefined,
    };
  }

  async function told(gateway: FakeGateway, content: string): Promise<{ screen: string; events: string[] }> {
    const url = await gateway.listen();
    closing.push(() => gateway.close());
    let screen = '';
    const write = (text: string) => {
      screen += text;
    };
    const same = (text: string) => text;
    const paint = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same };
    const view = new TurnView({
      write,
      aside: write,
      paint,
      spinner: undefined,
      width: () => 80,
      approval: (id) => `allow ${id}`,
    });
    const events: string[] = [];
    const message = { content, message_id: 'one' };
    for await (const event of turnEvents(linkTo(url), message, new AbortController().signal, () => undefined)) {
      events.push(event.event);
      view.show(event);
    }
    return { screen, events };
  }

  it('goes on where its stream broke', async () => {
    const gateway = new FakeGateway();
    const { screen, events } = await told(gateway, 'break');
    expect(screen).toBe('you said: break\n');
    expect(events).toEqual(['turn_started', 'text_delta', 'text_delta', 'usage', 'done']);
    const again = gateway.requests.find(({ path }) => path.startsWith('/api/v1/turns/'));
    expect(again?.headers['last-event-id']).toBe('turn-one:2');
    expect(gateway.turns.size).toBe(1);
  });

  it('shows tools on lines of their own', async () => {
    const { screen } = await told(new FakeGateway(), 'tool');
    expect(screen).toContain('→ clock {"zone":"UTC"}\n');
    expect(screen).toContain('✓ clock 12:00\n');
    expect(screen).toMatch(/you said: tool\n$/);
  });

  it('fails with what the stream said', async () => {
    await expect(told(new FakeGateway(), 'fail')).rejects.toMatchObject({ code: 'provider_error' });
  });

  it('repeats nothing that is on the screen after a restart, and begins again where the answer differs', () => {
    const shown = (deltas: readonly string[]) => {
      let screen = '';
      const write = (text: string) => {
        screen += text;
      };
      const same = (text: string) => text;
      const paint = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same };
      const view = new TurnView({
        write,
        aside: write,
        paint,
        spinner: undefined,
        width: () => 80,
        approval: (id) => `allow ${id}`,
      });
      view.show({ event: 'text_delta', data: { text: 'One two ' } });
      view.show({ event: 'turn_restarted', data: { reason: 'resumed' } });
      for (const text of deltas) view.show({ event: 'text_delta', data: { text } });
      view.show({ event: 'done', data: { content: deltas.join(''), finish_reason: 'stop' } });
      return screen;
    };
    expect(shown(['One ', 'two three'])).toBe('One two three\n');
    expect(shown(['One ', 'day'])).toBe('One two \n  (the answer begins again)\nOne day\n');
    expect(shown(['One'])).toBe('One two \n  (the answer begins again)\nOne\n');
  });
});

describe('start', () => {
  it('prints the URL, drains on a signal and exits 0', async () => {
    const home = scratch();
    const running = start(['start', '--listen', '127.0.0.1:0'], home, { entry: FAKE });
    await until(() => running.stdout().includes('\n'));
    expect(running.stdout()).toMatch(/^Sigil listens on http:\/\/127\.0\.0\.1:\d+\n$/);
    running.child.kill('SIGTERM');
    expect(await running.done).toMatchObject({ status: 0, stderr: 'drained: SIGTERM\n' });
  });

  it('--json is one document', async () => {
    const home = scratch();
    const running = start(['start', '--json'], home, { entry: FAKE });
    await until(() => running.stdout().includes('}'));
    running.child.kill('SIGINT');
    const { stdout, status } = await running.done;
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ pid: running.child.pid, data_dir: join(home, 'data') });
  });

  it('ends at once on a second signal', async () => {
    const home = scratch();
    const running = start(['start'], home, { entry: FAKE, env: { FAKE_DRAIN_MS: '60000' } });
    await until(() => running.stdout().includes('\n'));
    running.child.kill('SIGINT');
    await until(() => running.stderr().includes('drained'));
    running.child.kill('SIGINT');
    expect((await running.done).status).toBe(130);
  });

  it('tells every problem of the configuration and of the flags', async () => {
    const home = scratch();
    writeFileSync(join(home, 'sigil.yaml'), 'nope: 1\ngateway:\n  threads: many\n');
    const ran = await sigil(['start'], home, { entry: FAKE });
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain('sigil.yaml:1');
    expect(ran.stderr).toContain('sigil.yaml:3');
    const wrong = await sigil(['start', '--listen', 'nowhere'], scratch(), { entry: FAKE });
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('--listen');
  });

  it('names who holds the data directory', async () => {
    const home = scratch();
    mkdirSync(join(home, 'data'), { recursive: true });
    writeFileSync(join(home, 'data', 'lock'), '');
    const ran = await sigil(['start'], home, { entry: FAKE });
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain('Another gateway uses this data directory.');
    expect(ran.stderr).toContain('another --data-dir');
  });

  it('goes on when nobody reads what it printed', async () => {
    const home = scratch();
    const running = start(['start'], home, { entry: FAKE });
    running.child.stdout.destroy();
    await until(() => existsSync(join(home, 'data', 'gateway.sock')));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(running.child.exitCode).toBeNull();
    expect((await sigil(['chat', 'hello'], home)).stdout).toBe('you said: hello\n');
    running.child.kill('SIGTERM');
    expect((await running.done).status).toBe(0);
  });
});
