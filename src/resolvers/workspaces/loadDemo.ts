import type { Context } from '../../core/context.ts';
import { SlotTaken } from '../../core/errors.ts';
import { encodeId, type IdType } from '../../core/ids.ts';
import { cancelBooking } from '../bookings/cancelBooking.ts';
import { completeBooking } from '../bookings/completeBooking.ts';
import { confirmBooking } from '../bookings/confirmBooking.ts';
import { createBooking } from '../bookings/createBooking.ts';
import { markBookingNoShow } from '../bookings/markBookingNoShow.ts';
import { createCustomer } from '../customers/createCustomer.ts';
import { recordPayment } from '../payments/recordPayment.ts';
import { createResource } from '../resources/createResource.ts';
import { createService } from '../services/createService.ts';
import { createStaffMember } from '../staffMembers/createStaffMember.ts';
import { addTags } from '../tags/addTags.ts';

const firstNames = [
  'Ada',
  'Björn',
  'Chloé',
  'Dmitri',
  'Elif',
  'Fatima',
  'Giulia',
  'Hiro',
  'Inés',
  'Jamal',
  'Karin',
  'Łukasz',
  'Mei',
  'Noor',
  'Olu',
  'Priya',
];
const lastNames = [
  'Ahmadi',
  'Berg',
  'Costa',
  'Dubois',
  'Eriksen',
  'Fischer',
  'García',
  'Haddad',
  'Ito',
  'Janssen',
  'Kowalski',
  'Lindqvist',
  'Moretti',
];
const services = [
  { name: 'Haircut', durationMinutes: 45, price: { amount: '42', currency: 'EUR' }, bufferAfterMinutes: 15 },
  { name: 'Colour', durationMinutes: 120, price: { amount: '110', currency: 'EUR' }, bufferAfterMinutes: 15 },
  {
    name: 'Beard trim',
    durationMinutes: 20,
    price: { amount: '18', currency: 'EUR' },
    bufferAfterMinutes: 10,
  },
  {
    name: 'Massage',
    durationMinutes: 60,
    price: { amount: '70', currency: 'EUR' },
    bufferBeforeMinutes: 15,
    bufferAfterMinutes: 15,
  },
];
const yoga = {
  name: 'Morning yoga',
  durationMinutes: 60,
  price: { amount: '15', currency: 'EUR' },
  capacity: 8,
};
const staff = ['Sofia Lund', 'Marco Ricci', 'Aiko Tanaka'];
const chairs = ['Chair 1', 'Chair 2', 'Chair 3'];
const tagNames = ['Regular', 'Student', 'Allergic to ammonia', 'Prefers mornings'];

const customerCount = 48;
/** Bookings made side by side. */
const atATime = 6;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** A booking to make; `fate`, from 0 to 9, says what becomes of it. */
interface Plan {
  madeAt: number;
  input: { startsAt: Date; [field: string]: unknown };
  fate: number;
}

/**
 * Fills the context's workspace with a small salon, through the verbs alone: three weeks of history and ten
 * days to come. Runs once, on the first start. The same every time but for the dates.
 */
export async function loadDemo(ctx: Context): Promise<void> {
  const today = Math.floor(ctx.clock.now().getTime() / dayMs) * dayMs;
  const pick = generator(7);
  const one = <Item>(items: readonly Item[]): Item => items[pick(items.length)] as Item;
  const idOf = (type: IdType, row: { id: string }) => encodeId(type, row.id);
  // The log is told once, at the end, rather than after each of hundreds of commits.
  const quiet = { ...ctx, committed: async () => {} };
  const founding = at(quiet, today - 60 * dayMs);

  const serviceIds = [];
  for (const service of services) serviceIds.push(idOf('Service', await createService(founding, service)));
  const yogaId = idOf('Service', await createService(founding, yoga));
  const staffIds = [];
  for (const displayName of staff)
    staffIds.push(idOf('StaffMember', await createStaffMember(founding, { displayName })));
  const chairIds = [];
  for (const name of chairs)
    chairIds.push(idOf('Resource', await createResource(founding, { name, kind: 'CHAIR' })));

  const customerIds: string[] = [];
  for (let i = 0; i < customerCount; i++) {
    const firstName = firstNames[i % firstNames.length] as string;
    const lastName = lastNames[(i * 5) % lastNames.length] as string;
    const added = at(quiet, today - (50 - pick(20)) * dayMs + pick(600) * 60_000);
    const customer = await createCustomer(added, {
      firstName,
      lastName,
      email: `${plain(firstName)}.${plain(lastName)}.${i}@example.com`,
      phone: `030 9018${String(20 + i).padStart(3, '0')}`,
      source: one(['Website', 'Walk-in', 'Recommendation']),
      vip: pick(12) === 0,
    });
    customerIds.push(idOf('Customer', customer));
  }
  for (const tag of tagNames) {
    await addTags(founding, { customerIds: customerIds.filter(() => pick(4) === 0), tags: [tag] });
  }

  const plans: Plan[] = [];
  for (let day = -20; day < 10; day++) {
    for (let slot = 0; slot < 6; slot++) {
      const startsAt = new Date(today + day * dayMs + (9 + slot * 1.5) * hourMs);
      const madeAt = startsAt.getTime() - (1 + pick(9)) * dayMs;
      const seat = slot % chairIds.length;
      const input = {
        customerId: one(customerIds),
        serviceId: one(serviceIds),
        staffMemberId: staffIds[seat],
        resourceId: chairIds[seat],
        startsAt,
      };
      plans.push({ madeAt, input, fate: pick(10) });
    }
    for (let place = 0; place < (day % 2 === 0 ? 3 : 0); place++) {
      const startsAt = new Date(today + day * dayMs + 7 * hourMs);
      const input = { customerId: one(customerIds), serviceId: yogaId, startsAt };
      plans.push({ madeAt: startsAt.getTime() - 2 * dayMs, input, fate: pick(10) });
    }
  }
  await Promise.all(
    Array.from({ length: atATime }, async () => {
      for (let plan = plans.shift(); plan; plan = plans.shift()) await bookAndLive(quiet, plan);
    }),
  );
  await ctx.committed();
}

/** Makes a booking and lets happen to it what usually happens. */
async function bookAndLive(ctx: Context, { madeAt, input, fate }: Plan): Promise<void> {
  const made = at(ctx, Math.min(madeAt, ctx.clock.now().getTime()));
  let booking: Awaited<ReturnType<typeof createBooking>>;
  try {
    booking = await createBooking(made, input);
  } catch (error) {
    if (error instanceof SlotTaken) return; // A long service before it ran into this slot.
    throw error;
  }
  const id = encodeId('Booking', booking.id);
  if (fate > 0) await confirmBooking(made, { id });
  if (fate === 1) await cancelBooking(made, { id, reason: 'Could not make it' });
  const ended = booking.endsAt < ctx.clock.now();
  if (!ended || fate === 1) return;
  const after = at(ctx, booking.endsAt.getTime());
  if (fate === 2) {
    await markBookingNoShow(after, { id });
    return;
  }
  await completeBooking(after, { id });
  const amount = { amount: String(Number(booking.priceMinor) / 100), currency: booking.currency };
  await recordPayment(after, {
    bookingId: id,
    amount,
    method: fate % 2 ? 'CARD' : 'CASH',
    paidAt: booking.endsAt,
  });
}

/** The context at another time, so that history has its own dates. */
function at(ctx: Context, time: number): Context {
  return { ...ctx, clock: { now: () => new Date(time) } };
}

function plain(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/[^a-zA-Z]/g, '')
    .toLowerCase();
}

/** Numbers below a bound, the same in every run. */
function generator(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * bound);
  };
}
