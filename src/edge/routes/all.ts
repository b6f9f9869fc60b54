// SPDX-License-Identifier: Apache-2.0
// All routes in one list.

import type { EdgeContext } from '../context.ts';
import type { Route } from '../exchange.ts';
import { chatRoutes } from './chat.ts';
import { debugRoutes } from './debug.ts';
import { memoryRoutes } from './memory.ts';
import { sessionRoutes } from './sessions.ts';
import { systemRoutes } from './system.ts';
import { turnRoutes } from './turns.ts';

export function allRoutes(edge: EdgeContext): readonly Route[] {
  return [
    ...systemRoutes(edge),
    ...chatRoutes(edge),
    ...turnRoutes(edge),
    ...sessionRoutes(edge),
    ...memoryRoutes(edge),
    ...debugRoutes(edge),
  ];
}
