// SPDX-License-Identifier: Apache-2.0
// Skills for tests, with whatever is left out.

import type { Skill } from '../../../src/agent/skills/skill.ts';

export function skill(name: string, more: Partial<Skill> = {}): Skill {
  return {
    ...{ name, description: `About ${name}.`, license: undefined, compatibility: undefined, metadata: {} },
    ...{ allowedTools: [], trigger: { on: 'model' }, body: `Body of ${name}.`, warnings: [] },
    ...{ place: 'homelab', stale: null, ...more },
  };
}
