// SPDX-License-Identifier: Apache-2.0
// Where a thread of this role begins. The views: what is read, made from the journal.

import { beginThread } from '../composition/begin-thread.ts';
import { startViews } from '../composition/views-role.ts';

await beginThread(startViews);
