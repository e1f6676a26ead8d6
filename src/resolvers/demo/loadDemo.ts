import { createReadStream, readFileSync } from 'node:fs';
import type { Context } from '../../core/context.ts';
import { encodeId } from '../../core/ids.ts';
import { write } from '../../core/write.ts';
import { contentOf, fileRows } from '../imports/fileRows.ts';
import { headerOf } from '../imports/headerOf.ts';
import { importRows } from '../imports/importRows.ts';
import { compileMapping, ImportMapping } from '../imports/mapping.ts';
import { ensureNamed, type Named } from '../imports/namedThings.ts';
import { createRowParser, type Wanted } from '../imports/readRow.ts';
import { createService } from '../services/createService.ts';
import { createStaffMember } from '../staffMembers/createStaffMember.ts';
import { addTags } from '../tags/addTags.ts';

/** Real bookings of a hotel in the Algarve in the summer of 2016; demo/README.md says whose data they are. */
const slice = new URL('../../../demo/hotel/slice.csv', import.meta.url);
const shippedMapping = new URL('../../../demo/hotel/mapping.json', import.meta.url);
/** The day in the data that becomes today: two months lie before it, three weeks behind it. */
const anchor = Date.parse('2016-08-20T00:00:00Z');
const dayMs = 86_400_000;

export const demoRooms = Array.from({ length: 40 }, (_, n) => `Room ${n < 20 ? 101 + n : 181 + n}`);
export const demoSpa = {
  staff: ['Sofia Lund', 'Marco Ricci', 'Aiko Tanaka'],
  massage: {
    name: 'Massage',
    durationMinutes: 60,
    price: { amount: '70', currency: 'EUR' },
    bufferAfterMinutes: 15,
  },
  yoga: { name: 'Morning yoga', durationMinutes: 60, price: { amount: '15', currency: 'EUR' }, capacity: 8 },
};

/**
 * Fills the demo workspace with a small hotel: real bookings, moved to around today by whole weeks, with made-up
 * guests. What is there already is left alone, so a load that was killed is simply run again.
 */
export async function loadDemo(ctx: Context): Promise<void> {
  const now = ctx.clock.now();
  const days = Math.round((now.getTime() - anchor) / (7 * dayMs)) * 7;
  const history: Context = { ...ctx, origin: 'IMPORT', committed: async () => {} };
  const { mapping, rows, cells } = await readSlice(ctx, days);
  const wanted = withRooms(rows.flatMap((row) => asOf(now, row) ?? []));

  await ensureServices(history, wanted);
  const named: Named = { services: new Map(), staffMembers: new Map(), resources: new Map() };
  await ensureNamed(history, mapping, wanted, named);
  await write(history, async (tx) => void (await importRows(history, tx, wanted, named)));
  await tagGuests(history, wanted, cells);
  await ctx.db.workspace.update({ where: { id: ctx.workspace.id }, data: { demo: 'LOADED' } });
  await ctx.committed();
}

interface Slice {
  mapping: ImportMapping;
  rows: Wanted[];
  /** A cell of the file, by row and column. */
  cells: (row: number, column: string) => number;
}

async function readSlice(ctx: Context, days: number): Promise<Slice> {
  const mapping = ImportMapping.parse(moved(JSON.parse(readFileSync(shippedMapping, 'utf8')), days));
  const [header, ...lines] = (
    await Array.fromAsync(fileRows(contentOf(createReadStream(slice)), mapping.format))
  ).flat() as [string[], ...string[][]];
  const names = headerOf(mapping.format, header);
  // What is still to come is paid for in the data.
  const inTheEnd = { ...ctx, clock: { now: () => new Date(ctx.clock.now().getTime() + 365 * dayMs) } };
  const parse = createRowParser(inTheEnd, mapping, compileMapping(mapping, names));
  const rows = lines.flatMap((cells, at) => {
    const row = parse({ number: at, identity: `demo:${at}`, cells });
    return Array.isArray(row) ? [] : [row];
  });
  return { mapping, rows, cells: (row, column) => Number(lines[row]?.[names.indexOf(column)]) };
}

type Json = Record<string, unknown>;

/** The mapping that ships, with every date so many days later, and with guests who come back. */
function moved(shipped: { customer: Json; booking: Json; payment: Json }, days: number): Json {
  const shift = { text: String(days) };
  const later = (date: unknown) => {
    const { plusDays } = date as Json;
    const value = typeof date === 'string' ? { date } : (date as Json);
    return { ...value, plusDays: plusDays ? { sum: [plusDays, shift] } : shift };
  };
  const { customer, booking, payment } = shipped;
  const of = {
    join: [
      'country',
      'agent',
      'adults',
      {
        date: { join: ['arrival_date_year', 'arrival_date_month', 'arrival_date_day_of_month'] },
        format: 'yyyy MMMM d',
      },
    ],
  };
  const guest = (field: string) => ({ madeUpGuest: field, of });
  return {
    ...shipped,
    customer: {
      ...customer,
      firstName: guest('firstName'),
      lastName: guest('lastName'),
      email: guest('email'),
    },
    booking: {
      ...booking,
      startsAt: later(booking.startsAt),
      endsAt: later(booking.endsAt),
      bookedAt: later(booking.bookedAt),
      cancelledAt: later(booking.cancelledAt),
    },
    payment: { ...payment, paidAt: later(payment.paidAt) },
  };
}

/** The row as it is known today: what has not happened yet is still to come; null when nobody has booked it yet. */
function asOf(now: Date, row: Wanted): Wanted | null {
  const { booking } = row;
  if (!booking?.endsAt || !booking.bookedAt || booking.bookedAt > now) return null;
  const decided = booking.status === 'CANCELLED' ? booking.cancelledAt : booking.endsAt;
  if (decided && decided <= now) return row;
  const status = row.row % 8 === 0 && booking.startsAt > now ? 'PENDING' : 'CONFIRMED';
  return { ...row, booking: { ...booking, status, cancelledAt: null }, payment: null };
}

/** Gives each stay that is not over the first room that is free all the time, as the front desk would. */
function withRooms(rows: readonly Wanted[]): Wanted[] {
  const freeFrom = new Map(demoRooms.map((room) => [room, new Date(0)]));
  return rows
    .toSorted((a, b) => Number(a.booking?.startsAt) - Number(b.booking?.startsAt))
    .map((row) => {
      const { booking } = row;
      if (!booking?.endsAt || (booking.status !== 'CONFIRMED' && booking.status !== 'PENDING')) return row;
      const room = demoRooms.find((name) => (freeFrom.get(name) as Date) <= booking.startsAt);
      if (!room) return row;
      freeFrom.set(room, booking.endsAt);
      return { ...row, booking: { ...booking, resource: room } };
    });
}

/** The kinds of rooms at the price of a night, as it was on average, and the spa. */
async function ensureServices(ctx: Context, rows: readonly Wanted[]): Promise<void> {
  const workspaceId = ctx.workspace.id;
  const nights = new Map<string, number[]>();
  for (const { booking } of rows) {
    if (!booking?.endsAt || !booking.price) continue;
    const count = Math.ceil((booking.endsAt.getTime() - booking.startsAt.getTime()) / dayMs);
    const prices = nights.get(booking.service) ?? [];
    nights.set(booking.service, [...prices, Number(booking.price.minor) / 100 / count]);
  }
  const rooms = [...nights].map(([name, prices]) => {
    const average = prices.reduce((sum, price) => sum + price, 0) / prices.length;
    return { name, durationMinutes: 20 * 60, price: { amount: average.toFixed(0), currency: 'EUR' } };
  });
  for (const service of [...rooms, demoSpa.massage, demoSpa.yoga])
    if (!(await ctx.db.service.findFirst({ where: { workspaceId, name: service.name } })))
      await createService(ctx, service);
  for (const displayName of demoSpa.staff)
    if (!(await ctx.db.staffMember.findFirst({ where: { workspaceId, displayName } })))
      await createStaffMember(ctx, { displayName });
}

async function tagGuests(ctx: Context, rows: readonly Wanted[], cells: Slice['cells']): Promise<void> {
  const customers = await ctx.db.customer.findMany({
    where: { workspaceId: ctx.workspace.id },
    select: { id: true, email: true, totalBookings: true },
  });
  const ids = new Map(customers.map(({ id, email }) => [email, encodeId('Customer', id)]));
  const of = (holds: (row: number) => boolean) => [
    ...new Set(rows.flatMap(({ row, customer }) => (holds(row) ? (ids.get(customer.email) ?? []) : []))),
  ];
  const tags: Record<string, string[]> = {
    Family: of((row) => cells(row, 'children') + cells(row, 'babies') > 0),
    'Special requests': of((row) => cells(row, 'total_of_special_requests') >= 2),
    'Comes by car': of((row) => cells(row, 'required_car_parking_spaces') > 0),
    Regular: customers.flatMap(({ id, totalBookings }) =>
      totalBookings >= 2 ? encodeId('Customer', id) : [],
    ),
  };
  for (const [tag, customerIds] of Object.entries(tags))
    for (let at = 0; at < customerIds.length; at += 100)
      await addTags(ctx, { customerIds: customerIds.slice(at, at + 100), tags: [tag] });
}
