import { DateTime } from 'luxon';
import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { BookingStatus } from '../../core/database.ts';
import { InvalidInput } from '../../core/errors.ts';
import { type Money, moneyInput } from '../../core/money.ts';
import { clearable, instant, text, timeZone } from '../../core/parse.ts';
import { maxMinutes } from '../bookings/slot.ts';
import { customerFields } from '../customers/customerFields.ts';
import { checkNamed, searchColumns } from '../customers/searchable.ts';
import { checkPaidAt, paymentFields } from '../payments/paymentFields.ts';
import type { Fields, ImportMapping, Refusal, RowReader } from './mapping.ts';
import type { Row } from './transforms.ts';

/** A row that may be imported: what each single verb would have accepted. Ids are given where it is written. */
export interface Wanted {
  row: number;
  /** Of the row: the external id of what has none of its own. */
  identity: string;
  customer: WantedCustomer;
  booking: WantedBooking | null;
  payment: WantedPayment | null;
}

export interface WantedCustomer {
  /** Rows with the same key are about the same customer. */
  key: string;
  externalId: string | null;
  email: string | null;
  /** Columns of the table by their names. */
  columns: Record<string, unknown>;
  /** What the event keeps beside it. */
  personal: Record<string, unknown>;
}

export interface WantedBooking {
  externalId: string;
  service: string;
  staffMember: string | null;
  resource: string | null;
  startsAt: Date;
  /** Null: as long as the service. */
  endsAt: Date | null;
  status: BookingStatus;
  price: Money | null;
  notes: string | null;
  /** Null when the file does not say. */
  bookedAt: Date | null;
  cancelledAt: Date | null;
  cancelReason: string | null;
  timeZone: string | null;
}

export interface WantedPayment {
  externalId: string;
  amount: Money;
  method: string;
  gateway: string | null;
  transactionId: string | null;
  paidAt: Date;
}

/** A row whose customer is known. */
export type Accepted = Wanted & { customerId: string };

/** When a customer is known since, as far as the row tells. */
export function knownSince({ booking, payment }: Wanted, now: Date): Date {
  const earliest = booking?.bookedAt ?? booking?.startsAt ?? payment?.paidAt ?? now;
  return earliest < now ? earliest : now;
}

const externalId = clearable(text(255));
const BookingRow = z.object({
  externalId,
  service: text(200),
  staffMember: clearable(text(200)),
  resource: clearable(text(200)),
  startsAt: instant,
  endsAt: instant.nullish(),
  durationMinutes: z.coerce
    .number('Must be a number of minutes.')
    .pipe(z.int().min(1, 'Must be at least 1 minute.').max(maxMinutes, 'Must be at most a year.'))
    .nullish(),
  status: z.enum(['PENDING', 'CONFIRMED', 'CANCELLED', 'COMPLETED', 'NO_SHOW']).nullish(),
  notes: clearable(text(5_000)),
  bookedAt: instant.nullish(),
  cancelledAt: instant.nullish(),
  cancelReason: clearable(text(1_000)),
  timeZone: clearable(timeZone),
});
const PaymentRow = z.object({
  ...paymentFields,
  externalId,
  method: paymentFields.method.nullish(),
});

const yes = new Set(['true', 'yes', 'y', '1', 'on']);
const no = new Set(['false', 'no', 'n', '0', 'off']);

/** Makes what a row says into what may be written, by the rules of the single verbs. */
export function createRowParser(
  ctx: Context,
  mapping: ImportMapping,
  reader: RowReader,
): (row: Row) => Wanted | Refusal[] {
  const CustomerRow = customerFields(ctx.workspace.country).omit({ ownerId: true, teamId: true });
  const PriceOfRow = priceOfRow(ctx.workspace.currency);
  const instants = createInstants(mapping.timeZone ?? ctx.workspace.timeZone);

  /** The fields of a part by their own names, read into what the schemas take. */
  function partOf(fields: Fields, part: string, refusals: Refusal[]): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const [field, text] of Object.entries(fields)) {
      if (!field.startsWith(part) || text === null) continue;
      const name = field.slice(part.length + 1);
      try {
        values[name] = name.endsWith('At')
          ? instants(text)
          : name === 'bornOn'
            ? new Date(`${text.slice(0, 10)}T00:00:00Z`)
            : name === 'vip' || name === 'doNotContact'
              ? truth(text)
              : text;
      } catch (error) {
        refusals.push({ field, message: (error as Error).message });
      }
    }
    return values;
  }

  function check<Schema extends z.ZodType>(
    schema: Schema,
    part: string,
    values: Record<string, unknown>,
    refusals: Refusal[],
  ): z.output<Schema> | null {
    const result = schema.safeParse(values);
    if (result.success) return result.data;
    for (const { path, message } of result.error.issues) {
      const [name = '', inside] = path.map(String);
      const field = `${part}.${inside === 'currency' ? inside : name}`;
      if (refusals.some((before) => before.field === field)) continue; // It could not even be read.
      refusals.push({ field, message: values[name] === undefined ? 'Is missing.' : message });
    }
    return null;
  }

  function customerOf(fields: Fields, identity: string, refusals: Refusal[]): WantedCustomer | null {
    const customer = check(CustomerRow, 'customer', partOf(fields, 'customer', refusals), refusals);
    if (!customer) return null;
    const { firstName = null, lastName = null, companyName = null, email = null, phone = null } = customer;
    const searchable = { firstName, lastName, companyName, email, phone };
    attempt('customer', refusals, () => checkNamed(searchable));
    const own = customer.externalId ?? (email ? null : identity);
    return {
      key: own ? `id ${own}` : `email ${email}`,
      externalId: own,
      email,
      columns: { ...customer, externalId: own, ...searchColumns(searchable) },
      personal: { ...searchable, source: customer.source ?? null },
    };
  }

  function bookingOf(fields: Fields, identity: string, refusals: Refusal[]): WantedBooking | null {
    const { price, currency, ...given } = partOf(fields, 'booking', refusals);
    const booking = check(BookingRow, 'booking', given, refusals);
    const money = price === undefined ? null : check(PriceOfRow, 'booking', { price, currency }, refusals);
    if (!booking) return null;
    const { startsAt, durationMinutes } = booking;
    const endsAt =
      booking.endsAt ?? (durationMinutes ? new Date(startsAt.getTime() + durationMinutes * 60_000) : null);
    if (endsAt && endsAt <= startsAt)
      refusals.push({ field: 'booking.endsAt', message: 'Must be later than startsAt.' });
    if (endsAt && endsAt.getTime() - startsAt.getTime() > maxMinutes * 60_000)
      refusals.push({ field: 'booking.endsAt', message: 'Must be at most a year after startsAt.' });
    const past = startsAt <= ctx.clock.now();
    return {
      externalId: booking.externalId ?? identity,
      service: booking.service,
      staffMember: booking.staffMember ?? null,
      resource: booking.resource ?? null,
      startsAt,
      endsAt,
      status: booking.status ?? (past ? 'COMPLETED' : 'CONFIRMED'),
      price: money,
      notes: booking.notes ?? null,
      bookedAt: booking.bookedAt ?? null,
      cancelledAt: booking.cancelledAt ?? null,
      cancelReason: booking.cancelReason ?? null,
      timeZone: booking.timeZone ?? null,
    };
  }

  function paymentOf(
    fields: Fields,
    identity: string,
    booking: WantedBooking | null,
    refusals: Refusal[],
  ): WantedPayment | null {
    const { amount, currency = ctx.workspace.currency, ...given } = partOf(fields, 'payment', refusals);
    const payment = check(PaymentRow, 'payment', { ...given, amount: { amount, currency } }, refusals);
    if (!payment) return null;
    const paidAt = payment.paidAt ?? booking?.startsAt ?? ctx.clock.now();
    attempt('payment', refusals, () => checkPaidAt(ctx, paidAt));
    return {
      externalId: payment.externalId ?? identity,
      amount: payment.amount,
      method: payment.method ?? 'OTHER',
      gateway: payment.gateway ?? null,
      transactionId: payment.transactionId ?? null,
      paidAt,
    };
  }

  return (row) => {
    const read = reader.read(row);
    if (Array.isArray(read)) return read;
    const refusals: Refusal[] = [];
    const { fields } = read;
    const customer = customerOf(fields, row.identity, refusals);
    const booking = read.booking ? bookingOf(fields, row.identity, refusals) : null;
    const payment = read.payment ? paymentOf(fields, row.identity, booking, refusals) : null;
    if (refusals.length > 0 || !customer) return refusals;
    return { row: row.number, identity: row.identity, customer, booking, payment };
  };
}

/** The price of a booking in the shape of a row: two fields beside the others. */
const priceOfRow = (usual: string) =>
  z
    .object({ price: z.string(), currency: z.string().default(usual) })
    .transform(({ price, currency }, check) => {
      const money = moneyInput.safeParse({ amount: price, currency });
      if (money.success) return money.data;
      for (const { path, message } of money.error.issues)
        check.addIssue({ code: 'custom', path: [path[0] === 'currency' ? 'currency' : 'price'], message });
      return z.NEVER;
    });

/** Refusals of the verbs' own checks, with the field that they are about. */
function attempt(part: string, refusals: Refusal[], run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    for (const { path, message } of error.issues)
      refusals.push({ field: [part, path].filter(Boolean).join('.'), message });
  }
}

function truth(text: string): boolean {
  const word = text.toLowerCase();
  if (yes.has(word)) return true;
  if (no.has(word)) return false;
  throw new Error('Must be true or false.');
}

/** ISO 8601 texts as instants; what names no zone is a time of this one. Dates repeat a lot within a file. */
function createInstants(zone: string): (text: string) => Date {
  const known = new Map<string, Date>();
  return (text) => {
    const before = known.get(text);
    if (before) return before;
    const date = DateTime.fromISO(text.replace(/^(\d{4}-\d\d-\d\d) (?=\d)/, '$1T'), { zone });
    if (!date.isValid) throw new Error('Must be a date or a date and time, as in 2026-11-30T09:30.');
    const instant = date.toJSDate();
    if (known.size < 10_000) known.set(text, instant);
    return instant;
  };
}
