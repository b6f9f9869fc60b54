// SPDX-License-Identifier: Apache-2.0
// A worker of the house in which nothing is kept for the inspector: what T18 holds the house as it is against.

import './unwatched.ts';
import '../src/thread.ts';
