// SPDX-License-Identifier: Apache-2.0
// The checks of the machine besides node and disk: its clock, how many files may be open, and the tools that parts of Sigil use.

import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, fail, pass, warn } from '../../cli/doctor-check.ts';
import { object, parsed, strings, text } from '../../cli/json-reading.ts';

/** When this was written, in epoch milliseconds: a clock before it is not set. */
const WRITTEN = Date.parse('2026-01-01T00:00:00Z');
/** How far files may be in the future, in milliseconds: file servers have clocks of their own. */
const AHEAD = 60_000;

export const clockCheck: Check = {
  name: 'clock',
  *run({ dataDir }) {
    const now = Date.now();
    const mend = 'sudo timedatectl set-ntp true';
    if (now < WRITTEN) return yield fail(`the clock says ${new Date(now).toISOString()}, which is long ago`, mend);
    const newest = Math.max(
      0,
      ...filesIn(dataDir).map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0),
    );
    if (newest > now + AHEAD) {
      const says = `the clock went back: files of the data directory are of ${new Date(newest).toISOString()}`;
      return yield warn(`${says}, and it is ${new Date(now).toISOString()}`, mend);
    }
    yield pass(new Date(now).toISOString());
  },
};

function filesIn(dataDir: string): readonly string[] {
  try {
    return readdirSync(dataDir).map((name) => join(dataDir, name));
  } catch {
    // The check of the directory tells what is wrong with it.
    return [];
  }
}

/** Files for a gateway with a few hundred connections; the limit on connections is 20,000. */
const FILES = { least: 1_024, wanted: 8_192 } as const;

export const limitsCheck: Check = {
  name: 'limits',
  *run() {
    if (process.platform === 'win32') return;
    // Otherwise it looks up the name of every address of the machine first.
    Reflect.set(process.report, 'excludeNetwork', true);
    const limits = object(object(process.report.getReport() as unknown)['userLimits']);
    const soft = object(limits['open_files'])['soft'];
    const files = typeof soft === 'number' ? soft : Number(soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : soft);
    if (!Number.isFinite(files)) return yield pass('how many files may be open is not known here');
    const says = `${files} files may be open at once`;
    const mend = `ulimit -n 65536 (or LimitNOFILE=65536 in the service's unit)`;
    if (files < FILES.least) yield fail(`${says}; a gateway needs ${FILES.least} at least`, mend);
    else if (files < FILES.wanted) yield warn(`${says}: enough for some hundred connections`, mend);
    else yield pass(files === Number.MAX_SAFE_INTEGER ? 'any number of files may be open at once' : says);
  },
};

/** How long a tool may take to say what it is, in milliseconds. */
const WITHIN = 5_000;

/** What a program prints; undefined where it is not there or fails. */
function printed(program: string, words: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, words, { timeout: WITHIN, maxBuffer: 1024 * 1024 }, (thrown, stdout) =>
      resolve(thrown === null ? stdout.trim() : undefined),
    );
  });
}

export const toolsCheck: Check = {
  name: 'tools',
  async *run({ config }) {
    const [bwrap, podman, docker] = await Promise.all(
      ['bwrap', 'podman', 'docker'].map((program) => printed(program, ['--version'])),
    );
    const wanted = config.ok && config.config.tools.exec_sandboxed.enabled;
    if (bwrap !== undefined) yield pass(`${bwrap} is there, for commands in the sandbox`);
    else if (wanted) yield fail('bwrap is not there, and tools.exec_sandboxed is on', 'sudo apt install bubblewrap');
    else yield pass('bwrap is not there; only tools.exec_sandboxed needs it');
    const container = podman ?? docker;
    yield pass(
      container === undefined
        ? 'neither podman nor docker is there; nothing configured needs one'
        : `${container.split('\n')[0]} is there`,
    );
  },
};

export const tailscaleCheck: Check = {
  name: 'tailscale',
  async *run({ config }) {
    if (!config.ok) return;
    if (config.config.networking.mode !== 'tailscale') return yield pass('networking.mode is local: it is not used');
    const status = await printed('tailscale', ['status', '--json']);
    if (status === undefined) {
      const there = await printed('tailscale', ['version']);
      if (there === undefined)
        return yield fail(
          'networking.mode is tailscale, and tailscale is not there',
          'curl -fsSL https://tailscale.com/install.sh | sh',
        );
      return yield fail('tailscale does not answer', 'sudo systemctl start tailscaled');
    }
    const facts = object(parsed(status));
    const state = text(facts['BackendState']);
    if (state !== 'Running')
      return yield fail(`tailscale is ${state === '' ? 'not running' : state}`, 'sudo tailscale up');
    yield pass(`tailscale runs at ${strings(facts['TailscaleIPs']).join(', ')}`);
  },
};
