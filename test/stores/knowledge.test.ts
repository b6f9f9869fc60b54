// SPDX-License-Identifier: Apache-2.0
// The knowledge store in one process and over the bus.

import { expect, it } from 'vitest';
import { knowledgeContract } from './knowledge-contract.ts';
import { codeOf, inOneProcess, overTheBus } from './workspace-stores.ts';

knowledgeContract('in one process', () => inOneProcess());
knowledgeContract('over the bus', () => overTheBus());

it('answers nothing once it is closed', async () => {
  const stores = await inOneProcess();
  await stores.knowledge.close();
  await stores.values.close();
  expect(await codeOf(stores.knowledge.findFacts('home'))).toBe('draining');
  expect(await codeOf(stores.knowledge.putEntity('home', { id: 'a', type: 't', name: 'n' }))).toBe('draining');
  expect(await codeOf(stores.values.set({ workspaceId: 'home', plugin: 'p' }, 'k', 'v'))).toBe('draining');
  await stores.close();
});
