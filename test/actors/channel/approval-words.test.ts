// SPDX-License-Identifier: Apache-2.0
// Which messages answer a request for approval, and which only look like it.

import { expect, it } from 'vitest';
import { approvalWords } from '../../../src/actors/channel/protocol.ts';

const ID = '0198b2c4-0000-7000-8000-000000000001';

it.each([
  [`/approve ${ID}`, { decision: 'approve', id: ID }],
  [` /deny ${ID.toUpperCase()}\n`, { decision: 'deny', id: ID }],
  ['/approve', { decision: 'approve', id: '' }],
  ['/Deny 0198', { decision: 'deny', id: '0198' }],
  ['/approve@sigil_bot 0198b2c4', { decision: 'approve', id: '0198b2c4' }],
])('%s', (message, words) => {
  expect(approvalWords(message)).toEqual(words);
});

it.each([
  'approve 0198',
  '/approved 0198',
  '/approve it please',
  '/approve 0198 and more',
  `/approve ${ID}0`,
  'I would /approve 0198',
  '',
])('is none: %s', (message) => {
  expect(approvalWords(message)).toBeNull();
});
