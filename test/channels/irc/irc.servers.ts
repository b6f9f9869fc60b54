// SPDX-License-Identifier: Apache-2.0
// The IRC adapter against ngircd and inspircd: the suite, and what is IRC's alone.

import { adapterSuite } from '../adapter-suite.ts';
import { platforms } from './platform.ts';

for (const platform of platforms) adapterSuite(platform);
