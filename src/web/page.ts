// SPDX-License-Identifier: Apache-2.0
// A web page as a tool is given it, and who reads one.

/** A page that was read. */
export interface WebPage {
  /** Where it was found after all redirects. */
  readonly url: string;
  readonly status: number;
  /** Its media type, without parameters; empty when the server did not say. */
  readonly type: string;
  readonly title: string;
  /** What it says, as plain text. */
  readonly text: string;
  /** Whether more of it was there than is read. */
  readonly cut: boolean;
}

export interface WebPages {
  /**
   * Reads a page of the public internet.
   *
   * @throws SigilError `forbidden` for an address that is not public, `validation_failed` for one that is none or a page
   * that is no text, `tool_failed` when the server cannot be reached or answers nonsense
   */
  read(url: string, signal: AbortSignal): Promise<WebPage>;
}
