// SPDX-License-Identifier: Apache-2.0
// What a rule of the simulator tells when it is broken.

/** @param rule its name; @param text what was seen, in a sentence */
export type Broke = (rule: string, text: string) => void;
