// SPDX-License-Identifier: Apache-2.0
// What is done after each file of tests, whoever had its process before: a module that files share is loaded for the first alone.

import { afterAll } from 'vitest';
import { clearLeft } from './left-behind.ts';

const environment = process.env;
const before = { ...environment };

afterAll(() => {
  clearLeft();
  // Threads share the real one: what files after this would set in another reached none of theirs.
  const replaced = process.env !== environment;
  process.env = environment;
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  if (replaced) throw new Error('process.env was replaced by another object; set its variables instead');
});
