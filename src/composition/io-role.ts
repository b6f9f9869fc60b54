// SPDX-License-Identifier: Apache-2.0
// An I/O thread: home of chat channels, plugins and nodes. None is configured that this version can make, so it only answers its door.

import type { StartRole } from './role.ts';

export const startIo: StartRole = async () => ({ drain: (done) => done(), close: () => undefined });
