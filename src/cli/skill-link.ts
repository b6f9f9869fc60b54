// SPDX-License-Identifier: Apache-2.0
// `sigil skill link NAME --to W`: gives another workspace a skill that stays where it is.

import { moveSkill } from './skill-move.ts';

export const run = moveSkill({ link: true, done: 'linked' });
