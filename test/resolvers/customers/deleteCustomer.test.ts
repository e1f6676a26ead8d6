import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { openLocalBus } from '../../../src/core/bus.ts';
import type { Context } from '../../../src/core/context.ts';
import type { Customer } from '../../../src/core/database.ts';
import { encodeId } from '../../../src/core/ids.ts';
import { personalData } from '../../../src/core/personalData.ts';
import { createSequencer } from '../../../src/events/sequencer.ts';
import { cancelBooking } from '../../../src/resolvers/bookings/cancelBooking.ts';
import { completeBooking } from '../../../src/resolvers/bookings/completeBooking.ts';
import { createBooking } from '../../../src/resolvers/bookings/createBooking.ts';
import { rescheduleBooking } from '../../../src/resolvers/bookings/rescheduleBooking.ts';
import { updateBooking } from '../../../src/resolvers/bookings/updateBooking.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';
import { deleteCustomer } from '../../../src/resolvers/customers/deleteCustomer.ts';
import { searchWhere } from '../../../src/resolvers/customers/searchable.ts';
import { updateCustomer } from '../../../src/resolvers/customers/updateCustomer.ts';
import { recordPayment } from '../../../src/resolvers/payments/recordPayment.ts';
import { refundPayment } from '../../../src/resolvers/payments/refundPayment.ts';
import { addTags } from '../../../src/resolvers/tags/addTags.ts';
import { atOnce, createWorkspace, openTestDatabase, readerOf, refused } from '../../support/context.ts';
import { aCustomer, aService, aStaffMember } from '../bookings/bookable.ts';

const db = await openTestDatabase();
const sequencer = createSequencer(readerOf(db), openLocalBus(), pino({ level: 'silent' }));

/** Every table with rows of its own, partitions under their parent. */
const tables = () => db.$queryRaw<{ name: string }[]>`
  SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')`;

/** Each table that has a row with this text in any column of any type, whatever its case. */
async function placesOf(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name } of await tables()) {
    const sql = `SELECT count(*)::integer AS hits FROM ${name} AS t WHERE t::text ILIKE $1`;
    const [row] = await db.$queryRawUnsafe<{ hits: number }[]>(sql, `%${text}%`);
    if (row!.hits > 0) found.push(name);
  }
  return found.sort();
}

/** A person whose every value can be told from every other's. */
function someone() {
  const mark = `mk${randomInt(1e9, 2e9)}`;
  const digits = String(randomInt(1e7, 9e7));
  const fields = (n: number) => ({
    externalId: `${mark} external ${n}`,
    firstName: `${mark} first ${n}`,
    lastName: `${mark} last ${n}`,
    email: `${mark}-${n}@${mark}.example.com`,
    phone: `+4930${digits}${n}`,
    companyName: `${mark} company ${n}`,
    jobTitle: `${mark} job ${n}`,
    website: `https://example.com/${mark}/${n}`,
    avatarUrl: `https://example.com/${mark}/${n}.png`,
    bornOn: new Date(`1815-12-1${n}`),
    timeZone: n === 0 ? 'Antarctica/Vostok' : 'Antarctica/Troll',
    language: `en-x-${mark.slice(0, 8)}-${n}`,
    referralSource: `${mark} referral ${n}`,
    source: `${mark} source ${n}`,
  });
  return { mark, digits, fields, traces: [mark, mark.slice(0, 8), `30${digits}`, '1815-12', 'Antarctica/'] };
}

/** A customer with a past, through the verbs as far as they go: every value changed once, everything commented on. */
async function withPast(
  admin: Context,
  { mark, digits, fields }: ReturnType<typeof someone>,
): Promise<Customer> {
  const clock = admin.clock as ReturnType<typeof createWorkspace> extends Promise<{ clock: infer Clock }>
    ? Clock
    : never;
  clock.set('2026-03-02T09:00:00Z');
  const [service, staff] = [await aService(admin), await aStaffMember(admin)];
  const customer = await createCustomer(admin, { ...fields(0), idempotencyKey: `first ${digits}` });
  const customerId = encodeId('Customer', customer.id);
  await updateCustomer(admin, { id: customerId, ...fields(1) });
  await addTags(admin, { customerIds: [customerId], tags: ['regular'] });

  for (const [day, finish] of [
    ['03', completeBooking],
    ['04', cancelBooking],
  ] as const) {
    const booking = await createBooking(admin, {
      customerId,
      serviceId: service.id,
      staffMemberId: staff.id,
      startsAt: new Date(`2026-03-${day}T10:00:00Z`),
      notes: `${mark} wishes`,
      externalId: `${mark} ${day}`,
      idempotencyKey: `${day} ${digits}`,
    });
    const id = encodeId('Booking', booking.id);
    await updateBooking(admin, { id, notes: `${mark} allergies` });
    await rescheduleBooking(admin, { id, startsAt: new Date(`2026-03-${day}T11:00:00Z`) });
    await finish(admin, { id, reason: `${mark} is ill` });
    const payment = await recordPayment(admin, {
      bookingId: id,
      amount: { amount: '50', currency: 'EUR' },
      method: 'CARD',
      gateway: 'stripe',
      transactionId: `tx ${booking.id}`,
    });
    await refundPayment(admin, {
      id: encodeId('Payment', payment.id),
      amount: { amount: '1', currency: 'EUR' },
      reason: `${mark} complained`,
    });
    await db.payment.update({ where: { id: payment.id }, data: { externalId: `${mark} ${day}` } });
  }
  clock.set('2026-03-10T09:00:00Z');
  return customer;
}

describe('deleteCustomer', () => {
  test('erases what the verbs ever wrote about the person, also from events that are sequenced, and nothing of others.', async () => {
    const [shop, other] = [await createWorkspace(db), await createWorkspace(db)];
    const admin = await shop.asUser('ADMIN');
    const [person, neighbour, stranger] = [someone(), someone(), someone()];
    const customer = await withPast(admin, person);
    await sequencer.run();
    await updateCustomer(admin, { id: encodeId('Customer', customer.id), ...person.fields(2) });
    expect(await placesOf(person.mark)).toEqual([
      'public.booking',
      'public.customer',
      'public.customer_word',
      'public.event_personal',
      'public.payment',
    ]);
    expect(await db.event.count({ where: { workspaceId: shop.workspace.id } })).toBeGreaterThan(0);
    expect(await db.eventOutbox.count({ where: { workspaceId: shop.workspace.id } })).toBeGreaterThan(0);

    const answer = await deleteCustomer(admin, { id: encodeId('Customer', customer.id) });
    await sequencer.run();
    for (const trace of person.traces) expect([trace, await placesOf(trace)]).toEqual([trace, []]);
    expect(
      JSON.stringify(answer, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
    ).not.toMatch(new RegExp(person.traces.join('|'), 'i'));

    // The same again with others there: theirs stays, to the last row.
    await withPast(admin, neighbour);
    await withPast(await other.asUser('ADMIN'), stranger);
    const second = await createCustomer(admin, { firstName: 'Second', source: person.mark });
    const rowsOf = async (who: { mark: string }) => {
      const counts = [];
      for (const { name } of await tables()) {
        const sql = `SELECT count(*)::integer AS hits FROM ${name} AS t WHERE t::text ILIKE $1`;
        counts.push([name, (await db.$queryRawUnsafe<{ hits: number }[]>(sql, `%${who.mark}%`))[0]!.hits]);
      }
      return counts;
    };
    const before = [await rowsOf(neighbour), await rowsOf(stranger)];
    await deleteCustomer(admin, { id: encodeId('Customer', second.id) });
    expect([await rowsOf(neighbour), await rowsOf(stranger)]).toEqual(before);
    expect(await placesOf(person.mark)).toEqual([]);
  });

  test('erases every column that core/personalData.ts lists, whatever stands in it.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const person = someone();
    const customer = await withPast(admin, person);
    const mark = `zz${randomInt(1e9, 2e9)}`;
    const types = await db.$queryRaw<{ table: string; column: string; type: string }[]>`
      SELECT table_name::text AS table, column_name::text AS column, data_type::text AS type FROM information_schema.columns
      WHERE table_schema = 'public'`;
    for (const { table, customer: key, blank } of personalData) {
      const columns = blank ? Object.keys(blank) : table === 'event_personal' ? ['values'] : [];
      for (const column of columns) {
        const type = types.find((one) => one.table === table && one.column === column)!.type;
        if (type === 'date') continue; // 1815-12 is looked for above.
        const value = { phone: '+493012345678', values: JSON.stringify({ data: mark }) }[column] ?? mark;
        await db.$executeRawUnsafe(
          `UPDATE ${table} SET ${column} = ($1 || CASE WHEN ${column === 'external_id'} THEN ${table}::text ELSE '' END)::${type} WHERE ${key} = $2::uuid`,
          value,
          customer.id,
        );
      }
    }
    expect(await placesOf(mark)).toEqual([
      'public.booking',
      'public.customer',
      'public.customer_word',
      'public.event_personal',
      'public.payment',
    ]);
    await deleteCustomer(admin, { id: encodeId('Customer', customer.id) });
    expect(await placesOf(mark)).toEqual([]);
    expect(await placesOf('3012345678')).toEqual([]);
  });

  /** Columns that hold text and no personal data of a customer, and why. A new column must come here or into core/personalData.ts. */
  const notPersonal: Record<string, Record<string, string>> = {
    customer: { country: 'too coarse to name anybody' },
    booking: {
      reference: 'made by us at random',
      time_zone: 'of the place where it was booked',
      currency: 'ISO 4217',
    },
    payment: {
      currency: 'ISO 4217',
      gateway: 'name of a provider',
      transaction_id: "the provider's number, which the books need",
    },
    customer_spending: { currency: 'ISO 4217' },
    event: { '*': 'facts and ids only: the test of the verbs above finds nothing personal in them' },
    event_outbox: { '*': 'as event' },
    idempotency_key: {
      '*': "the caller's own word, gone after a day; hashes, ids and failures, which repeat no input",
    },
    workspace: { '*': 'the business' },
    user: { '*': 'people of the business' },
    team: { '*': 'people of the business' },
    staff_member: { '*': 'people of the business' },
    api_key: { '*': 'programs of the business' },
    resource: { '*': 'things of the business' },
    service: { '*': 'things of the business' },
    lead_score_rule: { '*': 'a rule of the business' },
    segment: { '*': 'a group that the business made, by criteria of its own' },
    tag_rule: { '*': 'a rule of the business' },
    rfm_bounds: { '*': 'figures over all customers' },
    tag: { '*': 'a word of the business, shared by many customers' },
    upload: { '*': 'the name of a file, and its hash' },
    upload_chunk: { '*': 'the file as it was sent: deleted a day after it was last needed (pruneUploads)' },
    bulk_operation: { '*': 'the names of a file and its columns; why it could not be read' },
    integration_connection: { '*': 'an account of the business; its secrets are sealed' },
    integration_automation: { slot: 'a name of the business for one of its automations' },
    delivery: { '*': 'ids and facts: of a contact there the id, to delete it by' },
    integration_call: {
      '*': 'paths without their query, and messages in which addresses and numbers are masked',
    },
    integration_drift: { '*': 'names of fields and ids, no value' },
    inbound_message: { '*': "the sender's number of a message" },
    rate_budget: { '*': 'an account of the business' },
    event_reader: { '*': 'ours' },
    event_reader_failure: { '*': 'ours' },
    bulk_refusal: { '*': 'names of columns and fields, and what is wrong, without the value' },
    _prisma_migrations: { '*': 'ours' },
  };

  test('has an opinion on every column that can hold text.', async () => {
    const columns = await db.$queryRaw<{ table: string; column: string }[]>`
      SELECT c.relname::text AS table, a.attname::text AS column FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type t ON t.oid = a.atttypid
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND (t.typcategory IN ('S', 'A') OR t.typname IN ('json', 'jsonb', 'bytea', 'date', 'inet'))`;
    expect(columns.length).toBeGreaterThan(50);
    const undecided = columns.filter(({ table, column }) => {
      const kept = notPersonal[table]?.[column] ?? notPersonal[table]?.['*'];
      const erased = personalData.some(
        (place) => place.table === table && (!place.blank || column in place.blank),
      );
      return Boolean(kept) === erased;
    });
    expect(undecided).toEqual([]);
    const known = new Set(columns.map(({ table, column }) => `${table}.${column}`));
    const listed = personalData.flatMap(({ table, blank }) =>
      Object.keys(blank ?? {}).map((column) => `${table}.${column}`),
    );
    expect(listed.filter((place) => !known.has(place))).toEqual([]);
  });

  test('keeps what the books need, takes the customer out of sight, and says so in one event.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const person = someone();
    const customer = await withPast(admin, person);
    const id = encodeId('Customer', customer.id);
    const owner = await shop.asUser('STAFF');
    await updateCustomer(admin, { id, ownerId: encodeId('User', (owner.viewer as { id: string }).id) });
    const eventsBefore = await shop.events();
    const before = await db.customer.findUniqueOrThrow({ where: { id: customer.id } });
    const books = async () => [
      await db.booking.findMany({
        where: { customerId: customer.id },
        omit: { notes: true, cancelReason: true, externalId: true, updatedAt: true },
        orderBy: { id: 'asc' },
      }),
      await db.payment.findMany({
        where: { customerId: customer.id },
        omit: { externalId: true, updatedAt: true },
        orderBy: { id: 'asc' },
      }),
      await db.customerSpending.findMany({ where: { customerId: customer.id } }),
    ];
    const [booksBefore, namesBefore] = [await books(), before.sortName];
    expect(booksBefore.map((rows) => rows.length)).toEqual([2, 2, 1]);
    expect(namesBefore).not.toBe('');

    await deleteCustomer(admin, { id });
    expect(await books()).toEqual(booksBefore);
    const { totalBookings, completedBookings, cancelledBookings, firstBookingAt } = before;
    expect(await db.customer.findUnique({ where: { id: customer.id } })).toMatchObject({
      deletedAt: shop.clock.now(),
      updatedAt: shop.clock.now(),
      ownerId: null,
      teamId: null,
      totalBookings,
      completedBookings,
      cancelledBookings,
      firstBookingAt,
    });
    expect(await db.customerTag.count({ where: { customerId: customer.id } })).toBe(0);
    expect(
      await db.customerAccess.count({
        where: { customerId: customer.id, principalId: (owner.viewer as { id: string }).id },
      }),
    ).toBe(0);
    const events = await shop.events();
    expect(events.slice(eventsBefore.length)).toEqual([
      expect.objectContaining({
        type: 'customer.deleted',
        subjectId: customer.id,
        customerId: customer.id,
        data: {},
        changes: null,
        personal: null,
      }),
    ]);
    expect(events.filter(({ personal }) => personal)).toEqual([]);
    expect(await db.customer.count({ where: { AND: [searchWhere(person.mark)] } })).toBe(0);

    // Their e-mail address and external id are free again.
    const { externalId, email } = person.fields(1);
    expect(await createCustomer(admin, { externalId, email })).toMatchObject({ externalId, email });
  });

  test('is final: nothing finds the customer any more, and nothing personal is kept about them later.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const person = someone();
    const customer = await withPast(admin, person);
    const id = encodeId('Customer', customer.id);
    const service = await aService(admin);
    shop.clock.set('2026-03-01T09:00:00Z');
    const open = await createBooking(admin, {
      customerId: id,
      serviceId: service.id,
      startsAt: new Date('2026-03-08T09:00:00Z'),
    });
    shop.clock.set('2026-03-10T09:00:00Z');
    await deleteCustomer(admin, { id });

    const attempts: [string, () => Promise<unknown>][] = [
      ['deleteCustomer', () => deleteCustomer(admin, { id })],
      ['updateCustomer', () => updateCustomer(admin, { id, firstName: person.mark })],
      ['addTags', () => addTags(admin, { customerIds: [id], tags: ['regular'] })],
      [
        'createBooking',
        () =>
          createBooking(admin, {
            customerId: id,
            serviceId: service.id,
            startsAt: new Date('2026-04-01T09:00:00Z'),
          }),
      ],
    ];
    for (const [, attempt] of attempts)
      expect(await refused(admin, attempt)).toMatchObject({ code: 'NOT_FOUND', id });
    expect(
      await refused(admin, () =>
        createCustomer(admin, { ...person.fields(0), idempotencyKey: `first ${person.digits}` }),
      ),
    ).toMatchObject({
      code: 'NOT_FOUND',
    });

    // The books go on: a booking that was left open can be closed, without a word about the person.
    const bookingId = encodeId('Booking', open.id);
    await updateBooking(admin, { id: bookingId, notes: person.mark });
    await cancelBooking(admin, { id: bookingId, reason: person.mark });
    expect(await db.booking.findUnique({ where: { id: open.id } })).toMatchObject({
      status: 'CANCELLED',
      notes: null,
      cancelReason: null,
    });
    expect(await placesOf(person.mark)).toEqual([]);
  });

  test('is refused while a booking is to come or under way, and everything stays.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const customer = await withPast(admin, someone());
    const id = encodeId('Customer', customer.id);
    const service = await aService(admin);
    const booking = await createBooking(admin, {
      customerId: id,
      serviceId: service.id,
      startsAt: new Date('2026-03-10T12:00:00Z'),
    });
    for (const now of ['2026-03-10T09:00:00Z', '2026-03-10T12:30:00Z']) {
      shop.clock.set(now);
      const failure = await refused(admin, () => deleteCustomer(admin, { id }));
      expect(failure).toMatchObject({
        code: 'INVALID_STATE',
        message: expect.stringMatching(/yet to come: 1\. Cancel them first/),
      });
    }
    await cancelBooking(admin, { id: encodeId('Booking', booking.id) });
    expect(await deleteCustomer(admin, { id })).toMatchObject({ deletedAt: shop.clock.now() });
  });

  test('finds nothing in another workspace or beyond the row scope, and is for callers who may delete.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const { id } = await aCustomer(admin);
    const stranger = await (await createWorkspace(db)).asUser('ADMIN');
    const manager = await shop.asUser('MANAGER', { rowScope: 'ASSIGNED' });
    for (const ctx of [stranger, manager]) {
      expect(await refused(ctx, () => deleteCustomer(ctx, { id }))).toMatchObject({ code: 'NOT_FOUND', id });
    }
    for (const [ctx, code] of [
      [shop.asAnonymous(), 'UNAUTHENTICATED'],
      [await shop.asUser('SALES'), 'FORBIDDEN'],
    ] as const) {
      expect(await refused(ctx, () => deleteCustomer(ctx, { id }))).toMatchObject({ code });
    }
    expect(await refused(admin, () => deleteCustomer(admin, { id: 'ada' }))).toMatchObject({
      issues: [{ path: 'id' }],
    });
  });

  test('holds against everything else that happens to the customer at the same moment.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const service = await aService(admin);
    const marks = await atOnce(60, async () => {
      const { mark } = someone();
      shop.clock.set('2026-03-02T09:00:00Z');
      const { id, row } = await aCustomer(admin);
      const past = { customerId: id, serviceId: service.id, startsAt: new Date('2026-03-02T10:00:00Z') };
      const bookings = [await createBooking(admin, past), await createBooking(admin, past)];
      return { mark, id, uuid: row.id, bookings: bookings.map((booking) => encodeId('Booking', booking.id)) };
    });
    shop.clock.set('2026-03-10T09:00:00Z');
    let deleted = 0;
    for (const { mark, id, uuid, bookings } of marks) {
      const soon = () => sleep(Math.random() * 8);
      const [deletion] = await Promise.allSettled([
        soon().then(() => deleteCustomer(admin, { id })),
        soon().then(() => updateBooking(admin, { id: bookings[0], notes: mark })),
        soon().then(() => cancelBooking(admin, { id: bookings[1], reason: mark })),
        soon().then(() => updateCustomer(admin, { id, lastName: mark })),
        soon().then(() =>
          createBooking(admin, {
            customerId: id,
            serviceId: service.id,
            startsAt: new Date('2026-04-01T09:00:00Z'),
            notes: mark,
          }),
        ),
      ]);
      if (deletion.status === 'rejected') {
        expect(deletion.reason).toMatchObject({ code: 'INVALID_STATE' });
        continue;
      }
      deleted++;
      expect(await placesOf(mark)).toEqual([]);
      expect(
        await db.booking.count({ where: { customerId: uuid, startsAt: { gt: shop.clock.now() } } }),
      ).toBe(0);
    }
    expect(deleted).toBeGreaterThan(5);
    expect(deleted).toBeLessThan(60);
  });
});
