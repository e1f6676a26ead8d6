import { v7 } from 'uuid';

/**
 * Public ids: the type's prefix and the row's uuid v7 in Crockford's base32 (`cus_01kb…`), as TypeID
 * writes them. They sort by time, and the same string stands in GraphQL, REST, webhooks and exports.
 * In the database an id is the bare uuid.
 */
export const prefixes = {
  Workspace: 'wsp',
  User: 'usr',
  Team: 'team',
  ApiKey: 'key',
  StaffMember: 'stf',
  Resource: 'res',
  Service: 'svc',
  Customer: 'cus',
  ClassSession: 'ses',
  Booking: 'bkg',
  Payment: 'pay',
  Tag: 'tag',
  Activity: 'act',
} as const;

export type IdType = keyof typeof prefixes;

const typeOfPrefix = new Map(
  Object.entries(prefixes).map(([type, prefix]) => [prefix as string, type as IdType]),
);

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const digitOf = new Map([...alphabet].map((letter, value) => [letter, BigInt(value)]));

/** A new uuid v7: sorts by the time it was made. */
export function newId(): string {
  return v7();
}

/** Every ten bits as two letters, and the value of a hexadecimal digit by its code: an id stands on almost every object. */
const pairs = Array.from({ length: 1_024 }, (_, n) => `${alphabet[n >> 5]}${alphabet[n & 31]}`);
const nibbles = new Uint8Array(128);
for (let n = 0; n < 16; n++) nibbles[n.toString(16).charCodeAt(0)] = nibbles[n.toString(16).toUpperCase().charCodeAt(0)] = n;

/** `('Customer', uuid)` -> `cus_…`; the uuid with its hyphens, which may begin further on in the text. */
export function encodeId(type: IdType, text: string, at = 0): string {
  const digit = (n: number) => nibbles[text.charCodeAt(at + n)] as number;
  const four = (a: number, b: number, c: number, d: number, e: number) => {
    const bits = (digit(a) << 16) | (digit(b) << 12) | (digit(c) << 8) | (digit(d) << 4) | digit(e);
    return `${pairs[bits >> 10]}${pairs[bits & 1_023]}`;
  };
  return `${prefixes[type]}_${pairs[(digit(0) << 4) | digit(1)]}${four(2, 3, 4, 5, 6)}${four(7, 9, 10, 11, 12)}${four(14, 15, 16, 17, 19)}${four(20, 21, 22, 24, 25)}${four(26, 27, 28, 29, 30)}${four(31, 32, 33, 34, 35)}`;
}

/** The type and uuid of a public id, or null when it is not one. */
export function decodeId(id: string): { type: IdType; uuid: string } | null {
  const split = id.lastIndexOf('_');
  const type = typeOfPrefix.get(id.slice(0, split));
  const text = id.slice(split + 1);
  if (!type || text.length !== 26) return null;
  let value = 0n;
  for (const letter of text) {
    const digit = digitOf.get(letter);
    if (digit === undefined) return null;
    value = (value << 5n) | digit;
  }
  if (value >> 128n) return null;
  const hex = value.toString(16).padStart(32, '0');
  return { type, uuid: hyphenated(hex) };
}

/** The uuid of a public id of this type, or null. */
export function uuidOf(type: IdType, id: string): string | null {
  const decoded = decodeId(id);
  return decoded?.type === type ? decoded.uuid : null;
}

function hyphenated(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
