// SPDX-License-Identifier: Apache-2.0
// The kinds of provider and channel this version can make: what the config is checked against.

import type { KnownTypes } from '../config/entries.ts';
import { PROVIDER_TYPES } from '../providers/registry.ts';

export const knownTypes: KnownTypes = { providerTypes: PROVIDER_TYPES, channelTypes: [] };
