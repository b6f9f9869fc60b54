// SPDX-License-Identifier: Apache-2.0
// All checks of `sigil doctor`, in the order of its report. A new one is a file beside this and a line here.

import type { Check } from '../../cli/doctor-check.ts';
import { channelsCheck } from './channels.ts';
import { configCheck } from './config.ts';
import { databasesCheck } from './databases.ts';
import { directoryCheck } from './directory.ts';
import { lockCheck } from './lock.ts';
import { clockCheck, limitsCheck, tailscaleCheck, toolsCheck } from './machine.ts';
import { networkCheck } from './network.ts';
import { nodeCheck } from './node.ts';
import { providersCheck } from './providers.ts';
import { sandboxCheck } from './sandbox.ts';
import { spaceCheck } from './space.ts';
import { tokenCheck } from './token.ts';
import { vectorsCheck } from './vectors.ts';
import { viewsCheck } from './views.ts';

export const CHECKS: readonly Check[] = [
  nodeCheck,
  clockCheck,
  limitsCheck,
  configCheck,
  directoryCheck,
  spaceCheck,
  lockCheck,
  tokenCheck,
  networkCheck,
  databasesCheck,
  viewsCheck,
  vectorsCheck,
  providersCheck,
  channelsCheck,
  toolsCheck,
  sandboxCheck,
  tailscaleCheck,
];
