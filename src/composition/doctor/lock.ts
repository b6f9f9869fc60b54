// SPDX-License-Identifier: Apache-2.0
// The check of the lock: which gateway runs in the data directory, if one does.

import { join } from 'node:path';
import { type Check, pass } from '../../cli/doctor-check.ts';
import { LOCK_FILE } from '../../stores/sqlite/data-files.ts';
import { lockHolder } from '../../stores/sqlite/lock.ts';

export const lockCheck: Check = {
  name: 'lock',
  *run({ dataDir }) {
    const holder = lockHolder(join(dataDir, LOCK_FILE));
    if (holder === null) yield pass('no gateway runs in it');
    else {
      const at = holder.url === null ? '' : ` at ${holder.url}`;
      yield pass(`the gateway with pid ${holder.pid}${at} runs in it, since ${holder.started_at}`);
    }
  },
};
