import type { Context } from '../../core/context.ts';
import { AlreadyExists, ClassFull, InvalidState, SlotTaken } from '../../core/errors.ts';
import { encodeId, newId } from '../../core/ids.ts';
import { decimalOf } from '../../core/money.ts';
import { cancelBooking } from '../bookings/cancelBooking.ts';
import { completeBooking } from '../bookings/completeBooking.ts';
import { confirmBooking } from '../bookings/confirmBooking.ts';
import { createBooking } from '../bookings/createBooking.ts';
import { markBookingNoShow } from '../bookings/markBookingNoShow.ts';
import { createCustomer } from '../customers/createCustomer.ts';
import { updateCustomer } from '../customers/updateCustomer.ts';
import { guest } from '../imports/guest.ts';
import { recordPayment } from '../payments/recordPayment.ts';
import { addTags } from '../tags/addTags.ts';
import { demoRooms, demoSpa } from './loadDemo.ts';

/** A number from 0 to 1. */
type Random = () => number;
type Change = (ctx: Context, random: Random) => Promise<boolean>;

const dayMs = 86_400_000;
const recent = 50;

/** What happens at a front desk, and how often among a hundred things. Each answers false when there was nothing to do. */
const changes: Record<string, { often: number; run: Change }> = {
  'a guest leaves and pays': { often: 25, run: leave },
  'somebody books a room': { often: 25, run: bookRoom },
  'a guest books a massage': { often: 15, run: bookMassage },
  'a guest joins the yoga class': { often: 10, run: joinYoga },
  'a booking is confirmed': { often: 12, run: confirm },
  'a booking is called off': { often: 5, run: cancel },
  'a phone number is noted': { often: 5, run: notePhone },
  'a guest is tagged': { often: 3, run: tag },
};

/**
 * Lets one plausible thing happen in the demo workspace, through the verbs, and answers what; null when there was
 * nothing to do. For a live page to have something to show.
 */
export async function liveDemo(ctx: Context, random: Random): Promise<string | null> {
  let chance = random() * 100;
  for (const [name, { often, run }] of Object.entries(changes)) {
    chance -= often;
    if (chance >= 0) continue;
    try {
      return (await run(ctx, random)) ? name : null;
    } catch (error) {
      // What happens at a front desk too: taken, full, somebody else was quicker.
      if ([SlotTaken, ClassFull, InvalidState, AlreadyExists].some((kind) => error instanceof kind))
        return null;
      throw error;
    }
  }
  return null;
}

const among = <Item>(items: readonly Item[], random: Random): Item | undefined =>
  items[Math.floor(random() * items.length)];

/** Stays and visits that are over, the longest ago first. */
async function leave(ctx: Context, random: Random): Promise<boolean> {
  const booking = await ctx.db.booking.findFirst({
    where: { workspaceId: ctx.workspace.id, status: 'CONFIRMED', endsAt: { lte: ctx.clock.now() } },
    orderBy: [{ startsAt: 'asc' }, { id: 'asc' }],
  });
  if (!booking) return false;
  const id = encodeId('Booking', booking.id);
  if (random() < 0.04) {
    await markBookingNoShow(ctx, { id });
    return true;
  }
  await completeBooking(ctx, { id });
  const amount = { amount: decimalOf(booking.priceMinor, booking.currency), currency: booking.currency };
  await recordPayment(ctx, { bookingId: id, amount, method: random() < 0.8 ? 'CARD' : 'CASH' });
  return true;
}

async function bookRoom(ctx: Context, random: Random): Promise<boolean> {
  const customerId = random() < 0.6 ? await newGuest(ctx) : await someGuest(ctx, random);
  const workspaceId = ctx.workspace.id;
  const rooms = await ctx.db.service.findMany({
    where: { workspaceId, name: { contains: 'room' } },
    orderBy: { name: 'asc' },
    take: recent,
  });
  const service = among(rooms, random);
  const room = await ctx.db.resource.findFirst({
    where: { workspaceId, name: among(demoRooms, random) as string },
  });
  if (!customerId || !service || !room) return false;
  const nights = 1 + Math.floor(random() * 7);
  const startsAt = dayAt(ctx, 1 + Math.floor(random() * 30), 14);
  await createBooking(ctx, {
    ...{ customerId, serviceId: encodeId('Service', service.id), resourceId: encodeId('Resource', room.id) },
    ...{ startsAt, durationMinutes: nights * 1_440 - 240 },
    price: { amount: String(nights * (80 + Math.floor(random() * 90))), currency: 'EUR' },
  });
  return true;
}

async function bookMassage(ctx: Context, random: Random): Promise<boolean> {
  const displayName = among(demoSpa.staff, random) as string;
  const staff = await ctx.db.staffMember.findFirst({ where: { workspaceId: ctx.workspace.id, displayName } });
  const startsAt = dayAt(ctx, Math.floor(random() * 5), 9 + Math.floor(random() * 9));
  return (
    staff !== null && bookSpa(ctx, random, demoSpa.massage.name, startsAt, encodeId('StaffMember', staff.id))
  );
}

function joinYoga(ctx: Context, random: Random): Promise<boolean> {
  return bookSpa(ctx, random, demoSpa.yoga.name, dayAt(ctx, 1 + Math.floor(random() * 5), 7));
}

async function bookSpa(ctx: Context, random: Random, name: string, startsAt: Date, staffMemberId?: string) {
  const customerId = await someGuest(ctx, random);
  const service = await ctx.db.service.findFirst({ where: { workspaceId: ctx.workspace.id, name } });
  if (!customerId || !service || startsAt <= ctx.clock.now()) return false;
  const serviceId = encodeId('Service', service.id);
  const { id } = await createBooking(ctx, { customerId, serviceId, staffMemberId, startsAt });
  await confirmBooking(ctx, { id: encodeId('Booking', id) });
  return true;
}

async function confirm(ctx: Context, random: Random): Promise<boolean> {
  const id = await someBooking(ctx, random, 'PENDING');
  if (id) await confirmBooking(ctx, { id });
  return id !== null;
}

async function cancel(ctx: Context, random: Random): Promise<boolean> {
  const id = await someBooking(ctx, random, 'CONFIRMED');
  const reason = among(['Ill', 'Flight cancelled', 'Found something else', 'Change of plans'], random);
  if (id) await cancelBooking(ctx, { id, reason });
  return id !== null;
}

async function notePhone(ctx: Context, random: Random): Promise<boolean> {
  const id = await someGuest(ctx, random);
  const phone = `+35191${String(Math.floor(random() * 10_000_000)).padStart(7, '0')}`;
  if (id) await updateCustomer(ctx, { id, phone });
  return id !== null;
}

async function tag(ctx: Context, random: Random): Promise<boolean> {
  const customerId = await someGuest(ctx, random);
  const name = among(['Regular', 'Prefers the sea side', 'Late arrival', 'Vegetarian'], random) as string;
  if (customerId) await addTags(ctx, { customerIds: [customerId], tags: [name] });
  return customerId !== null;
}

async function newGuest(ctx: Context): Promise<string> {
  const { id } = await createCustomer(ctx, { ...guest(newId()), source: 'Direct', country: 'PT' });
  return encodeId('Customer', id);
}

/** One of those who came last. */
async function someGuest(ctx: Context, random: Random): Promise<string | null> {
  const customers = await ctx.db.customer.findMany({
    where: { workspaceId: ctx.workspace.id, deletedAt: null },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: recent,
    select: { id: true },
  });
  const customer = among(customers, random);
  return customer ? encodeId('Customer', customer.id) : null;
}

/** One of the next that are to come. */
async function someBooking(
  ctx: Context,
  random: Random,
  status: 'PENDING' | 'CONFIRMED',
): Promise<string | null> {
  const bookings = await ctx.db.booking.findMany({
    where: { workspaceId: ctx.workspace.id, status, startsAt: { gt: ctx.clock.now() } },
    orderBy: [{ startsAt: 'asc' }, { id: 'asc' }],
    take: recent,
    select: { id: true },
  });
  const booking = among(bookings, random);
  return booking ? encodeId('Booking', booking.id) : null;
}

/** So many days from today, at this hour in UTC. */
function dayAt(ctx: Context, days: number, hour: number): Date {
  const today = Math.floor(ctx.clock.now().getTime() / dayMs) * dayMs;
  return new Date(today + days * dayMs + hour * 3_600_000);
}
