// SPDX-License-Identifier: Apache-2.0
// The chat adapters against real servers, which are too slow for every run; a server that is not installed is skipped and named.
import { defineConfig, mergeConfig } from 'vitest/config';
import everything from './vitest.config.ts';

export default defineConfig(() => {
  // Not merged into: lists of one configuration are added to those of the other.
  const { include: _, exclude: __, sequence: ___, ...test } = everything.test ?? {};
  return mergeConfig({ test }, { test: { include: ['test/channels/**/*.servers.ts'], fileParallelism: false } });
});
