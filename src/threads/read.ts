// SPDX-License-Identifier: Apache-2.0
// Where a thread of this role begins. Questions about what is stored.

import { beginThread } from '../composition/begin-thread.ts';
import { startRead } from '../composition/read-role.ts';

await beginThread(startRead);
