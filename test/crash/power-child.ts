// SPDX-License-Identifier: Apache-2.0
// The process whose writes are recorded: works on a journal, says in a file what is acknowledged, and is killed by itself.

import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Durability } from '../../src/stores/sqlite/database.ts';
import { work } from './power-workload.ts';

const [dir = '', durability = 'full', seed = '1', commits = '100'] = process.argv.slice(2);
const acks = openSync(join(dir, 'acks'), 'a');
work({
  file: join(dir, 'journal.db'),
  durability: durability as Durability,
  seed: Number(seed),
  commits: Number(commits),
  acknowledged: (seq, owed) => void writeSync(acks, `ack ${seq} ${owed.join(',')}\n`),
  checkpointed: (seq) => void writeSync(acks, `checkpoint ${seq}\n`),
});
process.kill(process.pid, 'SIGKILL');
