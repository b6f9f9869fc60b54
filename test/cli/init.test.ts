// SPDX-License-Identifier: Apache-2.0
// `sigil init` on a terminal: what it asks, what it writes and keeps of the answers, and what stays when somebody leaves in the middle.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { scratch, sigil } from './process.ts';
import { noTerminal, Terminal } from './terminal.ts';

/** What a keyring of this machine holds is nobody's business here. */
const FILE = { SIGIL_SECRETS_BACKEND: 'file' };
const KEY = 'sk-ant-hunter2-0123456789';
const TOKEN = '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw';

describe.skipIf(noTerminal !== undefined)('sigil init on a terminal', () => {
  const terminals: Terminal[] = [];
  afterEach(() => {
    for (const terminal of terminals.splice(0)) terminal.close();
  });
  const open = (home: string, env: Readonly<Record<string, string>> = {}): Terminal => {
    const terminal = new Terminal(home, ['init'], { ...FILE, ...env });
    terminals.push(terminal);
    return terminal;
  };
  /** Takes what is proposed. */
  const proposed = async (screen: Terminal, question: string): Promise<void> => {
    await screen.shows(question);
    screen.press('Enter');
  };
  const typed = async (screen: Terminal, question: string, answer: string): Promise<void> => {
    await screen.shows(question);
    screen.say(answer);
  };
  const names = async (home: string): Promise<string[]> => {
    const { stdout } = await sigil(['secret', 'list', '--json'], home, { env: FILE });
    const { items } = JSON.parse(stdout) as { items: readonly { name: string; kept: boolean }[] };
    return items.flatMap(({ name, kept }) => (kept ? [name] : []));
  };

  it('asks for a place, a provider and a channel, keeps what is secret and writes how it is referred to', async () => {
    const home = scratch();
    const screen = open(home);
    await proposed(screen, 'Where is the configuration to be?');
    await proposed(screen, 'Which provider of models is to answer?');
    await typed(screen, 'Key of Anthropic', KEY);
    await screen.shows('Try it with a call now?');
    screen.press('Right', 'Enter');
    await screen.shows('Where else is it to be talked to?');
    screen.press('Down', 'Enter');
    await typed(screen, 'Token of the bot, as @BotFather gives it', TOKEN);
    await screen.shows('[left with 0]');
    expect(screen.screen()).toContain('Next: sigil chat');
    const text = readFileSync(join(home, 'sigil.yaml'), 'utf8');
    for (const shown of [screen.screen(), text]) {
      expect(shown).not.toContain('hunter2');
      expect(shown).not.toContain('AAHdq');
    }
    expect(text).toMatch(/^ {2}anthropic:\n {4}api_key: keyring:\/\/anthropic\/api-key$/m);
    expect(text).toMatch(/^ {2}telegram:\n {4}token: keyring:\/\/telegram\/token\n {4}pairing: pair_on_request$/m);
    expect((await sigil(['config', 'validate'], home, { env: FILE })).stdout).toMatch(/^ok .*sigil\.yaml is valid\.\n/);
    expect((await names(home)).toSorted()).toEqual(['anthropic/api-key', 'telegram/token']);
  });

  it('refers to a variable that is set, and goes on without what is left for later', async () => {
    const home = scratch();
    const screen = open(home, { ANTHROPIC_API_KEY: KEY });
    await screen.shows('Where is the configuration to be?');
    screen.press('Down', 'Enter');
    await proposed(screen, 'Which provider of models is to answer?');
    await proposed(screen, 'ANTHROPIC_API_KEY is set in the environment. Refer to it?');
    await screen.shows('Try it with a call now?');
    screen.press('Right', 'Enter');
    await screen.shows('Where else is it to be talked to?');
    screen.press('Down', 'Enter');
    await proposed(screen, 'Token of the bot, as @BotFather gives it');
    await screen.shows('Run `sigil secret set telegram/token` when you have it.');
    await screen.shows('[left with 0]');
    const text = readFileSync(join(home, '.config', 'sigil', 'sigil.yaml'), 'utf8');
    expect(text).toMatch(/^ {4}api_key: \$\{ANTHROPIC_API_KEY\}$/m);
    expect(text).not.toContain('hunter2');
    expect(existsSync(join(home, 'sigil.yaml'))).toBe(false);
    expect(await names(home)).toEqual([]);
  });

  it('writes nothing when somebody leaves, and says what it has kept by then', async () => {
    const home = scratch();
    const early = open(home);
    await proposed(early, 'Where is the configuration to be?');
    await early.shows('Which provider of models is to answer?');
    early.press('C-c');
    await early.shows('[left with 130]');
    expect(early.screen()).toMatch(/No configuration was written\.\s/);
    expect(early.screen()).not.toContain('secret remove');

    const late = open(home);
    await proposed(late, 'Where is the configuration to be?');
    await proposed(late, 'Which provider of models is to answer?');
    await typed(late, 'Key of Anthropic', KEY);
    await late.shows('Try it with a call now?');
    late.press('C-c');
    await late.shows('[left with 130]');
    expect(late.screen()).toMatch(/What was kept stays\. .*\n.*sigil secret remove anthropic\/api-key\n/);
    expect(late.screen()).toMatch(/No configuration was written\.\s/);
    expect(existsSync(join(home, 'sigil.yaml'))).toBe(false);
    expect(await names(home)).toEqual(['anthropic/api-key']);
  });

  it('asks nothing where a file is there already', async () => {
    const home = scratch();
    writeFileSync(join(home, 'sigil.yaml'), 'logging: { level: warn }\n');
    const screen = open(home);
    await screen.shows('[left with 1]');
    expect(screen.screen()).toContain('is there already');
    expect(screen.screen()).not.toContain('Which provider');
  });
});
