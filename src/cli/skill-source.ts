// SPDX-License-Identifier: Apache-2.0
// What the commands about skills share: the gateway that is asked, or where none runs the files themselves.

import { createReadStream, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { SkillDetail, SkillGone, SkillItem, SkillKeeping, SkillPut } from '../agent/skills/keeping.ts';
import { CliError, wrongUsage } from './cli-error.ts';
import { GatewayClient, type RequestExtras } from './client.ts';
import type { Call } from './command.ts';
import { configOf } from './config-source.ts';
import { dataDirOf, namedUrl, routeTo, socketOf } from './connect.ts';
import { parsed } from './json-reading.ts';
import { listOf, withQuery } from './pages.ts';

const MOST = 10_000;
const PATH = '/api/v1/skills';
/** Whose skills a command is about where no gateway can say who asks. */
const OWN = 'personal:owner';
const PLACE = /^(?:@shared|[a-z0-9][a-z0-9:_-]{0,63})$/;

/** What the commands do, wherever it is done. */
export interface SkillSource {
  list(): Promise<readonly SkillItem[]>;
  show(name: string): Promise<SkillDetail>;
  install(path: string, about: { readonly name: string | undefined; readonly replace: boolean }): Promise<SkillPut>;
  copy(name: string, to: string, how: { readonly link: boolean; readonly replace: boolean }): Promise<SkillPut>;
  remove(name: string): Promise<SkillGone>;
}

/** The workspace an option names. @throws CliError `wrong_usage` */
export function placeOption(call: Call, option: 'workspace' | 'to'): string | undefined {
  const value = call.value(option);
  if (value === undefined || PLACE.test(value)) return value;
  throw wrongUsage(`--${option} names no workspace.`, 'Write its id, or @shared for the skills of all.');
}

/** A place in a sentence. */
export function placeWords(place: string): string {
  return place === '@shared' ? 'the shared skills' : place;
}

/**
 * Skills by way of the gateway that is named or runs in the data directory. Where none runs this process does it itself, and
 * notes what it changes in the audit with the directory locked meanwhile.
 */
export function skillSource(call: Call): SkillSource {
  const { composition } = call;
  const place = placeOption(call, 'workspace');
  const url = namedUrl(call);
  const target =
    url === undefined
      ? ({ kind: 'socket', path: socketOf(dataDirOf(call)) } as const)
      : ({ kind: 'url', url } as const);
  const client = new GatewayClient(routeTo(call, target));
  const local = async () => {
    const { config } = await configOf(call);
    const dataDir = dataDirOf(call);
    return { config, dataDir, keeping: (await composition.skills()).atHand(config, dataDir) };
  };
  const asked = async <T>(ask: () => Promise<unknown>, otherwise: (own: SkillKeeping) => Promise<T>): Promise<T> => {
    try {
      return (await ask()) as T;
    } catch (thrown) {
      if (url !== undefined || !(thrown instanceof CliError) || thrown.code !== 'not_running') throw thrown;
      return await otherwise((await local()).keeping);
    }
  };
  const changed = <T>(ask: () => Promise<unknown>, change: (own: SkillKeeping, note: Note) => Promise<T>): Promise<T> =>
    asked(ask, async (keeping) => {
      const { config, dataDir } = await local();
      return await (await composition.dataKeeping()).audited({ dataDir, config }, (note) =>
        change(keeping, (action, details, to, result) =>
          note(action, { ...details, place: to }, result, to === '@shared' ? '' : to),
        ),
      );
    });
  const query = { workspace: place };
  const of = (name: string): string => `${PATH}/${encodeURIComponent(name)}`;
  return {
    list: () =>
      asked(
        async () => (await listOf(client, PATH, MOST, query)).items,
        (keeping) => keeping.list(place ?? OWN),
      ),
    show: (name) =>
      asked(
        () => client.get(withQuery(of(name), query)),
        (keeping) => keeping.show(place ?? OWN, name),
      ),
    install: (path, { name, replace }) =>
      changed(
        async () => {
          const to = withQuery(PATH, { ...query, name, replace: replace ? 'true' : undefined });
          const extras = await bodyOf(call, path);
          const chunks: Buffer[] = [];
          for await (const chunk of await client.open('POST', to, extras)) chunks.push(chunk as Buffer);
          return parsed(Buffer.concat(chunks).toString('utf8'));
        },
        (keeping, note) => keeping.install({ kind: 'path', path }, { place: place ?? OWN, name, replace }, note),
      ),
    copy: (name, to, { link, replace }) =>
      changed(
        () => client.post(withQuery(`${of(name)}/copy`, query), { to, link, replace }),
        (keeping, note) => {
          const move = { name, from: place ?? OWN, to, replace };
          return link ? keeping.link(move, note) : keeping.copy(move, note);
        },
      ),
    remove: (name) =>
      changed(
        () => client.delete(withQuery(of(name), query)),
        (keeping, note) => keeping.remove(place ?? OWN, name, note),
      ),
  };
}

type Note = Parameters<SkillKeeping['remove']>[2];

/** What is sent of a path: an archive as it is, a folder as one. @throws CliError `not_found` */
async function bodyOf({ composition }: Call, path: string): Promise<RequestExtras> {
  const found = statSync(path, { throwIfNoEntry: false });
  const send = (stream: Readable, type: string): RequestExtras => ({
    stream,
    headers: { 'content-type': type, accept: 'application/json' },
  });
  if (found?.isDirectory() === true) return send(await (await composition.skills()).pack(path), 'application/x-tar');
  if (found?.isFile() === true) return send(createReadStream(path), 'application/octet-stream');
  throw new CliError(
    'not_found',
    `${path} is neither a folder nor a file.`,
    'Name a skill’s folder, or an archive of one.',
  );
}
