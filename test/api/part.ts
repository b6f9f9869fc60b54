// SPDX-License-Identifier: Apache-2.0
// A part of the walk: the operations of one tag, called in an order in which each finds what it needs.

import type { Stage } from './stage.ts';
import type { Walk } from './walk.ts';

export type Part = (walk: Walk, stage: Stage) => Promise<void>;
