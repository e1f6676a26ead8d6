import { describe, expect, test } from 'vitest';
import type { Context } from '../../../src/core/context.ts';
import type { Booking, BookingStatus } from '../../../src/core/database.ts';
import type { InvalidInput } from '../../../src/core/errors.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { cancelBooking } from '../../../src/resolvers/bookings/cancelBooking.ts';
import { completeBooking } from '../../../src/resolvers/bookings/completeBooking.ts';
import { confirmBooking } from '../../../src/resolvers/bookings/confirmBooking.ts';
import { createBooking } from '../../../src/resolvers/bookings/createBooking.ts';
import { markBookingNoShow } from '../../../src/resolvers/bookings/markBookingNoShow.ts';
import { rescheduleBooking } from '../../../src/resolvers/bookings/rescheduleBooking.ts';
import { updateBooking } from '../../../src/resolvers/bookings/updateBooking.ts';
import { atOnce, createWorkspace, fingerprint, openTestDatabase, refused } from '../../support/context.ts';
import { aCustomer, aResource, aService, aStaffMember } from './bookable.ts';

const db = await openTestDatabase();
const startsAt = new Date('2026-12-01T10:00:00Z');
const later = new Date('2026-12-01T15:00:00Z');
const statuses = [
  'PENDING',
  'CONFIRMED',
  'CANCELLED',
  'COMPLETED',
  'NO_SHOW',
] as const satisfies BookingStatus[];

async function aBooking(fields: object = {}) {
  const shop = await createWorkspace(db);
  const admin = await shop.asUser('ADMIN');
  const made = {
    service: await aService(admin, { name: 'Cut', bufferBeforeMinutes: 5, bufferAfterMinutes: 10 }),
    customer: await aCustomer(admin),
    staff: await aStaffMember(admin),
    chair: await aResource(admin),
  };
  const booking = await createBooking(admin, {
    customerId: made.customer.id,
    serviceId: made.service.id,
    staffMemberId: made.staff.id,
    startsAt,
    ...fields,
  });
  shop.clock.advance({ hours: 1 });
  return { shop, admin, ...made, booking, id: encodeId('Booking', booking.id), now: shop.clock.now() };
}

type Verb = (ctx: Context, input: unknown) => Promise<Booking>;
interface Case {
  run: Verb;
  input: object;
  event: string;
  allowed: readonly BookingStatus[];
  /** What changes besides `updatedAt`. */
  sets: (now: Date) => Partial<Booking>;
}

const anyStatus = statuses;
const verbs: Record<string, Case> = {
  updateBooking: {
    run: updateBooking,
    input: { notes: 'new' },
    event: 'booking.updated',
    allowed: anyStatus,
    sets: () => ({ notes: 'new' }),
  },
  confirmBooking: {
    run: confirmBooking,
    input: {},
    event: 'booking.confirmed',
    allowed: ['PENDING'],
    sets: (confirmedAt) => ({ status: 'CONFIRMED', confirmedAt }),
  },
  rescheduleBooking: {
    run: rescheduleBooking,
    input: { startsAt: later },
    event: 'booking.rescheduled',
    allowed: ['PENDING', 'CONFIRMED'],
    sets: () => ({
      startsAt: later,
      endsAt: new Date('2026-12-01T16:00:00Z'),
      blockedFrom: new Date('2026-12-01T14:55:00Z'),
      blockedUntil: new Date('2026-12-01T16:10:00Z'),
    }),
  },
  cancelBooking: {
    run: cancelBooking,
    input: { reason: 'ill' },
    event: 'booking.cancelled',
    allowed: ['PENDING', 'CONFIRMED'],
    sets: (cancelledAt) => ({ status: 'CANCELLED', cancelledAt, cancelReason: 'ill' }),
  },
  completeBooking: {
    run: completeBooking,
    input: {},
    event: 'booking.completed',
    allowed: ['PENDING', 'CONFIRMED', 'NO_SHOW'],
    sets: (completedAt) => ({ status: 'COMPLETED', completedAt }),
  },
  markBookingNoShow: {
    run: markBookingNoShow,
    input: {},
    event: 'booking.no_show',
    allowed: ['PENDING', 'CONFIRMED', 'COMPLETED'],
    sets: () => ({ status: 'NO_SHOW', completedAt: null }),
  },
};

const table = Object.entries(verbs).flatMap(([name, verb]) =>
  statuses.map((status) => ({
    name,
    status,
    ...verb,
    may: verb.allowed.includes(status) ? 'may' : 'may not',
  })),
);
const allowed = table.filter(({ may }) => may === 'may');

describe('A change of a booking', () => {
  test.each(table)(
    '$name $may be done to one that is $status.',
    async ({ run, input, event, status, may, sets }) => {
      const { shop, admin, booking, id, now } = await aBooking();
      const before = await db.booking.update({
        where: { id: booking.id },
        data: { status, completedAt: status === 'COMPLETED' ? startsAt : null },
      });
      const created = (await shop.events()).length;
      if (may === 'may not') {
        const failure = await refused(admin, () => run(admin, { id, ...input }));
        expect(failure).toMatchObject({
          code: 'INVALID_STATE',
          message: expect.stringMatching(new RegExp(`is ${status};`)),
        });
        return;
      }
      const changed = await run(admin, { id, ...input });
      expect(changed).toEqual({ ...before, ...sets(now), updatedAt: now });
      expect(await db.booking.findUnique({ where: { id: booking.id } })).toEqual(changed);

      const events = (await shop.events()).slice(created);
      expect(events).toHaveLength(1);
      expect(events[0]).toMatchObject({
        type: event,
        subjectId: booking.id,
        customerId: booking.customerId,
        data: {
          bookingId: id,
          serviceName: 'Cut',
          status: changed.status,
          startsAt: changed.startsAt.toISOString(),
        },
      });
      // What changed stands in the event, or beside it where it is personal.
      const personal = (events[0]!.personal as { changes: object } | null)?.changes ?? {};
      const differing = Object.keys(before).filter(
        (field) =>
          field !== 'updatedAt' && String(before[field as 'notes']) !== String(changed[field as 'notes']),
      );
      expect(Object.keys({ ...(events[0]!.changes as object), ...personal }).sort()).toEqual(
        differing.sort(),
      );
      expect(Object.keys(personal).every((field) => ['notes', 'cancelReason'].includes(field))).toBe(true);
    },
  );

  test.each(allowed.filter(({ status }) => status === 'PENDING'))(
    '$name done by twenty at once is done once, and the others hear why not or find it done.',
    async ({ name, run, input, event }) => {
      const { shop, admin, id } = await aBooking();
      const ended = await Promise.allSettled(Array.from({ length: 20 }, () => run(admin, { id, ...input })));
      expect(await shop.events(event)).toHaveLength(1);
      const lost = ended.filter((one) => one.status === 'rejected');
      for (const { reason } of lost) expect(reason).toMatchObject({ code: 'INVALID_STATE' });
      expect(lost).toHaveLength(['updateBooking', 'rescheduleBooking'].includes(name) ? 0 : 19);
    },
  );

  test.each(Object.entries(verbs))(
    '%s finds nothing in another workspace or beyond the row scope, and asks for the right to write bookings.',
    async (_, { run, input }) => {
      const { shop, admin, id, booking } = await aBooking();
      const stranger = await (await createWorkspace(db)).asUser('ADMIN');
      const staff = await shop.asUser('STAFF');
      for (const [ctx, of] of [
        [stranger, id],
        [staff, id],
        [admin, encodeId('Booking', newId())],
      ] as const) {
        expect(await refused(ctx, () => run(ctx, { id: of, ...input }))).toMatchObject({
          code: 'NOT_FOUND',
          id: of,
        });
      }
      for (const [ctx, code] of [
        [shop.asAnonymous(), 'UNAUTHENTICATED'],
        [await shop.asUser('VIEWER'), 'FORBIDDEN'],
      ] as const) {
        expect(await refused(ctx, () => run(ctx, { id, ...input }))).toMatchObject({ code });
      }
      const wrong = encodeId('Customer', booking.customerId);
      expect(await refused(admin, () => run(admin, { id: wrong, ...input }))).toMatchObject({
        issues: [{ path: 'id' }],
      });
      const holder = await shop.asUser('STAFF', { principals: [booking.staffMemberId!] });
      await run(holder, { id, ...input });
    },
  );

  test.each<[string, Verb, object, string]>([
    ['notes with a NUL', updateBooking, { notes: 'a\0' }, 'notes'],
    ['notes that are too long', updateBooking, { notes: 'x'.repeat(5_001) }, 'notes'],
    ['a price below zero', updateBooking, { price: { amount: '-1', currency: 'EUR' } }, 'price.amount'],
    ['a reason that is too long', cancelBooking, { reason: 'x'.repeat(1_001) }, 'reason'],
    ['a reason with a lone surrogate', cancelBooking, { reason: '\udfff' }, 'reason'],
    ['a time that is none', rescheduleBooking, { startsAt: new Date(Number.NaN) }, 'startsAt'],
    ['a time out of the calendar', rescheduleBooking, { startsAt: new Date('9999-12-31') }, 'startsAt'],
    ['a duration of nothing', rescheduleBooking, { durationMinutes: 0 }, 'durationMinutes'],
    ['a zone that there is not', rescheduleBooking, { timeZone: 'Mars' }, 'timeZone'],
    ['no id of a resource', rescheduleBooking, { resourceId: 'chair' }, 'resourceId'],
  ])('is refused for %s, and the booking stays as it was.', async (_, run, input, path) => {
    const { admin, id } = await aBooking();
    const failure = (await refused(admin, () => run(admin, { id, ...input }))) as InvalidInput;
    expect(failure.issues).toMatchObject([{ path }]);
  });
});

describe('updateBooking', () => {
  test('changes what is sent, clears for null, and leaves no trace when nothing changes.', async () => {
    const { shop, admin, booking, id } = await aBooking({ notes: 'old' });
    const price = { amount: '9.99', currency: 'GBP' };
    expect(await updateBooking(admin, { id, price })).toMatchObject({
      notes: 'old',
      priceMinor: 999n,
      currency: 'GBP',
    });
    const before = await fingerprint(db);
    await updateBooking(admin, { id });
    await updateBooking(admin, { id, notes: ' old ', price });
    expect(await fingerprint(db)).toEqual(before);
    expect(await updateBooking(admin, { id, notes: null })).toMatchObject({ notes: null, priceMinor: 999n });
    expect(await shop.events('booking.updated')).toMatchObject([
      {
        changes: { priceMinor: [String(booking.priceMinor), '999'], currency: ['EUR', 'GBP'] },
        personal: null,
      },
      { changes: {}, personal: { changes: { notes: ['old', null] } } },
    ]);
  });
});

describe('rescheduleBooking', () => {
  test('keeps what is not sent: length, zone, staff member, resource and price.', async () => {
    const { admin, booking, id } = await aBooking({
      durationMinutes: 25,
      timeZone: 'Asia/Tokyo',
      price: { amount: '1', currency: 'EUR' },
    });
    const moved = await rescheduleBooking(admin, { id, startsAt: later });
    expect(moved).toEqual({
      ...booking,
      startsAt: later,
      endsAt: new Date('2026-12-01T15:25:00Z'),
      blockedFrom: new Date('2026-12-01T14:55:00Z'),
      blockedUntil: new Date('2026-12-01T15:35:00Z'),
      updatedAt: moved.updatedAt,
    });
    expect(await rescheduleBooking(admin, { id, durationMinutes: 50, timeZone: 'UTC' })).toMatchObject({
      startsAt: later,
      endsAt: new Date('2026-12-01T15:50:00Z'),
      timeZone: 'UTC',
      staffMemberId: booking.staffMemberId,
    });
  });

  test('changes the staff member and the resource, and gives them up for null.', async () => {
    const { admin, chair, id } = await aBooking();
    const other = await aStaffMember(admin);
    expect(
      await rescheduleBooking(admin, { id, staffMemberId: other.id, resourceId: chair.id }),
    ).toMatchObject({
      staffMemberId: other.row.id,
      resourceId: chair.row.id,
      startsAt,
    });
    expect(await rescheduleBooking(admin, { id, staffMemberId: null })).toMatchObject({
      staffMemberId: null,
      resourceId: chair.row.id,
    });
    expect(await rescheduleBooking(admin, { id, resourceId: null })).toMatchObject({
      staffMemberId: null,
      resourceId: null,
    });
  });

  test('leaves no trace when nothing changes.', async () => {
    const { admin, staff, id } = await aBooking();
    const before = await fingerprint(db);
    await rescheduleBooking(admin, { id });
    await rescheduleBooking(admin, { id, startsAt, staffMemberId: staff.id, durationMinutes: 60 });
    expect(await fingerprint(db)).toEqual(before);
  });

  test("refuses another workspace's staff member and resource, and those out of use.", async () => {
    const { admin, id } = await aBooking();
    const other = await aBooking();
    const off = { active: false };
    for (const wish of [{ staffMemberId: other.staff.id }, { resourceId: other.chair.id }]) {
      const failure = await refused(admin, () => rescheduleBooking(admin, { id, startsAt: later, ...wish }));
      expect(failure).toMatchObject({ code: 'NOT_FOUND', id: Object.values(wish)[0] });
    }
    for (const wish of [
      { staffMemberId: (await aStaffMember(admin, off)).id },
      { resourceId: (await aResource(admin, off)).id },
    ]) {
      expect(await refused(admin, () => rescheduleBooking(admin, { id, ...wish }))).toMatchObject({
        code: 'INVALID_STATE',
      });
    }
  });

  test('takes the buffers that the service has now.', async () => {
    const { admin, service, id } = await aBooking();
    await db.service.update({
      where: { id: service.row.id },
      data: { bufferBeforeMinutes: 0, bufferAfterMinutes: 30, durationMinutes: 90 },
    });
    expect(await rescheduleBooking(admin, { id, startsAt: later })).toMatchObject({
      endsAt: new Date('2026-12-01T16:00:00Z'),
      blockedFrom: later,
      blockedUntil: new Date('2026-12-01T16:30:00Z'),
    });
  });
});

test('Two who change the same booking in different ways both get their way, one after the other.', async () => {
  const { shop, admin, id, booking } = await aBooking();
  await Promise.all([
    atOnce(10, (n) => updateBooking(admin, { id, notes: `note ${n}` })),
    atOnce(10, (n) =>
      rescheduleBooking(admin, { id, startsAt: new Date(startsAt.getTime() + (n + 1) * 60_000) }),
    ),
    confirmBooking(admin, { id }),
  ]);
  expect(await shop.events('booking.updated')).toHaveLength(10);
  expect(await shop.events('booking.rescheduled')).toHaveLength(10);
  expect(await db.booking.findUnique({ where: { id: booking.id } })).toMatchObject({
    status: 'CONFIRMED',
    notes: expect.stringMatching(/note \d/),
  });
});
