// SPDX-License-Identifier: Apache-2.0
// Where a thread of this role begins. Chat channels, and what else waits for the world.

import { beginThread } from '../composition/begin-thread.ts';
import { startIo } from '../composition/io-role.ts';

await beginThread(startIo);
