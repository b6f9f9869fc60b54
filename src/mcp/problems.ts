// SPDX-License-Identifier: Apache-2.0
// What went wrong with a server, in a sentence for people and models.

import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { plainLine } from './plain-text.ts';

/** Characters of a server's own words that are told. */
const WORDS_MOST = 500;

/** What thrown things say, causes included: `fetch failed` alone tells nothing. */
function wordsOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { cause } = thrown;
  if (cause === undefined) return thrown.message;
  const code = (cause as { readonly code?: unknown }).code;
  const inner = cause instanceof Error ? cause.message : '';
  const said = [typeof code === 'string' && !inner.includes(code) ? code : '', inner].filter((part) => part !== '');
  return said.length === 0 ? thrown.message : `${thrown.message} (${said.join(': ')})`;
}

function httpProblem(status: number): string | undefined {
  if (status === 401 || status === 403)
    return `it refuses our credentials (HTTP ${status}): correct its \`headers\` in the configuration`;
  if (status === 404) return 'it does not know our session, or there is nothing at this address (HTTP 404)';
  if (status === 429) return 'it has been asked too often (HTTP 429)';
  return status >= 500 ? `it has a problem of its own (HTTP ${status})` : undefined;
}

export function problemText(thrown: unknown): string {
  if (thrown instanceof StreamableHTTPError) {
    const known = httpProblem(thrown.code ?? 0);
    if (known !== undefined) return known;
  }
  if (thrown instanceof McpError) {
    if (thrown.code === ErrorCode.ConnectionClosed) return 'the connection was closed';
    if (thrown.code === ErrorCode.RequestTimeout) return 'it did not answer in time';
    return plainLine(thrown.message.replace(/^MCP error -?\d+: /, ''), WORDS_MOST);
  }
  return plainLine(wordsOf(thrown), WORDS_MOST);
}

/** Whether this says that nothing more is to be had over this connection. */
export function isLoss(thrown: unknown): boolean {
  if (thrown instanceof StreamableHTTPError) return thrown.code === 404;
  if (thrown instanceof McpError) return thrown.code === ErrorCode.ConnectionClosed;
  // What `fetch` throws when it reaches nobody.
  return thrown instanceof TypeError;
}
