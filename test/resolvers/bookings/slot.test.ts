import { describe, expect, test } from 'vitest';
import type { Context } from '../../../src/core/context.ts';
import type { Booking, BookingStatus, Service } from '../../../src/core/database.ts';
import { ClassFull, Failure, SlotTaken } from '../../../src/core/errors.ts';
import { encodeId } from '../../../src/core/ids.ts';
import { cancelBooking } from '../../../src/resolvers/bookings/cancelBooking.ts';
import { completeBooking } from '../../../src/resolvers/bookings/completeBooking.ts';
import { createBooking } from '../../../src/resolvers/bookings/createBooking.ts';
import { markBookingNoShow } from '../../../src/resolvers/bookings/markBookingNoShow.ts';
import { rescheduleBooking } from '../../../src/resolvers/bookings/rescheduleBooking.ts';
import { atOnce, createWorkspace, openTestDatabase, refused } from '../../support/context.ts';
import { aCustomer, aResource, aService, aStaffMember, type Made } from './bookable.ts';

/** Who gets a slot: one at a time, and of a class as many as it has places. */

const db = await openTestDatabase();

const at = (time: string) => new Date(`2026-12-01T${time}:00Z`);
const idOf = (booking: Booking) => encodeId('Booking', booking.id);

async function aShop(service: Partial<Service> = {}) {
  const shop = await createWorkspace(db);
  const admin = await shop.asUser('ADMIN');
  const made = {
    service: await aService(admin, service),
    customer: await aCustomer(admin),
    staff: await aStaffMember(admin),
    chair: await aResource(admin),
  };
  const book = (time: string, more: object = {}) =>
    createBooking(admin, {
      customerId: made.customer.id,
      serviceId: made.service.id,
      startsAt: at(time),
      ...more,
    });
  return { shop, admin, ...made, book };
}

/** How each of many calls ended: a booking, or the failure; anything else is thrown. */
async function outcomes(times: number, call: (index: number) => Promise<Booking>) {
  const ended = await atOnce(times, (index) =>
    call(index).catch((error: unknown) => {
      if (error instanceof Failure) return error;
      throw error;
    }),
  );
  const won = ended.filter((one): one is Booking => !(one instanceof Failure));
  return { won, lost: ended.filter((one) => one instanceof Failure) };
}

const customersOf = (admin: Context, count: number) => atOnce(count, () => aCustomer(admin));

/** What can be taken by one only: the input that asks for it, and the field that a refusal names. */
const singles: [
  what: string,
  field: 'resourceId' | 'staffMemberId',
  pick: (shop: Awaited<ReturnType<typeof aShop>>) => Made<unknown>,
][] = [
  ['chair', 'resourceId', ({ chair }) => chair],
  ['staff member', 'staffMemberId', ({ staff }) => staff],
];

describe.each(singles)('One %s', (_, field, pick) => {
  test('is booked once when fifty callers want the same moment: one gets it, forty-nine hear why not, one event.', async () => {
    const made = await aShop();
    const { shop, admin, book } = made;
    const customers = await customersOf(admin, 50);
    const { won, lost } = await outcomes(50, (n) =>
      book('10:00', { customerId: customers[n]!.id, [field]: pick(made).id }),
    );
    expect(won).toHaveLength(1);
    expect(lost).toHaveLength(49);
    for (const failure of lost) expect(failure).toMatchObject({ code: 'SLOT_TAKEN', field });
    expect(await db.booking.findMany({ where: { workspaceId: shop.workspace.id } })).toEqual(won);
    expect(await shop.events('booking.created')).toMatchObject([{ subjectId: won[0]!.id }]);
  });

  test('is booked without overlap when fifty callers want moments that overlap here and there.', async () => {
    const made = await aShop();
    const { shop, admin, book } = made;
    const customers = await customersOf(admin, 50);
    const minute = (n: number) => `1${Math.floor(n / 10) % 5}:${(n * 7) % 60}`.replace(/:(\d)$/, ':0$1');
    const { won, lost } = await outcomes(50, (n) =>
      book(minute(n), { customerId: customers[n]!.id, [field]: pick(made).id }),
    );
    expect(won.length).toBeGreaterThan(1);
    expect(won.length + lost.length).toBe(50);
    for (const failure of lost) expect(failure).toBeInstanceOf(SlotTaken);
    const rows = await db.booking.findMany({
      where: { workspaceId: shop.workspace.id },
      orderBy: { startsAt: 'asc' },
    });
    expect(rows).toHaveLength(won.length);
    for (const [index, next] of rows.slice(1).entries())
      expect(next.startsAt >= rows[index]!.endsAt).toBe(true);
    // Nobody was turned away from a slot that is free.
    const free = (time: string) =>
      rows.every(
        ({ startsAt, endsAt }) => at(time) >= endsAt || new Date(at(time).getTime() + 3_600_000) <= startsAt,
      );
    expect(Array.from({ length: 50 }, (_, n) => minute(n)).filter(free)).toEqual([]);
    expect(await shop.events('booking.created')).toHaveLength(won.length);
  });

  test('may be booked back to back, and not a minute into the next or the last.', async () => {
    const made = await aShop();
    const { admin, book } = made;
    const wish = { [field]: pick(made).id };
    await book('10:00', wish);
    await book('11:00', wish);
    await book('09:00', wish);
    for (const time of ['10:00', '10:59', '09:01', '08:01', '11:59']) {
      expect(await refused(admin, () => book(time, wish))).toMatchObject({ code: 'SLOT_TAKEN', field });
    }
    expect(await refused(admin, () => book('08:00', { ...wish, durationMinutes: 61 }))).toBeInstanceOf(
      SlotTaken,
    );
    await book('08:00', { ...wish, durationMinutes: 60 });
    await book('12:00', { ...wish, durationMinutes: 1 });
  });

  test('is taken for the buffers of the service too, before and after.', async () => {
    const made = await aShop({ bufferBeforeMinutes: 10, bufferAfterMinutes: 20 });
    const { admin, book } = made;
    const wish = { [field]: pick(made).id };
    expect(await book('10:00', wish)).toMatchObject({
      startsAt: at('10:00'),
      endsAt: at('11:00'),
      blockedFrom: at('09:50'),
      blockedUntil: at('11:20'),
    });
    for (const time of ['11:00', '11:29', '08:31', '09:00']) {
      expect(await refused(admin, () => book(time, wish))).toBeInstanceOf(SlotTaken);
    }
    await book('11:30', wish);
    await book('08:30', wish);
    // The buffers of one's own service count as well.
    const plain = await aService(admin, { durationMinutes: 10 });
    await book('13:20', { ...wish, serviceId: plain.id });
    expect(await refused(admin, () => book('13:39', wish))).toBeInstanceOf(SlotTaken);
    await book('13:40', wish);
  });

  test('is free again once its booking is cancelled or over, and not while it is pending or confirmed.', async () => {
    const made = await aShop();
    const { admin, book } = made;
    const wish = { [field]: pick(made).id };
    for (const end of [cancelBooking, completeBooking, markBookingNoShow]) {
      const booking = await book('10:00', wish);
      expect(await refused(admin, () => book('10:00', wish))).toBeInstanceOf(SlotTaken);
      await end(admin, { id: idOf(booking) });
    }
    const last = await book('10:00', wish);
    await db.booking.update({ where: { id: last.id }, data: { status: 'CONFIRMED' } });
    expect(await refused(admin, () => book('10:00', wish))).toBeInstanceOf(SlotTaken);
  });

  test('cannot be taken by rescheduling either: the booking stays as it was, also when fifty try.', async () => {
    const made = await aShop();
    const { shop, admin, book } = made;
    const wish = { [field]: pick(made).id };
    await book('10:00', wish);
    const other = await book('12:00', wish);
    for (const move of [
      { startsAt: at('10:30') },
      { startsAt: at('09:30') },
      { durationMinutes: 30, startsAt: at('10:00') },
    ]) {
      expect(
        await refused(admin, () => rescheduleBooking(admin, { id: idOf(other), ...move })),
      ).toMatchObject({ code: 'SLOT_TAKEN', field });
    }
    expect(await db.booking.findUnique({ where: { id: other.id } })).toEqual(other);

    const customers = await customersOf(admin, 50);
    const unbound = await atOnce(50, (n) => book('15:00', { customerId: customers[n]!.id }));
    const { won, lost } = await outcomes(50, (n) =>
      rescheduleBooking(admin, { id: idOf(unbound[n]!), ...wish }),
    );
    expect([won.length, lost.length]).toEqual([1, 49]);
    for (const failure of lost) expect(failure).toMatchObject({ code: 'SLOT_TAKEN', field });
    expect(await shop.events('booking.rescheduled')).toHaveLength(1);
  });

  test('may be moved within its own time, and makes room where it was.', async () => {
    const made = await aShop();
    const { admin, book } = made;
    const wish = { [field]: pick(made).id };
    const booking = await book('10:00', wish);
    expect(await rescheduleBooking(admin, { id: idOf(booking), startsAt: at('10:30') })).toMatchObject({
      startsAt: at('10:30'),
      endsAt: at('11:30'),
    });
    await book('09:30', wish);
    expect(await refused(admin, () => book('11:00', wish))).toBeInstanceOf(SlotTaken);
  });

  test('is a different one in each workspace, and nobody is in the way of another.', async () => {
    const [one, two] = [await aShop(), await aShop()];
    await one.book('10:00', { [field]: pick(one).id });
    await two.book('10:00', { [field]: pick(two).id });
    await one.book('10:00');
    const another = field === 'resourceId' ? await aResource(one.admin) : await aStaffMember(one.admin);
    await one.book('10:00', { [field]: another.id });
  });
});

test('A chair and a staff member are both needed: if one is taken, the other is not taken in vain.', async () => {
  const { admin, book, staff, chair } = await aShop();
  const second = { staffMemberId: (await aStaffMember(admin)).id, resourceId: (await aResource(admin)).id };
  await book('10:00', { staffMemberId: staff.id, resourceId: chair.id });
  expect(await refused(admin, () => book('10:00', { ...second, resourceId: chair.id }))).toMatchObject({
    field: 'resourceId',
  });
  expect(await refused(admin, () => book('10:00', { ...second, staffMemberId: staff.id }))).toMatchObject({
    field: 'staffMemberId',
  });
  await book('10:00', second);
});

test('Callers who want chairs and staff members crosswise all get an answer, and none gets what another has.', async () => {
  const { shop, admin, book, staff, chair } = await aShop();
  const [staff2, chair2] = [await aStaffMember(admin), await aResource(admin)];
  const customers = await customersOf(admin, 40);
  const { won, lost } = await outcomes(40, (n) =>
    book('10:00', {
      customerId: customers[n]!.id,
      staffMemberId: [staff, staff2][n % 2]!.id,
      resourceId: [chair, chair2][Math.floor(n / 2) % 2]!.id,
    }),
  );
  expect(won.length).toBeGreaterThanOrEqual(1);
  expect(won.length).toBeLessThanOrEqual(2);
  expect(won.length + lost.length).toBe(40);
  for (const failure of lost) expect(failure).toBeInstanceOf(SlotTaken);
  expect(await shop.events('booking.created')).toHaveLength(won.length);
});

describe('A class', () => {
  const places = { capacity: 5 };
  const session = (shop: { workspace: { id: string } }) =>
    db.classSession.findMany({ where: { workspaceId: shop.workspace.id }, orderBy: { id: 'asc' } });

  test('with five places takes five of forty callers at one moment, in one session, with five events.', async () => {
    const { shop, admin, book, staff, chair } = await aShop(places);
    const customers = await customersOf(admin, 40);
    const { won, lost } = await outcomes(40, (n) =>
      book('18:00', { customerId: customers[n]!.id, staffMemberId: staff.id, resourceId: chair.id }),
    );
    expect([won.length, lost.length]).toEqual([5, 35]);
    for (const failure of lost) expect(failure).toBeInstanceOf(ClassFull);
    const sessions = await session(shop);
    expect(sessions).toMatchObject([{ capacity: 5, taken: 5, startsAt: at('18:00'), endsAt: at('19:00') }]);
    for (const booking of won) {
      expect(booking).toMatchObject({
        sessionId: sessions[0]!.id,
        staffMemberId: staff.row.id,
        resourceId: chair.row.id,
      });
    }
    expect(await db.booking.count({ where: { workspaceId: shop.workspace.id } })).toBe(5);
    expect(await shop.events('booking.created')).toHaveLength(5);
  });

  test('leaves no session behind when the booking that would open it is refused.', async () => {
    const { shop, admin, book, staff } = await aShop(places);
    const single = await aService(admin);
    await book('18:30', { serviceId: single.id, staffMemberId: staff.id });
    for (const key of [null, 'key']) {
      const failure = await refused(admin, () =>
        book('18:00', { staffMemberId: staff.id, idempotencyKey: key }),
      );
      expect(failure).toMatchObject({ code: 'SLOT_TAKEN', field: 'staffMemberId' });
    }
    expect(await session(shop)).toEqual([]);
  });

  test('has its staff member and room to itself: neither can be booked alone meanwhile, nor a class with those who are.', async () => {
    const { admin, book, staff, chair } = await aShop(places);
    const single = await aService(admin);
    const alone = { serviceId: single.id };
    await book('18:00', { staffMemberId: staff.id, resourceId: chair.id });
    expect(await refused(admin, () => book('18:30', { ...alone, staffMemberId: staff.id }))).toMatchObject({
      field: 'staffMemberId',
    });
    expect(await refused(admin, () => book('17:30', { ...alone, resourceId: chair.id }))).toMatchObject({
      field: 'resourceId',
    });
    await book('19:00', { ...alone, staffMemberId: staff.id, resourceId: chair.id });
    expect(await refused(admin, () => book('19:30', { staffMemberId: staff.id }))).toMatchObject({
      field: 'staffMemberId',
    });
    expect(await refused(admin, () => book('18:59', { resourceId: chair.id }))).toMatchObject({
      field: 'resourceId',
    });
    const otherClass = await aService(admin, places);
    expect(
      await refused(admin, () => book('18:00', { serviceId: otherClass.id, staffMemberId: staff.id })),
    ).toBeInstanceOf(SlotTaken);
  });

  test('is joined without saying with whom, and has its own sitting with somebody else.', async () => {
    const { shop, admin, book, staff, chair } = await aShop(places);
    const first = await book('18:00', { staffMemberId: staff.id, resourceId: chair.id });
    expect(await book('18:00')).toMatchObject({
      sessionId: first.sessionId,
      staffMemberId: staff.row.id,
      resourceId: chair.row.id,
    });
    expect(await book('18:00', { resourceId: chair.id })).toMatchObject({ sessionId: first.sessionId });
    const [staff2, chair2] = [await aStaffMember(admin), await aResource(admin)];
    const elsewhere = await book('18:00', { staffMemberId: staff2.id, resourceId: chair2.id });
    expect(elsewhere.sessionId).not.toBe(first.sessionId);
    expect(await session(shop)).toMatchObject([{ taken: 3 }, { taken: 1 }]);
    expect(
      await refused(admin, () => book('18:00', { staffMemberId: staff2.id, resourceId: chair.id })),
    ).toBeInstanceOf(SlotTaken);
  });

  test('has a place again when one is cancelled, and none when one took place or was missed.', async () => {
    const { shop, admin, book } = await aShop({ capacity: 2 });
    const [first, second] = [await book('18:00'), await book('18:00')];
    expect(await refused(admin, () => book('18:00'))).toBeInstanceOf(ClassFull);
    await completeBooking(admin, { id: idOf(first) });
    await markBookingNoShow(admin, { id: idOf(second) });
    expect(await refused(admin, () => book('18:00'))).toBeInstanceOf(ClassFull);
    expect(await session(shop)).toMatchObject([{ taken: 2 }]);

    const third = await book('20:00');
    await book('20:00');
    expect(await refused(admin, () => book('20:00'))).toBeInstanceOf(ClassFull);
    await cancelBooking(admin, { id: idOf(third) });
    await book('20:00');
    expect(await refused(admin, () => book('20:00'))).toBeInstanceOf(ClassFull);
    expect((await session(shop))[1]).toMatchObject({ taken: 2 });
  });

  test('gives the places that are cancelled to as many others, when all of them call at once.', async () => {
    const { shop, admin, book } = await aShop(places);
    const customers = await customersOf(admin, 30);
    const five = await atOnce(5, (n) => book('18:00', { customerId: customers[n]!.id }));
    const [, tried] = await Promise.all([
      atOnce(3, (n) => cancelBooking(admin, { id: idOf(five[n]!) })),
      outcomes(25, (n) => book('18:00', { customerId: customers[n + 5]!.id })),
    ]);
    expect(tried.won.length).toBeLessThanOrEqual(3);
    const held: BookingStatus[] = ['PENDING', 'CONFIRMED'];
    const taken = await db.booking.count({ where: { workspaceId: shop.workspace.id, status: { in: held } } });
    expect(taken).toBe(2 + tried.won.length);
    expect(await session(shop)).toMatchObject([{ taken }]);
  });

  test('takes a booking that is moved to it, frees its old place, and refuses one too many.', async () => {
    const { shop, admin, book } = await aShop({ capacity: 2 });
    const moved = await book('18:00');
    await book('20:00');
    const again = await rescheduleBooking(admin, { id: idOf(moved), startsAt: at('20:00') });
    expect(again).toMatchObject({ startsAt: at('20:00'), endsAt: at('21:00') });
    expect(await session(shop)).toMatchObject([{ taken: 0 }, { taken: 2, id: again.sessionId }]);
    const late = await book('18:00');
    expect(
      await refused(admin, () => rescheduleBooking(admin, { id: idOf(late), startsAt: at('20:00') })),
    ).toBeInstanceOf(ClassFull);
    expect(await db.booking.findUnique({ where: { id: late.id } })).toEqual(late);
  });

  test('lasts as long for everyone: another duration is refused, its own is not.', async () => {
    const { admin, book } = await aShop(places);
    const failure = await refused(admin, () => book('18:00', { durationMinutes: 45 }));
    expect(failure).toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: 'durationMinutes', message: expect.stringMatching(/60 minutes/) }],
    });
    const booking = await book('18:00', { durationMinutes: 60 });
    expect(
      await refused(admin, () => rescheduleBooking(admin, { id: idOf(booking), durationMinutes: 30 })),
    ).toMatchObject({
      issues: [{ path: 'durationMinutes' }],
    });
  });

  test('keeps the capacity that it had when its session was opened.', async () => {
    const { shop, admin, book, service } = await aShop({ capacity: 2 });
    await book('18:00');
    await db.service.update({ where: { id: service.row.id }, data: { capacity: 3 } });
    await book('18:00');
    expect(await refused(admin, () => book('18:00'))).toBeInstanceOf(ClassFull);
    for (const _ of [1, 2, 3]) await book('20:00');
    expect(await session(shop)).toMatchObject([
      { capacity: 2, taken: 2 },
      { capacity: 3, taken: 3 },
    ]);
  });
});
