// SPDX-License-Identifier: Apache-2.0
// Where a thread of this role begins. A lane: sessions and their turns.

import { beginThread } from '../composition/begin-thread.ts';
import { startLane, warmLane } from '../composition/lane-role.ts';

await beginThread(startLane, warmLane);
