// SPDX-License-Identifier: Apache-2.0
// `sigil init`, `config set` and `config unset` as somebody types them: what is written, what is refused, and what is told.

import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Ran, scratch, sigil } from './process.ts';

const said = ({ stdout, stderr, status }: Ran): string => `${status} ${stdout}${stderr}`;

describe('sigil init', () => {
  it('asks nobody without a terminal, leaves what is there, and keeps a copy when it is told to replace it', async () => {
    const home = scratch();
    const made = await sigil(['init'], home);
    expect(said(made)).toMatch(/^0 ok .*sigil\.yaml is written\.\nNext: sigil chat\n/);
    const file = join(home, 'sigil.yaml');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(said(await sigil(['config', 'validate'], home))).toMatch(/^0 ok .*sigil\.yaml is valid\.\n$/);
    writeFileSync(file, 'logging: { level: warn }\n');
    expect(said(await sigil(['init', '--yes'], home))).toMatch(/^1 sigil: .*is there already.*\n.*--force/);
    const replaced = await sigil(['init', '--yes', '--force', '--json'], home);
    expect(JSON.parse(replaced.stdout)).toMatchObject({ file, backup: `${file}.1.bak`, used: true });
    expect(readFileSync(`${file}.1.bak`, 'utf8')).toBe('logging: { level: warn }\n');
  });
});

describe('sigil config set', () => {
  it('writes what is right with the mode the file had, and nothing of what is wrong', async () => {
    const home = scratch();
    const file = join(home, 'sigil.yaml');
    const text = '# mine\nlogging:\n  level: info   # quiet\n';
    writeFileSync(file, text);
    chmodSync(file, 0o640);
    expect(said(await sigil(['config', 'set', 'logging.level', 'loud'], home))).toMatch(
      /^1 sigil: .*:\n {2}.*sigil\.yaml:3:10: logging\.level: found the text "loud"; allowed: one of .*\nNothing was changed/,
    );
    expect(said(await sigil(['config', 'set', 'providers.openai.api_key', 'sk-hunter2'], home))).toMatch(
      /^1 sigil: (?!.*hunter2).*not written to the file in plain\.\nKeep it with `sigil secret set openai\/api-key`/,
    );
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(said(await sigil(['config', 'set', 'logging.level', 'debug'], home))).toMatch(
      /^0 ok logging\.level is set in .*\n.*takes up by itself: logging\.level\n$/,
    );
    expect(readFileSync(file, 'utf8')).toBe(text.replace('info', 'debug'));
    expect(statSync(file).mode & 0o777).toBe(0o640);
    const list = await sigil(['config', 'set', 'networking.allowed_hosts', 'a.example,b.example', '--json'], home, {
      env: { SIGIL_NETWORKING_ALLOWED_HOSTS: 'c.example' },
    });
    const overridden = { changed: true, value: ['c.example'], overridden_by: 'SIGIL_NETWORKING_ALLOWED_HOSTS' };
    expect(JSON.parse(list.stdout)).toMatchObject({ ...overridden, live: [], restart: [] });
    const gateway = '{"threads":3,"io_threads":1,"watchdog":"7s"}';
    expect(said(await sigil(['config', 'set', 'gateway', gateway], home))).toMatch(
      /^0 .*\n.*takes up by itself: gateway\.watchdog\n.*waits for a restart: gateway\.threads\n$/,
    );
    expect(
      said(await sigil(['config', 'set', 'agent.persona', '-'], home, { input: 'Be kind.\nBe brief.\n' })),
    ).toMatch(/^0 /);
    expect((await sigil(['config', 'get', 'agent.persona'], home)).stdout).toBe('Be kind.\nBe brief.\n');
    expect(said(await sigil(['config', 'unset', 'agent.persona'], home))).toMatch(
      /^0 ok agent\.persona is not set any more/,
    );
    expect(said(await sigil(['config', 'unset', 'agent.persona'], home))).toMatch(/^1 .*nothing to take out/);
  });

  it('makes the file of this user where there is none', async () => {
    const home = scratch();
    const file = join(home, '.config', 'sigil', 'sigil.yaml');
    expect(said(await sigil(['config', 'set', 'channels.irc.port', '6667'], home))).toMatch(
      /^0 ok .*which was made\.\n.*left out:.*\n.*takes up by itself: channels\.irc\n$/,
    );
    expect(readFileSync(file, 'utf8')).toBe('channels:\n  irc:\n    port: 6667\n');
    expect(existsSync(join(home, 'sigil.yaml'))).toBe(false);
  });
});
