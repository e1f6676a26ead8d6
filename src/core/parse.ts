import { z } from 'zod';
import { InvalidInput } from './errors.ts';
import { encodeId, type IdType, uuidOf } from './ids.ts';

/** Reads an input by its schema; a verb's second line. Says everything that is wrong, and where. */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new InvalidInput(
    result.error.issues.map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message })),
  );
}

/** A public id of this type, read as the uuid in it. */
export function idOf(type: IdType) {
  return z.string().transform((id, check) => {
    const uuid = uuidOf(type, id);
    if (uuid) return uuid;
    check.addIssue({
      code: 'custom',
      message: `Must be the id of a ${type}, such as ${encodeId(type, exampleUuid)}.`,
    });
    return z.NEVER;
  });
}

const exampleUuid = '01980000-0000-7000-8000-000000000000';

/** Text without surrounding space; PostgreSQL stores no NUL, so neither do we. */
export function text(max: number) {
  return z
    .string()
    .trim()
    .min(1, 'Must not be empty.')
    .max(max, `Must be at most ${max} characters.`)
    .refine((value) => !value.includes('\0'), 'Must not contain a NUL character.')
    .refine((value) => value.isWellFormed(), 'Must be well-formed Unicode.');
}

/** An optional field of an update: absent leaves the value, null clears it. An empty text clears as well. */
export function clearable<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess(
    (value) => (typeof value === 'string' && value.trim() === '' ? null : value),
    schema.nullish(),
  );
}

export const emailAddress = z
  .string()
  .trim()
  .toLowerCase()
  .max(254, 'Must be at most 254 characters.')
  .pipe(z.email('Must be an e-mail address, such as ada@example.com.'));

const zones = new Set(Intl.supportedValuesOf('timeZone'));

/** An IANA zone; links such as `Asia/Calcutta` and `UTC` are valid too. */
export const timeZone = z.string().refine(isTimeZone, 'Must be an IANA time zone, such as Europe/Berlin.');

function isTimeZone(name: string): boolean {
  if (zones.has(name)) return true;
  if (/^[+-]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Repeats answer the first effect again; see `write`. */
export const idempotencyKey = text(255).nullish();

/** Years that every part of the system can write, with room for what is added to and taken from them. */
function inCalendar(what: string) {
  const message = 'Must be between the years 1000 and 9000.';
  return z
    .date({ message: `Must be ${what}.` })
    .min(new Date('1000-01-01'), message)
    .max(new Date('9000-01-01'), message);
}

export const instant = inCalendar('a date and time');
/** A day without time or zone, at midnight UTC. */
export const day = inCalendar('a date');

const countries = new Set(
  `
  AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT
  BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH
  ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT
  HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS
  LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI
  NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG
  SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG
  UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
`
    .trim()
    .split(/\s+/),
);

/** ISO 3166-1 alpha-2. */
export const countryCode = z
  .string()
  .refine((code) => countries.has(code), 'Must be an ISO 3166-1 country code, such as DE.');
