// SPDX-License-Identifier: Apache-2.0
// The parts of node the edge stands on. An `import` of node:http would load its fetch client too: 27 ms and 17 MB for nothing.

export const http = process.getBuiltinModule('node:http');
export const crypto = process.getBuiltinModule('node:crypto');
export const net = process.getBuiltinModule('node:net');
export const fs = process.getBuiltinModule('node:fs');
