// SPDX-License-Identifier: Apache-2.0
// Somebody on XMPP, with a client of their own.

import { type Client, client, xml } from '@xmpp/client';
import type { Element } from '@xmpp/xml';
import { until } from '../../edge/client.ts';
import { DOMAIN, PASSWORD, ROOM } from './prosody.ts';

export class Person {
  readonly xmpp: Client;
  readonly stanzas: Element[] = [];
  readonly errors: Error[] = [];
  #said = 0;

  private constructor(xmpp: Client) {
    this.xmpp = xmpp;
  }

  static async connect(port: number, name: string): Promise<Person> {
    const service = `xmpp://127.0.0.1:${port}`;
    const xmpp = client({ service, domain: DOMAIN, resource: 'phone', username: name, password: PASSWORD });
    xmpp.reconnect.stop();
    const person = new Person(xmpp);
    xmpp.on('error', (error: Error) => person.errors.push(error));
    xmpp.on('stanza', (stanza: Element) => person.stanzas.push(stanza));
    // The library counts wrongly what comes while it enables acknowledgements: nothing is asked for until it has.
    const { promise: enabled, resolve } = Promise.withResolvers<void>();
    xmpp.on('nonza', (nonza: Element) => nonza.is('enabled') && setImmediate(resolve));
    await xmpp.start();
    await enabled;
    await xmpp.send(xml('presence'));
    await xmpp.send(
      xml(
        'presence',
        { to: `${ROOM}/${name}` },
        xml('x', 'http://jabber.org/protocol/muc', xml('history', { maxstanzas: '0' })),
      ),
    );
    await person.sees((stanza) => stanza.name === 'presence' && stanza.attrs['from'] === `${ROOM}/${name}`);
    return person;
  }

  async say(
    to: string,
    text: string,
    { room = false, id = `${this.xmpp.jid?.local}-${++this.#said}`, more = [] as Element[] } = {},
  ): Promise<string> {
    if (this.errors.length > 0) throw this.errors[0];
    await this.xmpp.send(xml('message', { to, type: room ? 'groupchat' : 'chat', id }, xml('body', {}, text), ...more));
    return id;
  }

  async sees(what: (stanza: Element) => boolean): Promise<Element> {
    await until(() => this.stanzas.some(what));
    const found = this.stanzas.find(what);
    if (found === undefined) throw new Error('it was there');
    return found;
  }
}
