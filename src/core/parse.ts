import { z } from 'zod';
import { InvalidInput } from './errors.ts';
import { type IdType, encodeId, uuidOf } from './ids.ts';

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
    check.addIssue({ code: 'custom', message: `Must be the id of a ${type}, such as ${encodeId(type, exampleUuid)}.` });
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
  return z.preprocess((value) => (typeof value === 'string' && value.trim() === '' ? null : value), schema.nullish());
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

/** An instant between the years 1 and 9999, as GraphQL's DateTime hands it over. */
export const instant = z.date({ message: 'Must be a date and time.' });
