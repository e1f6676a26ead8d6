import { describe, expect, test } from 'vitest';
import type { Context } from '../../../src/core/context.ts';
import type { Failure, InvalidInput } from '../../../src/core/errors.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { cancelBooking } from '../../../src/resolvers/bookings/cancelBooking.ts';
import { createBooking } from '../../../src/resolvers/bookings/createBooking.ts';
import { updateBooking } from '../../../src/resolvers/bookings/updateBooking.ts';
import { updateCustomer } from '../../../src/resolvers/customers/updateCustomer.ts';
import { atOnce, createWorkspace, openTestDatabase, refused } from '../../support/context.ts';
import { aCustomer, aResource, aService, aStaffMember } from './bookable.ts';

const db = await openTestDatabase();
const startsAt = new Date('2026-12-01T10:00:00Z');

async function aShop() {
  const shop = await createWorkspace(db, { timeZone: 'Europe/Lisbon' });
  const admin = await shop.asUser('ADMIN');
  const made = {
    service: await aService(admin, { name: 'Cut', durationMinutes: 45, priceMinor: 3_250n }),
    customer: await aCustomer(admin),
    staff: await aStaffMember(admin, { timeZone: 'America/New_York' }),
    chair: await aResource(admin),
  };
  const input = { customerId: made.customer.id, serviceId: made.service.id, startsAt };
  return {
    shop,
    admin,
    ...made,
    input,
    book: (more: object = {}) => createBooking(admin, { ...input, ...more }),
  };
}

describe('createBooking', () => {
  test('books what was asked for, and says so in one event that holds nothing personal.', async () => {
    const { shop, admin, service, customer, staff, chair, book } = await aShop();
    const booking = await book({
      staffMemberId: staff.id,
      resourceId: chair.id,
      timeZone: 'Asia/Kolkata',
      durationMinutes: 30,
      price: { amount: '12.5', currency: 'usd' },
      notes: '  short at the sides ',
      externalId: 'x1',
    });
    expect(booking).toEqual({
      id: expect.any(String),
      workspaceId: shop.workspace.id,
      reference: expect.stringMatching(/^[2-9A-HJ-NP-Z]{5}-[2-9A-HJ-NP-Z]{5}$/),
      externalId: 'x1',
      customerId: customer.row.id,
      serviceId: service.row.id,
      staffMemberId: staff.row.id,
      resourceId: chair.row.id,
      sessionId: null,
      status: 'PENDING',
      startsAt,
      endsAt: new Date('2026-12-01T10:30:00Z'),
      blockedFrom: startsAt,
      blockedUntil: new Date('2026-12-01T10:30:00Z'),
      timeZone: 'Asia/Kolkata',
      priceMinor: 1_250n,
      currency: 'USD',
      notes: 'short at the sides',
      confirmedAt: null,
      cancelledAt: null,
      cancelReason: null,
      completedAt: null,
      createdAt: shop.clock.now(),
      updatedAt: shop.clock.now(),
    });
    expect(await db.booking.findMany({ where: { workspaceId: shop.workspace.id } })).toEqual([booking]);
    expect(await shop.events('booking.created')).toEqual([
      {
        type: 'booking.created',
        subjectId: booking.id,
        customerId: customer.row.id,
        actorId: (admin.viewer as { id: string }).id,
        changes: null,
        personal: null,
        data: {
          bookingId: encodeId('Booking', booking.id),
          serviceId: service.id,
          serviceName: 'Cut',
          staffMemberId: staff.id,
          resourceId: chair.id,
          status: 'PENDING',
          startsAt: '2026-12-01T10:00:00.000Z',
          endsAt: '2026-12-01T10:30:00.000Z',
          priceMinor: '1250',
          currency: 'USD',
        },
      },
    ]);
  });

  test('takes duration and price from the service, and the zone from the staff member or else the workspace.', async () => {
    const { staff, book } = await aShop();
    expect(await book()).toMatchObject({
      endsAt: new Date('2026-12-01T10:45:00Z'),
      priceMinor: 3_250n,
      currency: 'EUR',
      timeZone: 'Europe/Lisbon',
      staffMemberId: null,
      resourceId: null,
      notes: null,
    });
    expect(await book({ staffMemberId: staff.id })).toMatchObject({ timeZone: 'America/New_York' });
    expect(await book({ timeZone: null, notes: '', externalId: ' ', durationMinutes: null })).toMatchObject({
      timeZone: 'Europe/Lisbon',
      notes: null,
      externalId: null,
    });
  });

  test('takes the zone of a class from the staff member of the session that is joined.', async () => {
    const { admin, staff, book } = await aShop();
    const yoga = await aService(admin, { capacity: 5 });
    await book({ serviceId: yoga.id, staffMemberId: staff.id });
    expect(await book({ serviceId: yoga.id })).toMatchObject({
      staffMemberId: staff.row.id,
      timeZone: 'America/New_York',
    });
  });

  test('is about instants: an hour that the clocks skip or repeat is a moment like any other, and lasts as long.', async () => {
    const { staff, book } = await aShop();
    // New York, 2026-03-08: at 02:00 (07:00 UTC) the clock goes to 03:00. 2026-11-01: 01:00-02:00 comes twice.
    const spring = new Date('2026-03-08T06:30:00Z');
    expect(await book({ staffMemberId: staff.id, startsAt: spring, durationMinutes: 60 })).toMatchObject({
      startsAt: spring,
      endsAt: new Date('2026-03-08T07:30:00Z'),
    });
    const [first, second] = [new Date('2026-11-01T05:30:00Z'), new Date('2026-11-01T06:30:00Z')];
    for (const startsAt of [first, second]) {
      expect(await book({ staffMemberId: staff.id, startsAt, durationMinutes: 60 })).toMatchObject({
        startsAt,
      });
    }
    // The same moment written with another offset is the same slot.
    const again = book({ staffMemberId: staff.id, startsAt: new Date('2026-11-01T01:30:00-04:00') });
    await expect(again).rejects.toMatchObject({ code: 'SLOT_TAKEN' });
  });

  test('books without a staff member or chair as often as one likes, and long ones too.', async () => {
    const { shop, admin, book } = await aShop();
    await atOnce(5, () => book());
    expect(await book({ durationMinutes: 366 * 24 * 60 })).toMatchObject({
      endsAt: new Date('2027-12-02T10:00:00Z'),
    });
    const hotel = await aService(admin, { durationMinutes: 7 * 24 * 60, bufferAfterMinutes: 120 });
    expect(await book({ serviceId: hotel.id })).toMatchObject({
      blockedUntil: new Date('2026-12-08T12:00:00Z'),
    });
    expect(await db.booking.count({ where: { workspaceId: shop.workspace.id } })).toBe(7);
  });

  test('gives each booking a reference of its own.', async () => {
    const { book } = await aShop();
    const references = (await atOnce(50, () => book())).map(({ reference }) => reference);
    expect(new Set(references).size).toBe(50);
  });
});

/** With an idempotency key a booking takes several statements, without one a single one. */
test.each([
  [
    'with everything',
    {
      timeZone: 'Asia/Kolkata',
      durationMinutes: 30,
      price: { amount: '12.5', currency: 'usd' },
      notes: 'Short.',
    },
    true,
  ],
  ['with the least', {}, false],
] as const)('createBooking does the same in one statement as in several: %s.', async (_, more, held) => {
  const made = [];
  for (const way of [{}, { idempotencyKey: 'once' }]) {
    const { shop, staff, chair, book, admin } = await aShop();
    const who = held ? { staffMemberId: staff.id, resourceId: chair.id } : {};
    const booking = await book({ ...more, ...who, ...way });
    expect(booking).toEqual(await db.booking.findUniqueOrThrow({ where: { id: booking.id } }));
    const [event] = await shop.events('booking.created');
    const stored = await db.eventOutbox.findFirstOrThrow({
      where: { workspaceId: shop.workspace.id, type: 'booking.created' },
    });
    expect('id' in admin.viewer && stored.actorId).toBe('id' in admin.viewer && admin.viewer.id);
    const text = (value: unknown) =>
      JSON.stringify(value, (name, part) =>
        typeof part === 'bigint' && name !== 'seq'
          ? String(part)
          : /^(id|reference|seq|.*Id)$/.test(name)
            ? part && typeof part
            : part,
      );
    made.push({ booking: text(booking), event: text(event), stored: text(stored) });
  }
  expect(made[0]).toEqual(made[1]);
});

describe('createBooking refuses, and leaves nothing behind,', () => {
  const id = (type: 'Customer' | 'Service' | 'StaffMember' | 'Resource' | 'Tag') => encodeId(type, newId());
  const unusable: [title: string, input: object, path: string, message: RegExp][] = [
    ['a customer that is none', { customerId: 'ada' }, 'customerId', /id of a Customer/],
    ['the id of something else as service', { serviceId: id('Tag') }, 'serviceId', /id of a Service/],
    [
      'the id of something else as staff member',
      { staffMemberId: id('Resource') },
      'staffMemberId',
      /id of a StaffMember/,
    ],
    [
      'the id of something else as resource',
      { resourceId: id('StaffMember') },
      'resourceId',
      /id of a Resource/,
    ],
    ['no time', { startsAt: undefined }, 'startsAt', /date and time/],
    ['a time that is none', { startsAt: new Date('nonsense') }, 'startsAt', /date and time/],
    ['a time before our calendar', { startsAt: new Date('0000-06-01') }, 'startsAt', /years 1000 and 9000/],
    [
      'a time so late that its end cannot be written',
      { startsAt: new Date('9999-12-31T23:59:00Z') },
      'startsAt',
      /years 1000 and 9000/,
    ],
    ['a zone that there is not', { timeZone: 'Europe/Atlantis' }, 'timeZone', /IANA/],
    ['a duration of nothing', { durationMinutes: 0 }, 'durationMinutes', /at least 1 minute/],
    ['a duration before nothing', { durationMinutes: -30 }, 'durationMinutes', /at least 1 minute/],
    ['half a minute', { durationMinutes: 0.5 }, 'durationMinutes', /./],
    ['more than a year', { durationMinutes: 366 * 24 * 60 + 1 }, 'durationMinutes', /at most a year/],
    ['a negative price', { price: { amount: '-1', currency: 'EUR' } }, 'price.amount', /zero or more/],
    [
      'a price with too many decimal places',
      { price: { amount: '1.001', currency: 'EUR' } },
      'price.amount',
      /2 decimal places for EUR/,
    ],
    [
      'yen with decimal places',
      { price: { amount: '1.5', currency: 'JPY' } },
      'price.amount',
      /0 decimal places for JPY/,
    ],
    [
      'a currency that there is not',
      { price: { amount: '1', currency: 'XXY' } },
      'price.currency',
      /ISO 4217/,
    ],
    ['a price in words', { price: { amount: '1e3', currency: 'EUR' } }, 'price.amount', /zero or more/],
    ['notes that are too long', { notes: 'x'.repeat(5_001) }, 'notes', /at most 5000/],
    ['notes with a NUL', { notes: 'a\0' }, 'notes', /NUL/],
    ['notes with a lone surrogate', { notes: '\ud800' }, 'notes', /Unicode/],
    ['an external id with a NUL', { externalId: 'a\0' }, 'externalId', /NUL/],
    ['an external id that is too long', { externalId: 'x'.repeat(256) }, 'externalId', /at most 255/],
    ['an empty idempotency key', { idempotencyKey: '' }, 'idempotencyKey', /empty/],
  ];
  test.each(unusable)('%s.', async (_, input, path, message) => {
    const { admin, book } = await aShop();
    const failure = (await refused(admin, () => book({ idempotencyKey: 'k', ...input }))) as InvalidInput;
    expect(failure.issues).toEqual([{ path, message: expect.stringMatching(message) }]);
    expect(await db.idempotencyKey.count({ where: { workspaceId: admin.workspace.id } })).toBe(0);
  });

  test("what is another workspace's, is not there, or may not be seen.", async () => {
    const [{ shop, admin, input, book }, other] = [await aShop(), await aShop()];
    const foreign = {
      customerId: other.customer.id,
      serviceId: other.service.id,
      staffMemberId: other.staff.id,
      resourceId: other.chair.id,
    };
    const missing = {
      customerId: id('Customer'),
      serviceId: id('Service'),
      staffMemberId: id('StaffMember'),
      resourceId: id('Resource'),
    };
    for (const [field, value] of [...Object.entries(foreign), ...Object.entries(missing)]) {
      expect(await refused(admin, () => book({ [field]: value }))).toMatchObject({
        code: 'NOT_FOUND',
        id: value,
      });
    }
    const staff = await shop.asUser('STAFF');
    expect(await refused(staff, () => createBooking(staff, input))).toMatchObject({
      code: 'NOT_FOUND',
      id: input.customerId,
    });
  });

  test('a blocked customer, and takes them again once they are not blocked.', async () => {
    const { admin, customer, book } = await aShop();
    await updateCustomer(admin, { id: customer.id, status: 'BLOCKED' });
    expect(await refused(admin, () => book())).toMatchObject({
      code: 'INVALID_STATE',
      message: expect.stringMatching(/blocked/),
    });
    await updateCustomer(admin, { id: customer.id, status: 'ARCHIVED' });
    await book();
  });

  test('a service, staff member or resource that is out of use.', async () => {
    const { admin, book } = await aShop();
    const off = { active: false };
    const [service, staff, chair] = [
      await aService(admin, off),
      await aStaffMember(admin, off),
      await aResource(admin, off),
    ];
    for (const [wish, words] of [
      [{ serviceId: service.id }, /service cannot be booked/],
      [{ staffMemberId: staff.id }, /staff member does not take bookings/],
      [{ resourceId: chair.id }, /resource cannot be booked/],
    ] as const) {
      expect(await refused(admin, () => book(wish))).toMatchObject({
        code: 'INVALID_STATE',
        message: expect.stringMatching(words),
      });
    }
  });

  test('a class whose staff member went out of use, also when nobody is named.', async () => {
    const { admin, staff, book } = await aShop();
    const yoga = await aService(admin, { capacity: 5 });
    await book({ serviceId: yoga.id, staffMemberId: staff.id });
    await db.staffMember.update({ where: { id: staff.row.id }, data: { active: false } });
    expect(await refused(admin, () => book({ serviceId: yoga.id }))).toMatchObject({ code: 'INVALID_STATE' });
  });

  test('an external id that another booking of the workspace has.', async () => {
    const [{ admin, book }, other] = [await aShop(), await aShop()];
    await other.book({ externalId: 'x1' });
    await book({ externalId: 'x1' });
    expect(await refused(admin, () => book({ externalId: 'x1' }))).toMatchObject({
      code: 'ALREADY_EXISTS',
      field: 'externalId',
    });
  });

  test('callers who may not write bookings.', async () => {
    const { shop, input } = await aShop();
    for (const [ctx, code] of [
      [shop.asAnonymous(), 'UNAUTHENTICATED'],
      [await shop.asUser('MARKETING'), 'FORBIDDEN'],
      [await shop.asKey('ADMIN', 'bookings.read'), 'FORBIDDEN'],
    ] as const) {
      expect(await refused(ctx, () => createBooking(ctx, input))).toMatchObject({ code });
    }
  });
});

describe('createBooking with an idempotency key', () => {
  const key = { idempotencyKey: 'once' };
  const failureOf = (work: Promise<unknown>) =>
    work.then(
      () => 'no failure',
      (error: Failure) => ({ code: error.code, message: error.message, ...error.details() }),
    );
  const bookings = (ctx: Context) => db.booking.count({ where: { workspaceId: ctx.workspace.id } });

  test('books once, however often and by how many at once it is called, and answers with the booking as it is now.', async () => {
    const { shop, admin, staff, book } = await aShop();
    const wish = { ...key, staffMemberId: staff.id };
    const answers = await atOnce(100, () => book(wish));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(await bookings(admin)).toBe(1);
    expect(await shop.events('booking.created')).toHaveLength(1);
    const changed = await updateBooking(admin, { id: encodeId('Booking', answers[0]!.id), notes: 'changed' });
    expect(await book(wish)).toEqual(changed);
  });

  test('refuses any other input, and knows the same one in other words.', async () => {
    const { admin, staff, book } = await aShop();
    const wish = { ...key, staffMemberId: staff.id, price: { amount: '10', currency: 'EUR' }, notes: 'x' };
    const first = await book(wish);
    expect(await book({ ...wish, price: { amount: '10.00', currency: 'eur' }, notes: ' x ' })).toEqual(first);
    expect(await book({ ...wish, startsAt: new Date('2026-12-01T11:00:00+01:00') })).toEqual(first);
    for (const other of [
      { notes: 'y' },
      { startsAt: new Date('2026-12-01T10:00:00.001Z') },
      { price: null },
      { staffMemberId: null },
    ]) {
      const failure = await refused(admin, () => book({ ...wish, ...other }));
      expect(failure.code).toBe('IDEMPOTENCY_KEY_REUSED');
    }
  });

  test('answers a refusal again, also when the slot has become free.', async () => {
    const { admin, staff, book } = await aShop();
    const holder = await book({ staffMemberId: staff.id });
    const wish = { ...key, staffMemberId: staff.id };
    const first = await failureOf(book(wish));
    expect(first).toMatchObject({ code: 'SLOT_TAKEN', field: 'staffMemberId' });
    await cancelBooking(admin, { id: encodeId('Booking', holder.id) });
    expect(await failureOf(book(wish))).toEqual(first);
    expect(await bookings(admin)).toBe(1);
    await book({ staffMemberId: staff.id });
  });

  test('answers every kind of refusal again as it was.', async () => {
    const { admin, customer, book } = await aShop();
    const yoga = await aService(admin, { capacity: 2 });
    for (const _ of [1, 2]) await book({ serviceId: yoga.id });
    await book({ externalId: 'x1' });
    const off = await aService(admin, { active: false });
    const cases = {
      CLASS_FULL: { serviceId: yoga.id },
      INVALID_INPUT: { serviceId: yoga.id, durationMinutes: 30 },
      INVALID_STATE: { serviceId: off.id },
      ALREADY_EXISTS: { externalId: 'x1' },
      NOT_FOUND: { staffMemberId: encodeId('StaffMember', newId()) },
    };
    for (const [code, wish] of Object.entries(cases)) {
      await refused(admin, () => book({ ...wish, idempotencyKey: code }));
      const first = await failureOf(book({ ...wish, idempotencyKey: code }));
      expect(first).toMatchObject({ code });
      expect(await failureOf(book(wish))).toEqual(first);
      expect(await failureOf(book({ ...wish, idempotencyKey: code }))).toEqual(first);
    }
    expect(customer.row.totalBookings).toBe(0);
    expect(await bookings(admin)).toBe(3);
  });
});
