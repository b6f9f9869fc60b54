// SPDX-License-Identifier: Apache-2.0
// The kinds of provider and channel this version can make: what the config is checked against.

import type { KnownTypes } from '../config/entries.ts';
import { KEY_VARIABLES, PROVIDER_TYPES, WITHOUT_ADDRESS } from '../providers/registry.ts';
import { CHANNEL_TYPES } from './channel-types.ts';
import { PUBLISHED } from './published.ts';

/** See `testChannels`. */
function hasTestChannels(): boolean {
  return !PUBLISHED && (process.env['SIGIL_TEST_CHANNELS'] ?? '') !== '';
}

export const knownTypes: KnownTypes = {
  providerTypes: PROVIDER_TYPES,
  providerKeys: KEY_VARIABLES,
  providersWithoutAddress: WITHOUT_ADDRESS,
  channelTypes: CHANNEL_TYPES,
  // What the adapters of tests take of an entry is theirs to say.
  channelSettings: async (type) =>
    hasTestChannels() ? undefined : (await import('./channel-settings.ts')).channelSettings(type),
};
