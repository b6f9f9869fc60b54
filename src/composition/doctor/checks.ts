// SPDX-License-Identifier: Apache-2.0
// All checks of `sigil doctor`, in the order of its report. A new one is a file beside this and a line here.

import type { Check } from '../../cli/doctor-check.ts';
import { configCheck } from './config.ts';
import { databasesCheck } from './databases.ts';
import { directoryCheck } from './directory.ts';
import { lockCheck } from './lock.ts';
import { nodeCheck } from './node.ts';
import { sandboxCheck } from './sandbox.ts';
import { spaceCheck } from './space.ts';
import { vectorsCheck } from './vectors.ts';
import { viewsCheck } from './views.ts';

export const CHECKS: readonly Check[] = [
  nodeCheck,
  configCheck,
  directoryCheck,
  spaceCheck,
  lockCheck,
  databasesCheck,
  viewsCheck,
  vectorsCheck,
  sandboxCheck,
];
