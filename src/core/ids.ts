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
  Upload: 'upl',
  BulkOperation: 'bulk',
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

/** `('Customer', uuid)` -> `cus_…` */
export function encodeId(type: IdType, uuid: string): string {
  const hex = uuid.replaceAll('-', '');
  // 128 bits in 26 digits of five: the first 8 bits make two digits, then 5 hex digits make four.
  let text = pair(Number.parseInt(hex.slice(0, 2), 16));
  for (let i = 2; i < 32; i += 5) {
    const bits = Number.parseInt(hex.slice(i, i + 5), 16);
    text += pair(bits >> 10) + pair(bits & 1023);
  }
  return `${prefixes[type]}_${text}`;
}

const pair = (bits: number) => `${alphabet[bits >> 5]}${alphabet[bits & 31]}`;

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
