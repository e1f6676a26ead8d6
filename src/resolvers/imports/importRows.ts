import type { Context } from '../../core/context.ts';
import { databaseError, type Tx } from '../../core/database.ts';
import type { Failure } from '../../core/errors.ts';
import { slotConstraints } from '../bookings/slot.ts';
import { customerConstraints } from '../customers/createCustomer.ts';
import { paymentConstraints } from '../payments/paymentFields.ts';
import { importBookings } from './importBookings.ts';
import { importCustomers } from './importCustomers.ts';
import { importPayments } from './importPayments.ts';
import type { Refusal } from './mapping.ts';
import type { Named } from './namedThings.ts';
import type { Accepted, Wanted } from './readRow.ts';

export interface Imported {
  customers: number;
  bookings: number;
  payments: number;
  /** Rows that brought nothing new. */
  known: number;
  refused: { row: number; refusals: Refusal[] }[];
}

const nothing: Imported = { customers: 0, bookings: 0, payments: 0, known: 0, refused: [] };

/**
 * Writes many rows in the caller's transaction: what `createCustomer`, `createBooking` and `recordPayment` do, by sets.
 * What is there already, by external id (of a customer also by e-mail address), is left as it is, so that a repeat adds
 * nothing. The database refuses a set as a whole: then it is halved until the row stands alone that is to blame.
 */
export async function importRows(
  ctx: Context,
  tx: Tx,
  rows: readonly Wanted[],
  named: Named,
): Promise<Imported> {
  if (rows.length === 0) return nothing;
  await tx.$executeRaw`SAVEPOINT import_rows`;
  try {
    const imported = await importAll(ctx, tx, rows, named);
    await tx.$executeRaw`RELEASE SAVEPOINT import_rows`;
    return imported;
  } catch (error) {
    const refusal = refusalOf(error);
    if (!refusal) throw error;
    await tx.$executeRaw`ROLLBACK TO SAVEPOINT import_rows`;
    if (rows.length === 1)
      return { ...nothing, refused: rows.map(({ row }) => ({ row, refusals: [refusal] })) };
    const half = Math.ceil(rows.length / 2);
    const first = await importRows(ctx, tx, rows.slice(0, half), named);
    return added(first, await importRows(ctx, tx, rows.slice(half), named));
  }
}

function added(a: Imported, b: Imported): Imported {
  return {
    customers: a.customers + b.customers,
    bookings: a.bookings + b.bookings,
    payments: a.payments + b.payments,
    known: a.known + b.known,
    refused: [...a.refused, ...b.refused],
  };
}

const constraints: Record<string, { field: string; failure: () => Failure }> = Object.fromEntries(
  Object.entries({
    customer: customerConstraints,
    booking: slotConstraints,
    payment: paymentConstraints,
  }).flatMap(([part, failures]) =>
    Object.entries(failures).map(([name, failure]) => [name, { field: part, failure }]),
  ),
);

/** Null for what is not the fault of a row: a lost connection, a deadlock. */
function refusalOf(error: unknown): Refusal | null {
  const found = databaseError(error);
  if (!found) return null;
  const known = constraints[found.constraint ?? ''];
  if (known) {
    const failure = known.failure() as Failure & { field?: string };
    return { field: [known.field, failure.field].filter(Boolean).join('.'), message: failure.message };
  }
  // Integrity violations and values that a column cannot hold.
  return /^2[23]/.test(found.code)
    ? { field: '', message: `The database refuses it (${found.code}).` }
    : null;
}

async function importAll(ctx: Context, tx: Tx, rows: readonly Wanted[], named: Named): Promise<Imported> {
  const customers = await importCustomers(ctx, tx, rows);
  const accepted: Accepted[] = [];
  const refused: Imported['refused'] = [];
  for (const row of rows) {
    const customer = customers.of.get(row.customer.key);
    const open = row.booking?.status === 'PENDING' || row.booking?.status === 'CONFIRMED';
    const refusal = !customer
      ? { field: 'customer.email', message: 'Another customer has this e-mail address.' }
      : customer.blocked && open
        ? { field: 'customer', message: 'The customer is blocked and may not book.' }
        : null;
    if (refusal) refused.push({ row: row.row, refusals: [refusal] });
    else accepted.push({ ...row, customerId: (customer as { id: string }).id });
  }
  const bookings = await importBookings(ctx, tx, accepted, named);
  const payments = await importPayments(ctx, tx, accepted, bookings.ids);
  const fresh = (row: Accepted) =>
    customers.created.has(row.customerId) || bookings.created.has(row.row) || payments.has(row.row);
  return {
    customers: customers.created.size,
    bookings: bookings.created.size,
    payments: payments.size,
    known: accepted.filter((row) => !fresh(row)).length,
    refused,
  };
}
