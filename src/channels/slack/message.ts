// SPDX-License-Identifier: Apache-2.0
// A text as a message of Slack: blocks are what is shown, mrkdwn is what notifications and old programs show.

import type { ParseMarkdown } from '../text/document.ts';
import { markedText, SLACK_MRKDWN } from '../text/marked-text.ts';
import { type SlackRichText, slackBlocks } from '../text/slack-blocks.ts';

/** A message may have 40,000, but no more than this can be changed (https://docs.slack.dev/reference/methods/chat.update). */
export const MAX_TEXT = 4_000;
/** So much of a text has room for itself when every character of it is written as an entity of five. */
const EXCERPT = MAX_TEXT / 5 - 1;

export interface SlackMessage {
  /** Beside blocks; at most {@link MAX_TEXT}. */
  readonly text: string;
  /** Without blocks. */
  readonly full: string;
  readonly blocks: readonly SlackRichText[];
}

export function shownAs(markdown: string, parse: ParseMarkdown): SlackMessage {
  const document = parse(markdown);
  // What says nothing once it is rendered (a definition of a link, say) is shown as it is written.
  const full = markedText(document, SLACK_MRKDWN).trim() || SLACK_MRKDWN.escape(markdown);
  const text = full.length <= MAX_TEXT ? full : `${SLACK_MRKDWN.escape(markdown.slice(0, EXCERPT).toWellFormed())}…`;
  return { text, full, blocks: slackBlocks(document) };
}
