// SPDX-License-Identifier: Apache-2.0
// Backups over real files: made while others write, read back, restored whole or not at all, wherever it is cut short.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGzip, gunzipSync, gzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SigilError } from '../../src/errors.ts';
import type { BackupManifest } from '../../src/stores/backup.ts';
import { createBackup } from '../../src/stores/sqlite/backup/create.ts';
import { readArchive } from '../../src/stores/sqlite/backup/read-archive.ts';
import { replaceFiles, tidyDataDir } from '../../src/stores/sqlite/backup/replace.ts';
import { restoreBackup } from '../../src/stores/sqlite/backup/restore.ts';
import { chance, randomTurn, SessionLog } from './session-log.ts';
import { asOlderSessions, dumpRebuilt, dumpViews, StoreHouse } from './store-house.ts';

let house = new StoreHouse();
let scratch = '';
beforeEach(() => {
  house = new StoreHouse();
  scratch = mkdtempSync(join(tmpdir(), 'sigil-backup-'));
});
afterEach(() => {
  house.remove();
  rmSync(scratch, { recursive: true, force: true });
});

const fill = (seed: number, turns = 20, joins = true): void => {
  const random = chance(seed);
  const logs = Array.from({ length: 6 }, (_, index) => new SessionLog(`s${seed}-${index}`, `personal:w${index % 3}`));
  house.append(...logs.map((log) => log.create()));
  for (let turn = 0; turn < turns; turn++) {
    const log = logs[Math.floor(random() * logs.length)];
    if (log !== undefined) house.append(...randomTurn(log, random, joins));
  }
};

const backup = async (dataDir = house.dir, more: { withSecrets?: boolean } = {}): Promise<[string, BackupManifest]> => {
  const file = join(scratch, `${readdirSync(scratch).length}.tar.gz`);
  const sink = createWriteStream(file);
  const manifest = await createBackup({
    dataDir,
    sink,
    withSecrets: more.withSecrets ?? false,
    version: '0.1.0',
    configFile: null,
  });
  return [file, manifest];
};

const rowsOf = (dir: string): unknown[] => {
  const db = new Database(join(dir, 'journal.db'), { readonly: true });
  try {
    return db.prepare('SELECT * FROM records ORDER BY seq').all();
  } finally {
    db.close();
  }
};

const lastOf = (dir: string): number => {
  const db = new Database(join(dir, 'journal.db'), { readonly: true });
  try {
    return Number(db.prepare('SELECT max(seq) FROM records').pluck().get() ?? 0);
  } finally {
    db.close();
  }
};

/** What a person would notice: the journal's rows, the views, and every other file. */
const contentOf = (dir: string): unknown => ({
  rows: rowsOf(dir),
  views: dumpViews(dir),
  blobs: existsSync(join(dir, 'blobs')) ? readdirSync(join(dir, 'blobs')) : [],
});

const refusal = async (work: Promise<unknown>): Promise<string> => {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof SigilError)) throw new Error(`not refused: ${String(thrown)}`);
  return `${thrown.failure.code}: ${thrown.failure.message}`;
};

describe('a backup of skills', () => {
  it('holds their files, and neither links nor what is in the making; a restore brings them back', async () => {
    house.open();
    fill(1, 2);
    const at = (...parts: string[]): string => join(house.dir, ...parts);
    const files = {
      'skills/shared/SKILL.md': 'shared',
      'workspaces/personal%3Aw0/skills/a/SKILL.md': 'one',
      'workspaces/personal%3Aw0/skills/a/references/.hidden': 'two',
      'workspaces/personal%3Aw0/skills/b.link': '{"place":"@shared"}',
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(at(path, '..'), { recursive: true });
      writeFileSync(at(path), text);
    }
    mkdirSync(at('skills', '.staging-x'));
    writeFileSync(at('skills', '.staging-x', 'SKILL.md'), 'half');
    writeFileSync(join(scratch, 'outside'), 'never');
    symlinkSync(join(scratch, 'outside'), at('skills', 'shared', 'link'));
    symlinkSync(house.dir, at('skills', 'shared', 'loop'));
    const [file, { files: held }] = await backup();
    expect(held.flatMap(({ path, role }) => (role === 'skill' ? [path] : [])).toSorted()).toEqual(Object.keys(files));
    rmSync(at('skills'), { recursive: true });
    writeFileSync(at('workspaces/personal%3Aw0/skills/a/SKILL.md'), 'changed');
    mkdirSync(at('workspaces/personal%3Aw0/skills/later'));
    house.close();
    await restoreBackup({ dataDir: house.dir, file });
    for (const [path, text] of Object.entries(files)) expect(readFileSync(at(path), 'utf8')).toBe(text);
    expect(readdirSync(at('skills', 'shared'))).toEqual(['SKILL.md']);
    expect(existsSync(at('workspaces/personal%3Aw0/skills/later'))).toBe(false);
  });
});

describe('a backup', () => {
  it('made while rows are written constantly is one moment of the journal, and the views agree with it', async () => {
    const child = fileURLToPath(new URL('views-child.ts', import.meta.url));
    const writer = spawn(process.execPath, [child, house.dir, '5'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(writer.stdout, 'data');
    const made: [string, BackupManifest][] = [];
    // Each time as soon as rows have come since the last: more come while the files are copied.
    for (let from = 0; made.length < 2; from = lastOf(house.dir)) {
      while (lastOf(house.dir) <= from) await new Promise((resolve) => setTimeout(resolve, 1));
      made.push(await backup());
    }
    const copied = lastOf(house.dir);
    while (lastOf(house.dir) <= copied) await new Promise((resolve) => setTimeout(resolve, 1));
    writer.kill('SIGKILL');
    await once(writer, 'exit');
    const all = rowsOf(house.dir);
    let before = 0;
    for (const [file, manifest] of made) {
      const dir = mkdtempSync(join(scratch, 'restored-'));
      await restoreBackup({ dataDir: dir, file });
      expect(rowsOf(dir)).toEqual(all.slice(0, manifest.journal.last));
      expect(dumpViews(dir)).toEqual(dumpRebuilt(dir));
      // It was written meanwhile, or this shows nothing.
      expect(manifest.journal.last).toBeGreaterThan(before);
      before = manifest.journal.last;
    }
    expect(all.length).toBeGreaterThan(before);
  });

  it('is a tar archive that other tools open and check', async () => {
    house.open();
    fill(1);
    const [file] = await backup();
    execFileSync('tar', ['xzf', file, '-C', scratch]);
    const sums = execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: join(scratch, 'sigil-backup') }).toString();
    expect(
      sums
        .trim()
        .split('\n')
        .every((line) => line.endsWith(': OK')),
    ).toBe(true);
    expect(rowsOf(join(scratch, 'sigil-backup', 'data'))).toEqual(rowsOf(house.dir));
    expect(existsSync(join(house.dir, '.backup'))).toBe(false);
  });

  it('holds views, other databases, journal, blobs in this order; secrets only when asked for', async () => {
    house.open();
    fill(2, 3);
    mkdirSync(join(house.dir, 'blobs', 'ab'), { recursive: true });
    writeFileSync(join(house.dir, 'blobs', 'ab', 'abcdef'), 'picture');
    writeFileSync(join(house.dir, 'secrets.age'), 'sealed');
    writeFileSync(join(house.dir, 'owner.token'), 'token');
    writeFileSync(join(house.dir, 'notes.txt'), 'mine');
    new Database(join(house.dir, 'keyvalue.db')).exec('CREATE TABLE kv (k)').close();
    const [, without] = await backup();
    expect([...new Set(without.files.map(({ role }) => role))]).toEqual(['view', 'primary', 'journal', 'blob']);
    expect(without.left_out.map(({ path }) => path)).toEqual(['notes.txt', 'owner.token', 'secrets.age']);
    const [file, manifest] = await backup(house.dir, { withSecrets: true });
    expect(manifest.files.slice(-2).map(({ path }) => path)).toEqual(['owner.token', 'secrets.age']);
    const dir = join(scratch, 'other');
    mkdirSync(dir);
    await restoreBackup({ dataDir: dir, file });
    expect(readFileSync(join(dir, 'secrets.age'), 'utf8')).toBe('sealed');
    expect(readFileSync(join(dir, 'blobs', 'ab', 'abcdef'), 'utf8')).toBe('picture');
    expect(existsSync(join(dir, 'keyvalue.db'))).toBe(true);
  });

  it('leaves a damaged view out, says so, and has it made again by the restore; of a damaged journal there is none', async () => {
    house.open();
    fill(3);
    house.close();
    const before = contentOf(house.dir);
    writeFileSync(join(house.dir, 'gateway.db'), 'garbage'.repeat(1000));
    const [file, manifest] = await backup();
    expect(manifest.left_out).toMatchObject([{ path: 'gateway.db', why: expect.stringContaining('made again') }]);
    await restoreBackup({ dataDir: house.dir, file });
    expect(contentOf(house.dir)).toEqual(before);
    const journal = readFileSync(join(house.dir, 'journal.db'));
    journal.fill(0xee, 4096, 3 * 4096);
    writeFileSync(join(house.dir, 'journal.db'), journal);
    expect(await refusal(backup())).toMatch(/storage_failed: .*journal\.db: it is damaged/);
  });

  it('is refused where there is no journal, and when nobody takes the archive it ends', async () => {
    expect(await refusal(backup())).toMatch(/not_found/);
    house.open();
    fill(4, 3);
    const sink = createWriteStream('/dev/full');
    const failed = createBackup({ dataDir: house.dir, sink, withSecrets: false, version: '0', configFile: null });
    await expect(failed).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(existsSync(join(house.dir, '.backup'))).toBe(false);
  });
});

describe('a restore', () => {
  it('replaces everything: rows, views and files that are in the way', async () => {
    house.open();
    fill(5);
    house.close();
    const before = contentOf(house.dir);
    const [file] = await backup();
    house.open();
    fill(6);
    house.close();
    mkdirSync(join(house.dir, 'workspaces', 'later'), { recursive: true });
    writeFileSync(join(house.dir, 'workspaces', 'later', 'sessions.db'), 'not of the backup');
    writeFileSync(join(house.dir, 'chat_history'), 'stays');
    await restoreBackup({ dataDir: house.dir, file });
    expect(contentOf(house.dir)).toEqual(before);
    expect(readFileSync(join(house.dir, 'chat_history'), 'utf8')).toBe('stays');
    expect(readdirSync(house.dir).filter((name) => name.startsWith('.'))).toEqual([]);
    // And goes on from there.
    house.open();
    fill(7, 5);
    house.close();
    expect(dumpViews(house.dir)).toEqual(dumpRebuilt(house.dir));
  });

  it('changes nothing when the archive is garbage, cut short anywhere, or damaged anywhere', async () => {
    house.open();
    fill(8);
    house.close();
    const [file] = await backup();
    const whole = readFileSync(file);
    const before = contentOf(house.dir);
    const random = chance(99);
    const broken = join(scratch, 'broken.tar.gz');
    const refuse = async (bytes: Uint8Array): Promise<void> => {
      writeFileSync(broken, bytes);
      expect(await refusal(restoreBackup({ dataDir: house.dir, file: broken }))).toMatch(
        /^validation_failed: .*nothing was changed/,
      );
      expect(readdirSync(house.dir).filter((name) => name.startsWith('.'))).toEqual([]);
    };
    await refuse(Buffer.from('this is no archive at all'));
    await refuse(gzipSync('this is no tar at all'.repeat(100)));
    await refuse(Buffer.alloc(0));
    for (let round = 0; round < 12; round++) await refuse(whole.subarray(0, Math.floor(random() * whole.length)));
    for (let round = 0; round < 12; round++) {
      const flipped = Buffer.from(whole);
      // The head of a gzip file has bytes that say nothing (a time, a system).
      const at = 10 + Math.floor(random() * (whole.length - 10));
      flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      await refuse(flipped);
    }
    // The same inside, where no checksum of the compression is left to tell.
    const plain = gunzipSync(whole);
    for (let round = 0; round < 12; round++) {
      const flipped = Buffer.from(plain);
      const at = 4096 + Math.floor(random() * (plain.length - 16_384));
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      writeFileSync(broken, gzipSync(flipped));
      const said = await restoreBackup({ dataDir: join(scratch, 'elsewhere'), file: broken }).catch((error) =>
        String(error),
      );
      // Padding of the archive itself may hold anything.
      if (typeof said !== 'string') expect(contentOf(join(scratch, 'elsewhere'))).toEqual(before);
      rmSync(join(scratch, 'elsewhere'), { recursive: true, force: true });
    }
    expect(contentOf(house.dir)).toEqual(before);
  });

  it('takes no archive that reaches outside, brings what is no data, or comes from a newer Sigil', async () => {
    const crafted = async (
      entries: readonly (readonly [name: string, text: string])[],
      type: 'file' | 'symlink' = 'file',
    ) => {
      const file = join(scratch, 'crafted.tar.gz');
      const archive = pack();
      const written = once(archive.pipe(createGzip()).pipe(createWriteStream(file)), 'finish');
      archive.entry({ name: 'sigil-backup/backup.json' }, '{"format":1,"sigil":"0"}');
      for (const [name, text] of entries) {
        if (type === 'symlink') archive.entry({ name, type, linkname: '/etc' });
        else archive.entry({ name }, text);
      }
      archive.finalize();
      await written;
      return await refusal(restoreBackup({ dataDir: house.dir, file }));
    };
    expect(await crafted([['sigil-backup/data/../../../evil', 'x']])).toMatch(/no file of a backup/);
    expect(await crafted([['/etc/passwd', 'x']])).toMatch(/no file of a backup/);
    expect(await crafted([['sigil-backup/data/workspaces', '']], 'symlink')).toMatch(/no plain file/);
    expect(await crafted([['sigil-backup/data/gateway.lock', 'x']])).toMatch(/no file of a data directory/);
    expect(await crafted([['sigil-backup/data/journal.db', 'x']])).toMatch(/cut short: its manifest is missing/);
    expect(await crafted([['sigil-backup/manifest.json', '{"format":1}']])).toMatch(/manifest is not valid/);
    expect(await crafted([['sigil-backup/backup.json', '{"format":2,"sigil":"9.0"}']])).toMatch(/newer Sigil \(9\.0/);
    expect(existsSync(join(house.dir, '..', 'evil'))).toBe(false);
  });

  it('refuses a journal of a newer schema, naming both', async () => {
    house.open();
    fill(9, 2);
    house.close();
    const db = new Database(join(house.dir, 'journal.db'));
    db.pragma('user_version = 99');
    db.close();
    const [file] = await backup();
    const target = join(scratch, 'target');
    mkdirSync(target);
    expect(await refusal(restoreBackup({ dataDir: target, file }))).toMatch(/newer Sigil \(schema 99/);
    expect(readdirSync(target)).toEqual([]);
  });

  it('of files of an older schema leaves none of them behind', async () => {
    house.open();
    fill(13, 20, false);
    house.close();
    const before = dumpViews(house.dir);
    for (const name of readdirSync(join(house.dir, 'workspaces'))) {
      asOlderSessions(join(house.dir, 'workspaces', name, 'sessions.db'));
    }
    const [file] = await backup();
    await restoreBackup({ dataDir: house.dir, file });
    expect(dumpViews(house.dir)).toEqual(before);
  });

  it('is whole or has not happened, wherever its process ends', async () => {
    house.open();
    fill(10);
    house.close();
    const [file] = await backup();
    const restored = contentOf(house.dir);
    house.open();
    fill(11);
    house.close();
    const kept = contentOf(house.dir);
    const origin = join(scratch, 'origin');
    cpSync(house.dir, origin, { recursive: true });
    /** Stops there like a process that is killed: nothing after it runs, not even what tidies up. */
    class Killed extends Error {}
    let places = 0;
    for (let stop = 1; ; stop++) {
      const dir = join(scratch, 'cut');
      rmSync(dir, { recursive: true, force: true });
      cpSync(origin, dir, { recursive: true });
      // What a restore has ready when it replaces: unpacked and checked files beside the others.
      const ready = join(scratch, 'ready');
      if (!existsSync(ready)) await restoreBackup({ dataDir: ready, file });
      cpSync(ready, join(dir, '.restore', 'new'), { recursive: true });
      let left = stop;
      let decided = false;
      const point = (name: string): void => {
        decided ||= name === 'restore.decided';
        left -= 1;
        if (left === 0) throw new Killed();
      };
      try {
        replaceFiles(dir, point);
        break;
      } catch (thrown) {
        if (!(thrown instanceof SigilError && thrown.cause instanceof Killed)) throw thrown;
      }
      places += 1;
      // The next start is killed as well, once.
      let again = 1 + (stop % 3);
      try {
        tidyDataDir(dir, () => {
          again -= 1;
          if (again === 0) throw new Killed();
        });
      } catch (thrown) {
        if (!(thrown instanceof SigilError && thrown.cause instanceof Killed)) throw thrown;
      }
      tidyDataDir(dir);
      expect(contentOf(dir)).toEqual(decided ? restored : kept);
      expect(readdirSync(dir).filter((name) => name.startsWith('.'))).toEqual([]);
    }
    expect(places).toBeGreaterThan(6);
  });

  it('reads the same when only verified', async () => {
    house.open();
    fill(12, 3);
    const [file, manifest] = await backup();
    expect(await readArchive({ file })).toEqual(manifest);
    copyFileSync(file, join(scratch, 'copy'));
    expect(await refusal(readArchive({ file: join(scratch, 'nothing') }))).toMatch(/not_found/);
  });
});
