// SPDX-License-Identifier: Apache-2.0
// Which lines of a thread go to the log, and that this may change.

import { expect, it } from 'vitest';
import { LogGate } from '../../src/composition/log-gate.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

it('lets through a level and what is above it, as it is now', () => {
  const gate = new LogGate('warn');
  const through = (): readonly string[] => LEVELS.filter((level) => gate.lets(level));
  expect(through()).toEqual(['warn', 'error']);
  gate.set('debug');
  expect(through()).toEqual([...LEVELS]);
  gate.set('fatal');
  expect(through()).toEqual([]);
  gate.set('trace');
  expect(through()).toEqual([...LEVELS]);
});
