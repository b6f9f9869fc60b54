// SPDX-License-Identifier: Apache-2.0
// Matrix as the suite's platform: people in rooms of a homeserver of ours.

import type { ConnectionOptions } from '../../../src/channels/connection-options.ts';
import { MatrixAdapter } from '../../../src/channels/matrix/adapter.ts';
import { matrixSettings } from '../../../src/channels/matrix/settings.ts';
import { until } from '../../edge/client.ts';
import type { Platform, PlatformUnderTest, Room, Seen } from '../platform.ts';
import { realWorld } from '../real-world.ts';
import { AGENT, type HomeEvent, Homeserver, TOKEN } from './homeserver.ts';

export const GROUP = '!harbour:local';

export interface MatrixPlatform extends Platform {
  readonly home: Homeserver;
  make(settings?: object, world?: ConnectionOptions['world']): MatrixAdapter;
  /** A person says something in their own room with the agent. */
  direct(name: string): string;
}

/** What a program shows of a text with a form. */
function readable(html: string): string {
  return html
    .replace(/<br>|<\/p>(?=<)|<\/pre>(?=<)/g, '\n')
    .replace(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}

export async function openPlatform(): Promise<MatrixPlatform> {
  const home = await Homeserver.open();
  home.room(GROUP, ['ada', 'bob', 'robot', 'admin']);
  const root = home.append(GROUP, '@bob:local', 'm.room.message', { msgtype: 'm.text', body: 'about the tides' });
  const direct = (name: string): string => {
    const roomId = `!with-${name}:local`;
    if (!home.rooms.has(roomId)) home.room(roomId, [name]);
    return roomId;
  };
  for (const name of ['ada', 'bob', 'admin']) direct(name);

  const room = ({ roomId, content }: HomeEvent): Room => {
    if (roomId !== GROUP) return 'direct';
    return content['m.relates_to']?.rel_type === 'm.thread' ? 'thread' : 'group';
  };
  const seen = (): readonly Seen[] => {
    const own = home.stream.filter(({ sender, type }) => sender === AGENT && type === 'm.room.message');
    const edits = own.filter(({ content }) => content['m.relates_to']?.rel_type === 'm.replace');
    return own
      .filter((event) => !edits.includes(event))
      .map((event) => {
        const edit = edits.findLast(({ content }) => content['m.relates_to'].event_id === event.event_id);
        const content = edit === undefined ? event.content : edit.content['m.new_content'];
        const raw: string = content.formatted_body ?? content.body;
        const file = home.media.get(content.url?.split('/').at(-1));
        const relation = event.content['m.relates_to'];
        const answered = relation?.is_falling_back === true ? undefined : relation?.['m.in_reply_to']?.event_id;
        return {
          id: event.event_id,
          room: room(event),
          raw,
          text: content.formatted_body === undefined ? content.body : readable(raw),
          ...(answered === undefined ? {} : { replyTo: answered }),
          attachments: file === undefined ? [] : [{ name: content.filename, size: file.data.length }],
        };
      });
  };

  const make = (settings: object = {}, world = realWorld.world): MatrixAdapter =>
    new MatrixAdapter({
      ...realWorld,
      world,
      settings: matrixSettings.parse({ homeserver: home.server.url, access_token: TOKEN, ...settings }),
    });

  return {
    home,
    make,
    direct,
    key: TOKEN,
    nowhere: '!nowhere:local',
    adapter: ({ wrongKey = false } = {}) => make(wrongKey ? { access_token: 'syt_another' } : {}),
    async say({ from, in: place, text, mention = false, replyTo, bot = false, attachment }) {
      const roomId = place === 'direct' ? direct(from) : GROUP;
      const answers = replyTo === undefined ? {} : { 'm.in_reply_to': { event_id: replyTo } };
      const thread =
        place === 'thread' ? { rel_type: 'm.thread', event_id: root, is_falling_back: replyTo === undefined } : {};
      const fallback = place === 'thread' && replyTo === undefined ? { 'm.in_reply_to': { event_id: root } } : {};
      const relation = { ...thread, ...fallback, ...answers };
      const content: Record<string, unknown> = {
        msgtype: bot ? 'm.notice' : 'm.text',
        body: mention ? `Sigil: ${text}` : text,
        'm.mentions': mention ? { user_ids: [AGENT] } : {},
        ...(Object.keys(relation).length === 0 ? {} : { 'm.relates_to': relation }),
      };
      if (attachment !== undefined) {
        const { name, mediaType, data } = attachment;
        const id = `file${home.media.size}`;
        home.media.set(id, { type: mediaType, name, data: Buffer.from(data) });
        const info = { mimetype: mediaType, size: data.length };
        Object.assign(content, { msgtype: 'm.file', filename: name, url: `mxc://local/${id}`, info });
      }
      return home.append(roomId, `@${from}:local`, 'm.room.message', content);
    },
    async edit(id, text) {
      const event = home.stream.find(({ event_id }) => event_id === id);
      if (event === undefined) throw new Error(`nobody said ${id}`);
      const words = { msgtype: 'm.text', body: text };
      const relation = { rel_type: 'm.replace', event_id: id };
      const content = { ...words, body: `* ${text}`, 'm.new_content': words, 'm.relates_to': relation };
      home.append(event.roomId, event.sender, 'm.room.message', content);
    },
    async redeliver(id) {
      const event = home.stream.find(({ event_id }) => event_id === id);
      if (event === undefined) throw new Error(`nobody said ${id}`);
      home.append(event.roomId, event.sender, event.type, event.content, { event_id: id });
    },
    async seen(count) {
      await until(() => seen().length >= count);
      return seen();
    },
    sawTyping: () => until(() => home.typing.length > 0),
    target: (place, from) =>
      place === 'direct'
        ? { channelId: direct(from) }
        : { channelId: GROUP, ...(place === 'thread' ? { threadId: root } : {}) },
    async limitNext(ms) {
      const body = { errcode: 'M_LIMIT_EXCEEDED', error: 'Too Many Requests', retry_after_ms: ms };
      home.answers.push(['/send/', { status: 429, body }]);
    },
    down: () => home.server.down(),
    up: () => home.server.up(),
    connections: async () => home.server.connections,
    close: () => home.close(),
  };
}

export const platform: PlatformUnderTest = {
  name: 'matrix',
  open: openPlatform,
  flood: 1_000,
  notApplicable: {},
};
