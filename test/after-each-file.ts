// SPDX-License-Identifier: Apache-2.0
// What is done after each file of tests, whoever had its process before: a module that files share is loaded for the first alone.

import { afterAll } from 'vitest';
import { clearLeft } from './left-behind.ts';

const before = { ...process.env };

afterAll(() => {
  clearLeft();
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
});
