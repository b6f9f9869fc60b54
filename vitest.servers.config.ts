// SPDX-License-Identifier: Apache-2.0
// The chat adapters, and a whole gateway with them, against real servers; a server that is not installed is skipped and named.
import { defineConfig, mergeConfig } from 'vitest/config';
import everything from './vitest.config.ts';

// The last of them is also in the usual run: it is quick.
const include = ['test/channels/**/*.servers.ts', 'test/flow/real-servers.test.ts'];

export default defineConfig(() => {
  // Not merged into: lists of one configuration are added to those of the other.
  const { projects: _, sequence: __, ...test } = everything.test ?? {};
  return mergeConfig({ test }, { test: { include, fileParallelism: false } });
});
