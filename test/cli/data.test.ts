// SPDX-License-Identifier: Apache-2.0
// The command line over data directories: backups of a gateway that runs and of one that does not, and what doctor finds.

import { chmodSync, copyFileSync, cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { damagePages } from '../stores/damage.ts';
import { type Ran, scratch, sigil, start, until } from './process.ts';

type Running = ReturnType<typeof start>;
const running: Running[] = [];
afterEach(async () => {
  for (const gateway of running.splice(0)) {
    gateway.child.kill('SIGKILL');
    await gateway.done;
  }
});

async function gateway(home: string): Promise<Running> {
  const started = start(['start', '--listen', '127.0.0.1:0'], home);
  running.push(started);
  await until(() => started.stdout().includes('listens on') || started.child.exitCode !== null);
  return started;
}

async function stop(started: Running): Promise<void> {
  started.child.kill('SIGTERM');
  await started.done;
}

interface Report {
  readonly pass: number;
  readonly warn: number;
  readonly fail: number;
  readonly findings: readonly { check: string; verdict: string; message: string; mend: string | null }[];
}

async function doctor(home: string, ...more: readonly string[]): Promise<Report & { status: number | null }> {
  const ran = await sigil(['doctor', '--json', ...more], home);
  return { ...(JSON.parse(ran.stdout) as Report), status: ran.status };
}

const sessionsOf = async (home: string): Promise<unknown> => {
  const ran = await sigil(['session', 'list', '--json'], home);
  return JSON.parse(ran.stdout);
};

const said = ({ stdout, stderr, status }: Ran): string => `${status} ${stdout}${stderr}`;

/** A home with a few conversations in it, and no gateway. */
let origin = '';
beforeAll(async () => {
  origin = scratch();
  const one = await gateway(origin);
  for (const words of ['what is 2+3', 'hello', 'remember that I like tea']) await sigil(['chat', words], origin);
  await stop(one);
  running.splice(0);
});

const home = (): string => {
  const copy = scratch();
  cpSync(join(origin, 'data'), join(copy, 'data'), { recursive: true });
  chmodSync(join(copy, 'data'), 0o700);
  return copy;
};

describe('sigil backup', () => {
  it('of a running gateway is made by it, and restored elsewhere is the same gateway', async () => {
    const here = home();
    const one = await gateway(here);
    await sigil(['chat', 'one more'], here);
    const file = join(here, 'a.tar.gz');
    const made = await sigil(['backup', 'create', file, '--json'], here);
    expect(made.status, said(made)).toBe(0);
    expect(JSON.parse(made.stdout)).toMatchObject({ file, secrets: false, config: { file: null, included: false } });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const before = await sessionsOf(here);
    expect(said(await sigil(['backup', 'create', file], here))).toMatch(/^1 .*there already.*--force/s);
    expect(said(await sigil(['backup', 'restore', file], here))).toMatch(
      /^1 .*in use by the gateway with pid.*Stop it first/s,
    );
    await stop(one);
    const there = scratch();
    const restored = await sigil(['backup', 'restore', file], there);
    expect(said(restored)).toMatch(/^0 .*the journal up to row \d+/s);
    await gateway(there);
    expect(await sessionsOf(there)).toEqual(before);
  });

  it('without a gateway is made here, to stdout too; verify and restore say what is wrong with a file', async () => {
    const here = home();
    const file = join(here, 'a.tar.gz');
    expect(said(await sigil(['backup', 'create', file, '--with-secrets'], here))).toMatch(/^0 .*secrets included/s);
    expect(said(await sigil(['backup', 'verify', file], here))).toMatch(/^0 .*\d+ files/s);
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, bytes.length / 2));
    expect(said(await sigil(['backup', 'verify', file], here))).toMatch(/^1 .*cut short/s);
    const before = await doctor(here);
    expect(said(await sigil(['backup', 'restore', file], here))).toMatch(/^1 .*cut short; nothing was changed/s);
    const still = ({ findings }: typeof before) => findings.filter(({ check }) => check !== 'clock');
    expect(still(await doctor(here))).toEqual(still(before));
    expect(said(await sigil(['backup', 'create', join(here, 'no', 'where')], here))).toMatch(
      /^1 .*directory is not there/s,
    );
    expect(existsSync(join(here, 'data', '.backup'))).toBe(false);
    expect(said(await sigil(['backup', 'create', 'x'], scratch()))).toMatch(/^1 .*nothing to back up/s);
  });
});

describe('sigil doctor', () => {
  it('finds nothing in a directory that is well, with a gateway and without, nor where there is none yet', async () => {
    const here = home();
    expect(await doctor(here)).toMatchObject({ status: 0, warn: 0, fail: 0 });
    await gateway(here);
    const with_one = await doctor(here, '--thorough');
    expect(with_one).toMatchObject({ status: 0, warn: 0, fail: 0 });
    expect(with_one.findings.find(({ check }) => check === 'lock')?.message).toMatch(/pid \d+ at http/);
    expect(await doctor(scratch())).toMatchObject({ status: 0, warn: 0, fail: 0 });
  });

  it('names the damaged file and table, and the rebuild it names mends it', async () => {
    const here = home();
    const view = 'workspaces/personal%3Aowner/sessions.db';
    damagePages(join(here, 'data', view), 'messages');
    const found = await doctor(here);
    expect(found).toMatchObject({ status: 1, fail: 1 });
    expect(found.findings.find(({ verdict }) => verdict === 'fail')).toMatchObject({
      check: 'databases',
      message: expect.stringMatching(/sessions\.db is damaged: .*messages/),
      mend: `sigil doctor rebuild ${view}`,
    });
    expect(said(await sigil(['doctor', 'rebuild', view], here))).toMatch(/^0 made anew\s+workspaces/s);
    expect(await doctor(here)).toMatchObject({ status: 0, warn: 0, fail: 0 });
    await gateway(here);
    expect(await sessionsOf(here)).toMatchObject({ items: [{ turns: 1 }, { turns: 1 }, { turns: 1 }] });
    expect(said(await sigil(['doctor', 'rebuild'], here))).toMatch(/^1 .*Stop it first/s);
    expect(said(await sigil(['doctor', 'rebuild', 'nonsense'], home()))).toMatch(
      /^1 .*no view here; there are gateway\.db/s,
    );
  });

  it('a garbage gateway.db is found, and does not stop the start', async () => {
    const here = home();
    writeFileSync(join(here, 'data', 'gateway.db'), 'garbage'.repeat(1_000));
    const found = await doctor(here);
    expect(found.findings.filter(({ verdict }) => verdict === 'fail')).toMatchObject([
      {
        check: 'databases',
        message: expect.stringContaining('not a database'),
        mend: 'sigil doctor rebuild gateway.db',
      },
    ]);
    const one = await gateway(here);
    expect(one.stderr()).toContain('was put aside');
    expect(await sessionsOf(here)).toMatchObject({ items: [{}, {}, {}] });
  });

  it('a damaged or missing journal stops the start with what to do', async () => {
    const here = home();
    const journal = join(here, 'data', 'journal.db');
    copyFileSync(journal, join(here, 'kept'));
    writeFileSync(journal, 'garbage'.repeat(1_000));
    const damaged = await sigil(['start'], here);
    expect(said(damaged)).toMatch(/^1 .*journal\.db: it is not a database; .*sigil backup restore FILE/s);
    rmSync(journal);
    expect(said(await sigil(['start'], here))).toMatch(
      /^1 .*journal\.db: it is missing, and what was made from it is here/s,
    );
    expect((await doctor(here)).findings.find(({ verdict }) => verdict === 'fail')).toMatchObject({
      message: expect.stringContaining('is missing'),
      mend: 'sigil backup restore FILE',
    });
    copyFileSync(join(here, 'kept'), journal);
    expect(await doctor(here)).toMatchObject({ status: 0, fail: 0 });
  });

  it('finds open permissions, newer files, foreign views and a restore that was cut short', async () => {
    const here = home();
    const data = join(here, 'data');
    chmodSync(data, 0o755);
    chmodSync(join(data, 'owner.token'), 0o644);
    const db = new Database(join(data, 'workspaces', 'personal%3Aowner', 'sessions.db'));
    db.pragma('user_version = 99');
    db.close();
    const gatewayDb = new Database(join(data, 'gateway.db'));
    gatewayDb.exec(`UPDATE view_state SET journal = 'another'`);
    gatewayDb.close();
    const { findings, status } = await doctor(here);
    expect(status).toBe(1);
    const lines = findings.map(({ verdict, message, mend }) => `${verdict} ${message} | ${mend}`).join('\n');
    expect(lines).toMatch(/warn .* is open to other users \(mode 0755\) \| chmod 700/);
    expect(lines).toMatch(/fail .*owner\.token can be read by other users .* \| chmod 600/);
    expect(lines).toMatch(/fail .*sessions\.db: written by a newer Sigil \(schema 99/);
    expect(lines).toMatch(/warn .*gateway\.db was made of another journal; .* \| sigil doctor rebuild gateway\.db/);
  });
});
