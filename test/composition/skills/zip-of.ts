// SPDX-License-Identifier: Apache-2.0
// A zip archive, written by hand so that it can hold what no program would put in it (APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16).

import { crc32 } from 'node:zlib';

const LINK = (0o120777 << 16) >>> 0;
const FILE = (0o100644 << 16) >>> 0;

/** @param links names of links with where they lead */
export function zipOf(files: Readonly<Record<string, string>>, links: Readonly<Record<string, string>> = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  const put = (name: string, text: string, attributes: number): void => {
    const [path, content] = [Buffer.from(name), Buffer.from(text)];
    // Version, flags, method (stored), time, date, checksum, both sizes, lengths of name and extras: the same in both headers.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(path.length, 22);
    parts.push(Buffer.from('PK\x03\x04'), common, path, content);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(attributes, 6);
    rest.writeUInt32LE(offset, 10);
    // Made on Unix, whose modes stand in the attributes.
    directory.push(Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), common, rest, path);
    offset += 30 + path.length + content.length;
  };
  for (const [name, text] of Object.entries(files)) put(name, text, FILE);
  for (const [name, to] of Object.entries(links)) put(name, to, LINK);
  const central = Buffer.concat(directory);
  const count = Object.keys(files).length + Object.keys(links).length;
  const end = Buffer.alloc(18);
  end.writeUInt16LE(count, 4);
  end.writeUInt16LE(count, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, central, Buffer.from('PK\x05\x06'), end]);
}
