// SPDX-License-Identifier: Apache-2.0
// The interactive chat and `actors --watch` on a real terminal.

import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { APPROVAL, FakeGateway } from './fake-gateway.ts';
import { scratch, until } from './process.ts';
import { noTerminal, Terminal } from './terminal.ts';

const closing: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function terminal(home: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Terminal {
  const opened = new Terminal(home, args, env);
  closing.push(() => opened.close());
  return opened;
}

async function gatewayIn(home: string): Promise<FakeGateway> {
  const gateway = new FakeGateway();
  mkdirSync(join(home, 'data'), { recursive: true });
  await gateway.listen(join(home, 'data', 'gateway.sock'));
  closing.push(() => gateway.close());
  return gateway;
}

async function chat(home: string, args: readonly string[] = []): Promise<Terminal> {
  const opened = terminal(home, ['chat', ...args]);
  await opened.shows('/help lists the commands');
  await opened.shows('›');
  return opened;
}

describe.skipIf(noTerminal !== undefined)(`a conversation${noTerminal === undefined ? '' : ` (${noTerminal})`}`, () => {
  it('keeps its session, shows tools, remembers what was typed', async () => {
    const home = scratch();
    const gateway = await gatewayIn(home);
    const screen = await chat(home, ['--model', 'a/b', '--workspace', 'w']);
    screen.say('hello');
    await screen.shows('you said: hello');
    screen.say('use a tool');
    await screen.shows('✓ clock 12:00');
    await screen.shows('you said: use a tool');
    const bodies = gateway.requests.filter(({ path }) => path.endsWith('/chat/stream')).map(({ body }) => body);
    expect(bodies[0]).toMatchObject({ workspace_id: 'w', model: 'a/b' });
    expect(bodies[1]).toMatchObject({ session_id: 'session-1', model: 'a/b' });
    screen.say('/new');
    await screen.shows('begins a new session');
    screen.press('Up', 'Up', 'Up', 'Enter');
    await until(() => gateway.turns.size === 3);
    expect(gateway.requests.at(-1)?.body).toMatchObject({ content: 'hello' });
    expect(gateway.requests.at(-1)?.body['session_id']).toBeUndefined();
    screen.press('C-d');
    await screen.shows('[left with 0]');
    const file = join(home, 'data', 'chat_history');
    expect(readFileSync(file, 'utf8')).toBe('hello\nuse a tool\n/new\nhello\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('knows its commands', async () => {
    const home = scratch();
    await gatewayIn(home);
    const screen = await chat(home);
    screen.say('/help');
    await screen.shows('/sessions [N]');
    screen.say('/sesions');
    await screen.shows('Did you mean /sessions?');
    screen.say('/sessions');
    await screen.shows('1 turn ');
    screen.say('/sessions 2');
    await screen.shows('goes on with session old');
    screen.say('/model x/y');
    await screen.shows('go to x/y');
    screen.say('/cancel');
    await screen.shows('Nothing is being answered');
    screen.say('/quit');
    await screen.shows('[left with 0]');
  });

  it('shows a tool call that waits for approval, and answers it', async () => {
    const home = scratch();
    const gateway = await gatewayIn(home);
    const screen = await chat(home);
    screen.say('ask me first');
    await screen.shows('May forget run with {"all":true}: for good?');
    await screen.shows(`/approve ${APPROVAL}, or /deny`);
    screen.say('/approve 7777');
    await screen.shows('Nothing waits for approval whose id begins with 7777');
    screen.say('/approve all of it');
    await screen.shows('That is no id of a request');
    screen.say('/approve 0198b2c4');
    await screen.shows('Allowed: forget.');
    await screen.shows('✓ forget forgotten');
    screen.say('/new');
    screen.say('ask me again');
    await screen.shows(/May forget run[\s\S]*May forget run/);
    screen.say('/deny');
    await screen.shows('✗ forget tool_denied: no');
    const decided = gateway.requests.filter(({ path }) => path.includes('/approvals/')).map(({ body }) => body);
    expect(decided).toEqual([{ decision: 'approve' }, { decision: 'deny' }]);
  });

  it('takes several lines: backslash, fence, Alt-Enter, paste', async () => {
    const home = scratch();
    const gateway = await gatewayIn(home);
    const screen = await chat(home);
    const contents = () =>
      gateway.requests.filter(({ path }) => path.endsWith('/stream')).map(({ body }) => body['content']);
    screen.say('one \\');
    screen.say('two');
    await until(() => contents().length === 1);
    await screen.shows(/you said: one\s+two[\s\S]*›/);
    screen.say('```');
    screen.say('code');
    screen.say('```');
    await until(() => contents().length === 2);
    await screen.shows(/code\n```\n›/);
    screen.type('above');
    screen.press('M-Enter');
    await screen.shows('…');
    screen.say('below');
    await until(() => contents().length === 3);
    await screen.shows(/below\n›/);
    screen.paste('first\nsecond\n');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(contents()).toHaveLength(3);
    screen.say('third');
    await until(() => contents().length === 4);
    expect(contents()).toEqual(['one \ntwo', '```\ncode\n```', 'above\nbelow', 'first\nsecond\nthird']);
  });

  it('Ctrl-C stops the answer first, then hints, then leaves with 130', async () => {
    const home = scratch();
    const gateway = await gatewayIn(home);
    const screen = await chat(home);
    screen.say('slow');
    await screen.shows('you sai');
    screen.press('C-c');
    await screen.shows('(cancelled)');
    await until(() => screen.cursorShown());
    expect(screen.screen()).not.toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/);
    expect(gateway.requests.some(({ path }) => path.endsWith('/cancel'))).toBe(true);
    screen.type('half a line');
    screen.press('C-c');
    screen.press('C-c');
    await screen.shows('Ctrl-C again leaves');
    screen.press('C-c');
    await screen.shows('[left with 130]');
    // Nothing but what belongs there: no second prompt before the hint, none after the end.
    expect(screen.screen()).toContain(
      '› half a line\n›\nCtrl-C again leaves (or Ctrl-D, or /quit).\n›\n[left with 130]',
    );
  });

  it('what is typed during an answer waits its turn', async () => {
    const home = scratch();
    const gateway = await gatewayIn(home);
    const screen = await chat(home);
    screen.say('slow');
    await screen.shows('you sai');
    screen.say('next');
    await screen.shows('(waits its turn)');
    expect(gateway.turns.size).toBe(1);
    screen.say('/cancel');
    await screen.shows('you said: next');
  });

  it('obeys nothing of what a model says', async () => {
    const home = scratch();
    await gatewayIn(home);
    const screen = await chat(home);
    screen.say('hostile');
    await screen.shows('␛[2Jred');
    await screen.shows('/help lists the commands');
  });

  it('goes on in a gateway of its own when the one it used goes away', async () => {
    const home = scratch();
    const first = terminal(home, ['chat'], { FAKE_NAME: 'first: ' });
    await first.shows('›');
    first.say('begin');
    await first.shows('first: you said: begin');
    const second = terminal(home, ['chat'], { FAKE_NAME: 'second: ' });
    await second.shows('›');
    second.say('hello');
    await second.shows('first: you said: hello');
    first.press('C-d');
    await first.shows('[left with 0]');
    second.say('still there?');
    await second.shows('second: you said: still there?');
    second.press('C-d');
    await second.shows('[left with 0]');
    expect(existsSync(join(home, 'data', 'lock'))).toBe(false);
  });

  it('is attached to `start` where asked for', async () => {
    const home = scratch();
    const screen = terminal(home, ['start', '--chat-if-tty', '--listen', '127.0.0.1:0']);
    await screen.shows('Sigil listens on http://127.0.0.1:');
    await screen.shows('›');
    screen.say('hello');
    await screen.shows('you said: hello');
    screen.say('/quit');
    await screen.shows('drained');
    await screen.shows('[left with 0]');
  });

  it('streams a single answer and ends', async () => {
    const home = scratch();
    await gatewayIn(home);
    const screen = terminal(home, ['chat', 'use a tool']);
    await screen.shows(/✓ clock 12:00\nyou said: use a tool\n\[left with 0\]/);
    const slow = terminal(home, ['chat', 'slow']);
    await slow.shows('you sai');
    slow.press('C-c');
    await slow.shows('[left with 130]');
  });
});

describe.skipIf(noTerminal !== undefined)(`actors --watch${noTerminal === undefined ? '' : ` (${noTerminal})`}`, () => {
  it('redraws on a screen of its own, and gives the terminal back', async () => {
    const home = scratch();
    const gateway = await gatewayIn(home);
    const screen = terminal(home, ['actors', '--watch']);
    await screen.shows('q leaves');
    await screen.shows('session/one');
    const asked = gateway.requests.length;
    await until(() => gateway.requests.length > asked);
    screen.press('q');
    await screen.shows('[left with 0]');
    expect(screen.screen()).not.toContain('session/one');
    const other = terminal(home, ['actors', 'session/one', '--watch']);
    await other.shows('18 µs');
    other.press('C-c');
    await other.shows('[left with 130]');
  });
});
