// SPDX-License-Identifier: Apache-2.0
// `sigil secret`: where the value comes from, what is listed, what is asked before something is forgotten.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { HiddenLine } from '../../src/cli/hidden-prompt.ts';
import { cleanEnv, FAKE, scratch, sigil } from './process.ts';
import { noTerminal, Terminal } from './terminal.ts';

const VALUE = 'sk-hunter2-and-more';

/** A home whose configuration keeps secrets in the encrypted file, and refers to two of them. */
function homeWith(backend = 'file'): string {
  const home = scratch();
  writeFileSync(
    join(home, 'sigil.yaml'),
    `secrets: { backend: ${backend} }
auth: { tokens: [{ token: "keyring://sigil/phone", user_id: ada }] }
providers: { openai: { api_key: "keyring://openai/main" } }
channels: { tg: { type: telegram, nested: { key: "keyring://openai/main" } } }
`,
  );
  return home;
}

const secret = (home: string, args: readonly string[], input = '', env: Record<string, string> = {}) =>
  sigil(['secret', ...args], home, { entry: FAKE, input, env });
const json = async (home: string, args: readonly string[], input = '', env: Record<string, string> = {}) =>
  JSON.parse((await secret(home, [...args, '--json'], input, env)).stdout);

describe('sigil secret', () => {
  it('keeps what comes on stdin, without the newline that ends it, and lists it without its value', async () => {
    const home = homeWith();
    const set = await secret(home, ['set', 'openai/main'], `${VALUE}\n`);
    expect([set.status, set.stdout]).toEqual([0, expect.stringContaining('openai/main is kept in the encrypted file')]);
    expect(set.stderr).toContain('providers.openai.api_key and channels.tg.nested.key gets it when it is used next');
    expect(await json(home, ['set', 'phone'], 'a\nb\r\n\r\n')).toEqual({
      name: 'sigil/phone',
      reference: 'keyring://sigil/phone',
      backend: 'file',
      place: `the encrypted file ${home}/data/secrets.age`,
      protection: 'key',
      protection_changed: false,
      used_by: ['auth.tokens[0].token'],
      restart: true,
    });
    const all = await secret(home, ['list']);
    expect(all.stdout).toMatch(
      /openai\/main +(?:now|\d+ s ago) +providers\.openai\.api_key, channels\.tg\.nested\.key/,
    );
    const { items, ...about } = await json(home, ['list']);
    expect(about).toEqual({
      backend: 'file',
      place: `the encrypted file ${home}/data/secrets.age`,
      protection: 'key',
    });
    expect(items).toEqual([
      {
        name: 'openai/main',
        kept: true,
        set_at: expect.stringMatching(/^\d{4}-.*Z$/),
        used_by: ['providers.openai.api_key', 'channels.tg.nested.key'],
        reference: 'keyring://openai/main',
      },
      expect.objectContaining({ name: 'sigil/phone', kept: true }),
    ]);
    expect(JSON.stringify([set, all, items])).not.toContain('hunter2');
  });

  it.each([
    [['set', 'a', VALUE]],
    [['set', 'a', `--value=${VALUE}`]],
    [['set', 'a', '--value', VALUE]],
    [['set', `a=${VALUE}`]],
    [['set', `-${VALUE}`]],
  ])('refuses a value as an argument, and does not repeat it: %j', async (args) => {
    const home = homeWith();
    for (const more of [[], ['--json'], ['--verbose']]) {
      const ran = await secret(home, [...args, ...more], 'other');
      expect(ran.status).toBe(2);
      expect(ran.stdout + ran.stderr).toMatch(/never (?:taken from the command line|an argument)/);
      expect(ran.stdout + ran.stderr).not.toContain('hunter2');
    }
    expect(existsSync(join(home, 'data'))).toBe(false);
  });

  it('refuses what is no text, nothing, and too much', async () => {
    const home = homeWith();
    for (const [input, said] of [
      ['', 'Nothing came on stdin'],
      ['\n', 'Nothing came on stdin'],
      ['a\0b', 'NUL'],
      ['x'.repeat(20_000), 'longer than 16384 bytes'],
    ] as const) {
      const ran = await secret(home, ['set', 'a'], input);
      expect([ran.status === 0, ran.stderr]).toEqual([false, expect.stringContaining(said)]);
    }
    const args = [FAKE, 'secret', 'set', 'a'];
    const latin = spawnSync(process.execPath, args, {
      cwd: home,
      env: cleanEnv(home),
      input: Buffer.from([0xe9, 0x41]),
    });
    expect([latin.status, String(latin.stderr)]).toEqual([2, expect.stringContaining('no text in UTF-8')]);
    expect((await json(home, ['list'])).items.map(({ kept }: { kept: boolean }) => kept)).toEqual([false, false]);
  });

  it('notes in the audit what is set and removed where no gateway runs, and does not what it cannot note', async () => {
    const home = homeWith();
    const noted = (work: (db: Database.Database) => unknown): unknown => {
      const db = new Database(join(home, 'data', 'journal.db'));
      try {
        return work(db);
      } finally {
        db.close();
      }
    };
    await secret(home, ['set', 'phone'], VALUE);
    await secret(home, ['remove', 'phone', '--yes']);
    const entries = noted((db) => db.prepare('SELECT action, actor, details, result FROM audit ORDER BY n').all());
    const details = JSON.stringify({ name: 'sigil/phone', backend: 'file', via: 'command line' });
    expect(entries).toEqual([
      { action: 'secret.set', actor: 'system', details, result: 'ok' },
      { action: 'secret.removed', actor: 'system', details, result: 'ok' },
    ]);
    noted((db) => db.exec(`CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no entry'); END`));
    const refused = await secret(home, ['set', 'phone'], VALUE);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('no entry')]);
    expect((await json(home, ['list'])).items).toContainEqual(
      expect.objectContaining({ name: 'sigil/phone', kept: false }),
    );
  });

  it('forgets only when told to, and says what it was used by', async () => {
    const home = homeWith();
    await secret(home, ['set', 'phone'], VALUE);
    const asked = await secret(home, ['remove', 'phone']);
    expect([asked.status, asked.stderr]).toEqual([2, expect.stringContaining('--yes')]);
    expect(await json(home, ['remove', 'phone', '--yes'])).toEqual({
      name: 'sigil/phone',
      backend: 'file',
      removed: true,
      used_by: ['auth.tokens[0].token'],
    });
    const again = await secret(home, ['remove', 'phone', '--yes']);
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('is not in the encrypted file')]);
    expect((await secret(home, ['list'])).stdout).toMatch(/sigil\/phone +missing +auth\.tokens\[0\]\.token/);
  });

  it('reads the environment where that is the backend, and changes nothing there', async () => {
    const home = homeWith('env');
    const env = { SIGIL_SECRET_OPENAI_MAIN: VALUE, SIGIL_SECRET_OTHER_NAME: 'x' };
    const { items, backend } = await json(home, ['list'], '', env);
    expect(backend).toBe('env');
    expect(items.map(({ name, kept }: { name: string; kept: boolean }) => [name, kept])).toEqual([
      ['openai/main', true],
      ['other/name', true],
      ['sigil/phone', false],
    ]);
    for (const args of [
      ['set', 'openai/main'],
      ['remove', 'openai/main', '--yes'],
    ]) {
      const ran = await secret(home, args, 'other', env);
      expect([ran.status, ran.stderr]).toEqual([1, expect.stringContaining('SIGIL_SECRET_OPENAI_MAIN')]);
      expect(ran.stderr).not.toContain('no configuration key');
    }
  });

  it('takes a passphrase from then on when there is one, and says so', async () => {
    const home = homeWith();
    await secret(home, ['set', 'a'], VALUE);
    const env = { SIGIL_SECRETS_PASSPHRASE: 'correct horse' };
    const set = await secret(home, ['set', 'b'], VALUE, env);
    expect([set.status, set.stderr]).toEqual([0, expect.stringContaining('protected by the passphrase')]);
    const without = await secret(home, ['list']);
    expect([without.status, without.stderr]).toEqual([1, expect.stringContaining('SIGIL_SECRETS_PASSPHRASE')]);
    const wrong = await secret(home, ['list'], '', { SIGIL_SECRETS_PASSPHRASE: 'battery staple' });
    expect([wrong.status, wrong.stderr]).toEqual([1, expect.not.stringContaining('battery')]);
    expect((await json(home, ['list'], '', env)).protection).toBe('passphrase');
  });

  it('is checked by `config validate`, which names what is not kept', async () => {
    const home = homeWith();
    const validate = () => sigil(['config', 'validate', '--json'], home, { entry: FAKE });
    const quarantined = async (): Promise<string[]> =>
      JSON.parse((await validate()).stdout).quarantined.map(({ path }: { path: string }) => path);
    expect(await quarantined()).toEqual(['auth.tokens[0]', 'providers.openai', 'channels.tg']);
    await secret(home, ['set', 'openai/main'], VALUE);
    expect(await quarantined()).toEqual(['auth.tokens[0]']);
  });
});

describe('what is typed without being shown', () => {
  const typed = (...input: readonly string[]) => {
    const line = new HiddenLine();
    let last = line.take('');
    for (const part of input) last = line.take(part);
    return last;
  };

  it('may be mended, and keys that move nothing do nothing', () => {
    expect(typed('abx\u007fc\r')).toEqual({ is: 'done', text: 'abc' });
    expect(typed('wrong\u0015right\n')).toEqual({ is: 'done', text: 'right' });
    expect(typed('a\u001b[D\u001b[1;5Cb\u001bOA\u0001\tc😀\u007f\r')).toEqual({ is: 'done', text: 'abc' });
    expect(typed('interrupted\r')).toEqual({ is: 'done', text: 'interrupted' });
    expect(typed('a\u0004')).toEqual({ is: 'more' });
    expect(typed('a\u0003')).toEqual({ is: 'interrupted' });
    expect(typed('\u0004')).toEqual({ is: 'interrupted' });
  });

  it('may be pasted in several lines and in pieces', () => {
    expect(typed('\u001b[200~one\r', 'two\u0003', '\u001b[2', '01~\r')).toEqual({ is: 'done', text: 'one\ntwo\u0003' });
    expect(typed('\u001b', '[200~a\u001b[31m', 'b\u001b[201~', '\r')).toEqual({ is: 'done', text: 'a\u001b[31mb' });
  });
});

describe.skipIf(noTerminal !== undefined)('on a terminal', () => {
  const terminals: Terminal[] = [];
  afterEach(() => {
    for (const terminal of terminals.splice(0)) terminal.close();
  });
  const open = (home: string, ...args: readonly string[]): Terminal => {
    const terminal = new Terminal(home, ['secret', ...args]);
    terminals.push(terminal);
    return terminal;
  };
  const keptIn = async (home: string): Promise<string[]> =>
    (await json(home, ['list'])).items
      .filter(({ kept }: { kept: boolean }) => kept)
      .map(({ name }: { name: string }) => name);

  it('asks for the value and shows nothing of it, typed or pasted', async () => {
    const home = homeWith();
    const screen = open(home, 'set', 'openai/main');
    await screen.shows('Value of openai/main (not shown):');
    screen.type('sk-hun');
    screen.paste('ter2\nline two');
    screen.type('!');
    screen.press('Enter');
    await screen.shows('[left with 0]');
    expect(screen.screen()).not.toMatch(/sk-|hun|ter2|line two|!/);
    expect(await keptIn(home)).toEqual(['openai/main']);
    const { createFileStore } = await import('../../src/secrets/file-store.ts');
    const { secretName } = await import('../../src/secrets/store.ts');
    const store = createFileStore({ dataDir: join(home, 'data'), env: {}, now: Date.now });
    expect(await store.get(secretName('openai/main'))).toBe('sk-hunter2\nline two!');
    expect(readFileSync(join(home, 'data', 'secrets.age'), 'latin1')).not.toContain('hunter2');
  });

  it('changes nothing when it is interrupted or nothing is typed', async () => {
    const home = homeWith();
    const screen = open(home, 'set', 'phone');
    await screen.shows('(not shown):');
    screen.type('half');
    screen.press('C-c');
    await screen.shows('[left with 130]');
    const empty = open(home, 'set', 'phone');
    await empty.shows('(not shown):');
    empty.press('Enter');
    await empty.shows('[left with 2]');
    expect(await keptIn(home)).toEqual([]);
  });

  it('asks before it forgets, naming what uses it', async () => {
    const home = homeWith();
    await secret(home, ['set', 'phone'], VALUE);
    const no = open(home, 'remove', 'phone');
    await no.shows(/Remove sigil\/phone .*auth\.tokens\[0\]\.token will not work without it\. +\[y\/N\]/s);
    no.press('Enter');
    await no.shows('[left with 1]');
    const gone = open(home, 'remove', 'phone');
    await gone.shows('[y/N]');
    gone.press('C-c');
    await gone.shows('[left with 130]');
    expect(await keptIn(home)).toEqual(['sigil/phone']);
    const yes = open(home, 'remove', 'phone');
    await yes.shows('[y/N]');
    yes.say('y');
    await yes.shows('[left with 0]');
    expect(await keptIn(home)).toEqual([]);
  });
});
