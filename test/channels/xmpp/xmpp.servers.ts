// SPDX-License-Identifier: Apache-2.0
// The XMPP adapter against prosody: the suite, and what is XMPP's alone.

import { adapterSuite } from '../adapter-suite.ts';
import { platform } from './platform.ts';

adapterSuite(platform);
