// SPDX-License-Identifier: Apache-2.0
// The check of the lock: which gateway runs in the data directory, if one does.

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, fail, pass } from '../../cli/doctor-check.ts';
import { LOCK_FILE } from '../../stores/sqlite/data-files.ts';
import { lockHolder } from '../../stores/sqlite/lock.ts';

export const lockCheck: Check = {
  name: 'lock',
  async *run({ dataDir, ask }) {
    const holder = lockHolder(join(dataDir, LOCK_FILE));
    if (holder === null) {
      const socket = join(dataDir, 'gateway.sock');
      // The kernel let go of the lock when its holder died; what lies there hinders nobody.
      const left = existsSync(socket)
        ? '; a socket of one that was killed is left over, and the next start replaces it'
        : '';
      const fix = (): string => {
        rmSync(socket, { force: true });
        return `removed ${socket}`;
      };
      return yield left === '' ? pass('no gateway runs in it') : { ...pass(`no gateway runs in it${left}`), fix };
    }
    const at = holder.url === null ? '' : ` at ${holder.url}`;
    const who = `the gateway with pid ${holder.pid}${at}`;
    if (ask !== undefined && (await ask('/health')) === undefined)
      yield fail(`${who} holds the directory and does not answer`, `kill ${holder.pid}`);
    else yield pass(`${who} runs in it, since ${holder.started_at}`);
  },
};
