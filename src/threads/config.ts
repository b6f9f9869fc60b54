// SPDX-License-Identifier: Apache-2.0
// Where the worker begins that reads a changed configuration.

import { rootPort } from '../composition/begin-thread.ts';
import { runConfigJob } from '../composition/reload/config-thread.ts';

runConfigJob(rootPort());
