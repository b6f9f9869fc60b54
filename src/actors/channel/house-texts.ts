// SPDX-License-Identifier: Apache-2.0
// What the house says: the texts of commands and their answers, and of those who ask to be let in.

import { shortId } from '../../stores/directory-pairings.ts';
import type { StoredPairing } from '../../stores/directory-records.ts';
import type { SessionCommanded } from '../session/protocol.ts';
import type { Admitted } from './admission.ts';
import { CHAT_COMMANDS, type ChatCommand } from './chat-command.ts';

/** What is told of a name somebody gave themselves, in UTF-16 units. */
const SHOWN_NAME = 60;
/** What is shown of an id, in UTF-16 units. */
const SHOWN_ID = 120;
/** What somebody who asks to be let in is told. */
export const REQUEST_SENT = 'Your request was sent. You hear from me when you are let in.';
/** What they are told then, whoever lets them in and from where. */
export const LET_IN = 'You are let in. Write what you want to know, or /help.';
/** There is nothing to approve or deny. */
export const NOTHING_WAITS = 'Nothing waits for your answer under that name.';

/** Why somebody may not use a command, or null. */
export function forbiddenTo({ role, direct }: Admitted, { name }: ChatCommand): string | null {
  if (role !== 'guest') return null;
  if (name === 'answer') return 'A guest approves nothing; an owner or admin does.';
  if (name === 'model') return 'A guest cannot choose the model.';
  if (name === 'new' && !direct) return 'A guest cannot begin this conversation anew for everybody.';
  return null;
}

/** Which commands somebody has. */
export function helpText(admitted: Admitted): string {
  const may = CHAT_COMMANDS.filter(({ word }) => {
    const name = word === 'approve' || word === 'deny' ? 'answer' : word;
    return word !== 'pair' && forbiddenTo(admitted, { name } as ChatCommand) === null;
  });
  return [
    'Write to me, or:',
    ...may.map(({ word, takes, does }) => `/${word}${takes === '' ? '' : ` ${takes}`}: ${does}`),
  ].join('\n');
}

/** What came of a command. */
export function commandedText(what: SessionCommanded['what'], admitted: Admitted): string {
  switch (what.did) {
    case 'new':
      return 'A new conversation. What was said before is kept.';
    case 'stop':
      if (what.status === 'not_yours') return 'That answers somebody else; they or an admin can stop it.';
      return what.status === 'idle' ? 'Nothing runs.' : 'Stopping.';
    case 'status': {
      const { model, running, waiting, asked } = what;
      const work = running
        ? asked > 0
          ? `${asked} calls wait for an answer`
          : 'a reply is being made'
        : 'nothing runs';
      const more = waiting === 0 ? '' : `, ${waiting} messages wait`;
      return [
        `You are ${admitted.user_id} (${admitted.role}) in workspace ${admitted.workspace_id}.`,
        `Model: ${model === '' ? 'none can be asked' : model}. Now ${work}${more}.`,
      ].join('\n');
    }
    case 'model':
      if (what.chosen) return `Model: ${what.model}, chosen for this conversation.`;
      return what.model === '' ? 'Model: as configured.' : `Model: ${what.model}, as configured.`;
    case 'answer':
      return answerText(what, 'approve');
    default:
      return what satisfies never;
  }
}

type Given = Pick<Extract<SessionCommanded['what'], { did: 'answer' }>, 'status' | 'tool' | 'ids'>;

/** What came of an answer to a request for approval. */
export function answerText({ status, tool, ids }: Given, decision: 'approve' | 'deny'): string {
  switch (status) {
    case 'taken':
      return decision === 'approve' ? `${tool} is allowed.` : `${tool} is not allowed.`;
    case 'none':
      return NOTHING_WAITS;
    case 'which':
      return whichText(ids);
    case 'not_yours':
      return 'That is for whoever asked, or an admin, to decide.';
    default:
      return status satisfies never;
  }
}

/** Several wait, and nobody said which is meant. */
export function whichText(ids: readonly string[]): string {
  return `${ids.length} requests wait; say which: ${ids.slice(0, 5).map(shortId).join(', ')}.`;
}

/** What owners are told of somebody who asks to be let in. */
export function requestText(pairing: StoredPairing): string {
  const id = shortId(pairing.id);
  const where = pairing.workspace_id === '' ? '' : ` to the workspace ${pairing.workspace_id}`;
  return `${namedAs(pairing)} asks on ${pairing.channel} to be let in${where}. /approve ${id} or /deny ${id}`;
}

/** Who a pairing is about, as people are shown them. The name is theirs to choose. */
export function namedAs({ display_name, platform_id, channel_type }: StoredPairing): string {
  // What a name could mean as Markdown is taken out of it.
  const name = display_name
    .replace(/[^\p{L}\p{M}\p{N} .'-]/gu, '')
    .slice(0, SHOWN_NAME)
    .trim();
  // There are platforms where a part of the id is theirs to choose as well: it is shown as code, where nothing is a mark.
  const id = platform_id.replace(/[\p{C}\p{Z}`]+/gu, ' ').slice(0, SHOWN_ID);
  return `${name === '' ? 'Somebody' : `“${name}”`} (${channel_type} \`${id}\`)`;
}
