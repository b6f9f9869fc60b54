// SPDX-License-Identifier: Apache-2.0
// `sigil doctor` over installations that are broken on purpose: it names the fault and the command that mends it, which mends it.

import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { lookUpIn } from '../../src/cli/config-source.ts';
import { findingsOf } from '../../src/cli/doctor.ts';
import type { Finding } from '../../src/cli/doctor-check.ts';
import { dataKeeping } from '../../src/composition/data-keeping.ts';
import { knownTypes } from '../../src/composition/known-types.ts';
import { loadConfig, thisMachine } from '../../src/config/load.ts';
import { defaultConfig } from '../../src/config/schema.ts';
import { MAIN } from '../built.ts';
import { BROKEN_INSTALLATIONS, type Site } from './broken-installations.ts';

const top = mkdtempSync(join(tmpdir(), 'sigil-doctor-'));
const whole = join(top, 'whole');
const undo: (() => void)[] = [];

beforeAll(async () => {
  // What a gateway that ran and ended leaves, without one.
  await dataKeeping.audited({ dataDir: whole, config: defaultConfig() }, (note) => note('test.made', {}, 'ok'));
});
afterEach(() => {
  for (const one of undo.splice(0)) one();
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

function site(): Site {
  const home = mkdtempSync(join(top, 'home-'));
  const dataDir = join(home, 'data');
  cpSync(whole, dataDir, { recursive: true });
  return { dataDir, configFile: join(home, 'sigil.yaml'), onEnd: (one) => undo.push(one) };
}

interface Told extends Finding {
  readonly check: string;
}

/** All checks, in this process. */
async function examined({ dataDir, configFile }: Site): Promise<readonly Told[]> {
  const env = { ...process.env };
  for (const name of Object.keys(env)) if (name.startsWith('SIGIL_')) delete env[name];
  const config = await loadConfig({
    known: knownTypes,
    lookUp: lookUpIn(dataDir),
    machine: { ...thisMachine(), env, cwd: join(dataDir, '..'), home: join(dataDir, '..') },
    ...(existsSync(configFile) ? { configPath: configFile } : {}),
  });
  const told: Told[] = [];
  for (const check of dataKeeping.checks) {
    for await (const finding of findingsOf(check, { dataDir, config, thorough: false, progress: () => undefined }))
      told.push({ check: check.name, ...finding });
  }
  return told;
}

/** Runs a command as somebody would who read it. */
function typed(command: string, { dataDir, configFile }: Site): Promise<string> {
  const script = `sigil() { "${process.execPath}" "${MAIN}" "$@"; }\n${command}`;
  const env = {
    PATH: process.env['PATH'],
    HOME: join(dataDir, '..'),
    SIGIL_DATA_DIR: dataDir,
    SIGIL_CONFIG: configFile,
  };
  if (!existsSync(configFile)) Reflect.deleteProperty(env, 'SIGIL_CONFIG');
  return new Promise((resolve, reject) => {
    execFile('sh', ['-c', script], { env, cwd: join(dataDir, '..') }, (thrown, stdout, stderr) =>
      thrown === null ? resolve(stdout) : reject(new Error(`${command}: ${stdout}${stderr}`)),
    );
  });
}

const bad = (told: readonly Told[], check: string): readonly Told[] =>
  told.filter((one) => one.check === check && one.verdict !== 'pass');

describe('sigil doctor', () => {
  it('finds nothing where nothing is wrong', async () => {
    const told = await examined(site());
    // What this machine lacks, such as a higher limit on files, is none of the installation's.
    expect(told.filter(({ check, verdict }) => verdict === 'fail' && check !== 'limits')).toEqual([]);
    expect(new Set(told.map(({ check }) => check)).size).toBeGreaterThanOrEqual(14);
  });

  it.each(BROKEN_INSTALLATIONS.map((one) => [one.name, one] as const))(
    'names what is wrong, and what mends it: %s',
    async (_, broken) => {
      const here = site();
      await broken.break(here);
      const found = bad(await examined(here), broken.check);
      const finding = found.find(({ message }) => broken.says.test(message));
      expect(finding, JSON.stringify(found)).toMatchObject({
        verdict: broken.verdict,
        mend: expect.stringMatching(broken.mend),
      });
      if (broken.runs === true) {
        await typed(finding?.mend ?? '', here);
        expect(bad(await examined(here), broken.check)).toEqual([]);
      }
      if (broken.fixes === true) {
        const again = site();
        await broken.break(again);
        for (const { fix } of await examined(again)) await fix?.();
        expect(bad(await examined(again), broken.check)).toEqual([]);
      }
    },
  );
});
