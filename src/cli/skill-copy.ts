// SPDX-License-Identifier: Apache-2.0
// `sigil skill copy NAME --to W`: puts a copy of a skill into another workspace.

import { moveSkill } from './skill-move.ts';

export const run = moveSkill({ link: false, done: 'copied' });
