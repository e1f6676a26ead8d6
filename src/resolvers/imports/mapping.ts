import { z } from 'zod';
import { InvalidInput, type Issue } from '../../core/errors.ts';
import { timeZone } from '../../core/parse.ts';
import {
  compileValue,
  isObject,
  type Read,
  type Reading,
  type Row,
  Unreadable,
  type Value,
} from './transforms.ts';

/**
 * How a file becomes customers, bookings and payments, as data: each row has a customer, and may have a booking and a
 * payment. What stands in the places of values is described in transforms.ts.
 */

const value = z.unknown().transform((given) => given as Value);
const values = <Names extends readonly string[]>(...names: Names) =>
  z.strictObject(
    Object.fromEntries(names.map((name) => [name, value.optional()])) as Record<
      Names[number],
      z.ZodOptional<typeof value>
    >,
  );
/** Only rows in which the value is one of these texts. */
const when = z.strictObject({ value, in: z.array(z.string()).min(1) });

const fileFormat = z.strictObject({
  /** One character, or `whitespace` for columns apart by any number of spaces or tabs. */
  delimiter: z
    .union([z.literal('whitespace'), z.string().length(1, 'Must be one character, or "whitespace".')])
    .default(','),
  /** As TextDecoder knows it. */
  encoding: z
    .string()
    .max(40)
    .default('utf-8')
    .refine(isEncoding, 'Must be a text encoding, such as utf-8 or windows-1252.'),
  /** Names of the columns, where the file does not begin with them. */
  columns: z.array(z.string().min(1)).min(1).max(1_000).optional(),
});
export type FileFormat = z.output<typeof fileFormat>;

export const ImportMapping = z.strictObject({
  /** For people. */
  name: z.string().max(200).optional(),
  format: fileFormat.prefault({}),
  /** IANA zone of times that name none; the workspace's when left out. */
  timeZone: timeZone.optional(),
  /** Texts that mean that there is nothing; the empty text does anyway. */
  empty: z.array(z.string()).max(100).default([]),
  /** Rows that are not wanted, and why. */
  refuse: z
    .array(when.extend({ because: z.string().min(1).max(200) }))
    .max(50)
    .default([]),
  customer: values(
    ...[
      'externalId',
      'firstName',
      'lastName',
      'email',
      'phone',
      'companyName',
      'jobTitle',
      'website',
      'avatarUrl',
    ],
    ...[
      'bornOn',
      'country',
      'timeZone',
      'language',
      'referralSource',
      'source',
      'status',
      'lifecycleStage',
      'vip',
      'doNotContact',
    ],
  ),
  booking: values(
    ...[
      'externalId',
      'service',
      'staffMember',
      'resource',
      'startsAt',
      'endsAt',
      'durationMinutes',
      'status',
      'price',
    ],
    ...['currency', 'notes', 'bookedAt', 'cancelledAt', 'cancelReason', 'timeZone'],
  )
    .extend({ when: when.optional() })
    .optional(),
  payment: values('externalId', 'amount', 'currency', 'method', 'gateway', 'transactionId', 'paidAt')
    .extend({ when: when.optional() })
    .optional(),
  /** Of services that are made because a row names them. */
  newServices: z
    .strictObject({
      durationMinutes: z.int().min(1).max(527_040).default(60),
      capacity: z.int().min(1).max(10_000).default(1),
    })
    .prefault({}),
});
export type ImportMapping = z.output<typeof ImportMapping>;

/** Fields of ours by `customer.email`, with what the row says; only what the mapping names is there. */
export type Fields = Record<string, string | null>;

/** Why a row is refused. */
export interface Refusal {
  field: string;
  message: string;
}

export interface RowReader {
  /** The texts of a row, or why they cannot be had. `booking` and `payment` say whether the row has one. */
  read(row: Row): { fields: Fields; booking: boolean; payment: boolean } | Refusal[];
  /** The columns that a field, or all fields of a part, are made of; for people. */
  columnsOf(field: string): string;
}

/** Fits a mapping to the columns of a file. Throws an InvalidInput that says everything that does not fit, and where. */
export function compileMapping(mapping: ImportMapping, header: readonly string[]): RowReader {
  const issues: Issue[] = [];
  const reading = {
    header: new Map(header.map((name, at) => [name, at])),
    empty: new Set(mapping.empty),
    issues,
  };
  if (reading.header.size < header.length) {
    const twice = header.find((name, at) => header.indexOf(name) !== at);
    issues.push({ path: 'mapping', message: `The file has two columns "${twice}".` });
  }
  const columns = new Map<string, Set<string>>();
  const compile = (given: unknown, field: string, path = `mapping.${field}`): Read => {
    const used: Reading = { ...reading, columns: new Set() };
    columns.set(field, used.columns);
    return compileValue(given, path, used);
  };

  const fields: { field: string; part: 'customer' | 'booking' | 'payment'; read: Read }[] = [];
  const conditions: { part: 'booking' | 'payment'; field: string; read: Read; among: Set<string> }[] = [];
  for (const part of ['customer', 'booking', 'payment'] as const) {
    for (const [name, given] of Object.entries(mapping[part] ?? {})) {
      if (given === undefined) continue;
      const field = `${part}.${name}`;
      if (name === 'when' && part !== 'customer') {
        const { value, in: among } = given as z.output<typeof when>;
        conditions.push({ part, field, read: compile(value, field), among: new Set(among) });
      } else fields.push({ field, part, read: compile(given, field) });
    }
  }
  const refused = mapping.refuse.map(({ value, in: among, because }, at) => ({
    field: `refuse.${at}`,
    read: compile(value, `refuse.${at}`),
    among: new Set(among),
    because,
  }));
  for (const [part, needed] of [
    ['booking', ['service', 'startsAt']],
    ['payment', ['amount']],
  ] as const) {
    for (const name of needed) {
      if (isObject(mapping[part]) && (mapping[part] as Record<string, unknown>)[name] === undefined)
        issues.push({ path: `mapping.${part}.${name}`, message: 'Is needed.' });
    }
  }
  if (issues.length > 0) throw new InvalidInput(issues);

  const attempt = (row: Row, field: string, read: Read, refusals: Refusal[]): string | null => {
    try {
      return read(row);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      refusals.push({ field, message: error.message });
      return null;
    }
  };
  return {
    read(row) {
      const refusals: Refusal[] = [];
      for (const { field, read, among, because } of refused) {
        const text = attempt(row, field, read, refusals);
        if (among.has(text ?? '')) refusals.push({ field, message: because });
      }
      const has = {
        customer: true,
        booking: mapping.booking !== undefined,
        payment: mapping.payment !== undefined,
      };
      for (const { part, field, read, among } of conditions)
        has[part] = among.has(attempt(row, field, read, refusals) ?? '');
      const texts: Fields = {};
      for (const { field, part, read } of fields)
        if (has[part]) texts[field] = attempt(row, field, read, refusals);
      return refusals.length > 0 ? refusals : { fields: texts, booking: has.booking, payment: has.payment };
    },
    columnsOf(field) {
      const parts = [...columns].filter(([name]) => name === field || name.startsWith(`${field}.`));
      return [...new Set(parts.flatMap(([, used]) => [...used]))].join(', ');
    },
  };
}

function isEncoding(label: string): boolean {
  try {
    new TextDecoder(label);
    return true;
  } catch {
    return false;
  }
}
