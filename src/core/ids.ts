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
  Segment: 'seg',
  TagRule: 'tru',
  LeadScoreRule: 'lsr',
  LeadScoreEntry: 'lse',
  IntegrationConnection: 'conn',
  Delivery: 'dlv',
  IntegrationCall: 'call',
  IntegrationDrift: 'drift',
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

const letters = Uint8Array.from(alphabet, (letter) => letter.charCodeAt(0));
/** The value of a hexadecimal digit by its code. */
const nibbles = new Uint8Array(256);
for (const digits of ['0123456789abcdef', '0123456789ABCDEF'])
  for (let n = 0; n < 16; n++) nibbles[digits.charCodeAt(n)] = n;

const bytes = Buffer.alloc(36);

/** `('Customer', uuid)` -> `cus_…` */
export function encodeId(type: IdType, uuid: string): string {
  bytes.write(uuid, 'latin1');
  return `${prefixes[type]}_${idDigits(bytes, 0)}`;
}

/**
 * What stands behind the prefix for the uuid, with its hyphens, that begins here in the bytes of a text. Written out, as
 * an id stands on almost every object: two letters for the first byte, and four for each five digits behind it. From
 * bytes, since to look at the characters of a text takes three times as long.
 */
export function idDigits(text: Uint8Array, at: number): string {
  const n = (digit: number) => nibbles[text[at + digit] as number] as number;
  const l = (bits: number) => letters[bits & 31] as number;
  const a = (n(0) << 4) | n(1);
  const b = (n(2) << 16) | (n(3) << 12) | (n(4) << 8) | (n(5) << 4) | n(6);
  const c = (n(7) << 16) | (n(9) << 12) | (n(10) << 8) | (n(11) << 4) | n(12);
  const d = (n(14) << 16) | (n(15) << 12) | (n(16) << 8) | (n(17) << 4) | n(19);
  const e = (n(20) << 16) | (n(21) << 12) | (n(22) << 8) | (n(24) << 4) | n(25);
  const f = (n(26) << 16) | (n(27) << 12) | (n(28) << 8) | (n(29) << 4) | n(30);
  const g = (n(31) << 16) | (n(32) << 12) | (n(33) << 8) | (n(34) << 4) | n(35);
  // biome-ignore format: a table
  return String.fromCharCode(
    l(a >> 5), l(a),
    l(b >> 15), l(b >> 10), l(b >> 5), l(b),
    l(c >> 15), l(c >> 10), l(c >> 5), l(c),
    l(d >> 15), l(d >> 10), l(d >> 5), l(d),
    l(e >> 15), l(e >> 10), l(e >> 5), l(e),
    l(f >> 15), l(f >> 10), l(f >> 5), l(f),
    l(g >> 15), l(g >> 10), l(g >> 5), l(g),
  );
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
