// SPDX-License-Identifier: Apache-2.0
// The process whose writes are recorded: works on a journal and its views, says in a file what is acknowledged, and is killed by itself.

import type { Durability } from '../../src/stores/sqlite/database.ts';
import { workOnViews } from './power-views-workload.ts';

const [dir = '', durability = 'full', seed = '1', commits = '100', trims = 'false'] = process.argv.slice(2);
await workOnViews({
  dir,
  durability: durability as Durability,
  seed: Number(seed),
  commits: Number(commits),
  trims: trims === 'true',
});
process.kill(process.pid, 'SIGKILL');
