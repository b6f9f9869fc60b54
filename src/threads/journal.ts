// SPDX-License-Identifier: Apache-2.0
// Where a thread of this role begins. The journal: the one that writes it.

import { beginThread } from '../composition/begin-thread.ts';
import { startJournal } from '../composition/journal-role.ts';

await beginThread(startJournal);
