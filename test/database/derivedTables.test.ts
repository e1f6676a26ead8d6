import { expect, test } from 'vitest';
import type { Context } from '../../src/core/context.ts';
import { Prisma } from '../../src/core/database.ts';
import { Failure } from '../../src/core/errors.ts';
import { encodeId, newId } from '../../src/core/ids.ts';
import { cancelBooking } from '../../src/resolvers/bookings/cancelBooking.ts';
import { completeBooking } from '../../src/resolvers/bookings/completeBooking.ts';
import { createBooking } from '../../src/resolvers/bookings/createBooking.ts';
import { markBookingNoShow } from '../../src/resolvers/bookings/markBookingNoShow.ts';
import { rescheduleBooking } from '../../src/resolvers/bookings/rescheduleBooking.ts';
import { recordPayment } from '../../src/resolvers/payments/recordPayment.ts';
import { refundPayment } from '../../src/resolvers/payments/refundPayment.ts';
import { atOnce, createWorkspace, openTestDatabase, type TestWorkspace } from '../support/context.ts';

/**
 * Statistics, spending, access and places are kept by triggers. Whatever is written, in whatever order, many rows
 * at once or one, they must equal what a count from scratch finds. `SEED=123` repeats a run.
 */

const db = await openTestDatabase();

/** Mulberry32: a small generator whose whole sequence follows from the seed. */
function random(seed: number) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number) => Math.floor(next() * bound);
  return {
    below,
    chance: (share: number) => next() < share,
    one: <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item,
    some: <Item>(items: readonly Item[]): Item[] => items.filter(() => next() < 0.4),
  };
}
type Random = ReturnType<typeof random>;

/** What differs between the derived tables and a count from scratch; nothing, if all is well. */
async function differences(): Promise<unknown[]> {
  return db.$queryRaw`
    WITH kept AS (
      SELECT 'statistics' AS what, id AS of, NULL::text AS part,
        jsonb_build_array(total_bookings, completed_bookings, cancelled_bookings, no_show_bookings,
          first_booking_at, last_booking_at, last_visit_at) AS value FROM customer
      UNION ALL SELECT 'spending', customer_id, currency, jsonb_build_array(amount_minor, payments)
        FROM customer_spending WHERE (amount_minor, payments) <> (0, 0)
      UNION ALL SELECT 'access', customer_id, principal_id::text, to_jsonb(reasons) FROM customer_access
      UNION ALL SELECT 'places', id, NULL, to_jsonb(taken) FROM class_session
      UNION ALL SELECT 'words', customer_id, word, to_jsonb(previous) FROM customer_word
      UNION ALL SELECT 'tags', customer_id, tag_id::text, to_jsonb(customer_created_at) FROM customer_tag
    ), counted AS (
      SELECT 'statistics' AS what, c.id AS of, NULL::text AS part, jsonb_build_array(
          count(b.id), count(b.id) FILTER (WHERE b.status = 'COMPLETED'), count(b.id) FILTER (WHERE b.status = 'CANCELLED'),
          count(b.id) FILTER (WHERE b.status = 'NO_SHOW'),
          min(b.starts_at) FILTER (WHERE b.status IN ('PENDING', 'CONFIRMED', 'COMPLETED')),
          max(b.starts_at) FILTER (WHERE b.status IN ('PENDING', 'CONFIRMED', 'COMPLETED')),
          max(b.starts_at) FILTER (WHERE b.status = 'COMPLETED')) AS value
        FROM customer c LEFT JOIN booking b ON b.customer_id = c.id GROUP BY c.id
      UNION ALL SELECT 'spending', customer_id, currency, jsonb_build_array(sum(amount_minor - refunded_minor)::bigint, count(*))
        FROM payment GROUP BY 2, 3 HAVING count(*) > 0
      UNION ALL SELECT 'access', customer, principal::text, to_jsonb(count(*)) FROM (
          SELECT id AS customer, owner_id AS principal FROM customer
          UNION ALL SELECT id, team_id FROM customer
          UNION ALL SELECT customer_id, staff_member_id FROM booking
        ) reasons WHERE principal IS NOT NULL GROUP BY 2, 3
      UNION ALL SELECT 'places', s.id, NULL, to_jsonb(count(b.id) FILTER (WHERE b.status <> 'CANCELLED'))
        FROM class_session s LEFT JOIN booking b ON b.session_id = s.id GROUP BY s.id
      UNION ALL SELECT 'words', id, word, to_jsonb(coalesce(max(word) OVER (PARTITION BY id ORDER BY word COLLATE "C"
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), ''))
        FROM (SELECT DISTINCT id, left(unnest(string_to_array(search_text, ' ')), 64) COLLATE "C" AS word FROM customer) words WHERE word <> ''
      UNION ALL SELECT 'tags', t.customer_id, t.tag_id::text, to_jsonb(c.created_at) FROM customer_tag t JOIN customer c ON c.id = t.customer_id
    )
    SELECT 'kept' AS side, * FROM (TABLE kept EXCEPT TABLE counted) a
    UNION ALL SELECT 'counted', * FROM (TABLE counted EXCEPT TABLE kept) b ORDER BY 3, 4, 1`;
}

interface World {
  shop: TestWorkspace;
  admin: Context;
  customers: string[];
  users: string[];
  teams: string[];
  staff: string[];
  service: string;
  yoga: string;
  sessions: string[];
}

async function aWorld(): Promise<World> {
  const shop = await createWorkspace(db);
  const admin = await shop.asUser('ADMIN');
  const workspaceId = shop.workspace.id;
  const ids = (count: number) => Array.from({ length: count }, newId);
  const world: World = {
    shop,
    admin,
    customers: ids(6),
    users: ids(3),
    teams: ids(2),
    staff: ids(3),
    service: newId(),
    yoga: newId(),
    sessions: ids(4),
  };
  const common = { durationMinutes: 60, priceMinor: 1_000n, currency: 'EUR', workspaceId };
  await db.user.createMany({
    data: world.users.map((id) => ({
      id,
      workspaceId,
      email: `${id}@example.com`,
      displayName: 'U',
      role: 'STAFF',
    })),
  });
  await db.team.createMany({ data: world.teams.map((id) => ({ id, workspaceId, name: id })) });
  await db.staffMember.createMany({
    data: world.staff.map((id) => ({ id, workspaceId, displayName: 'S', timeZone: 'UTC' })),
  });
  await db.service.createMany({
    data: [
      { id: world.service, name: 'Cut', ...common },
      { id: world.yoga, name: 'Yoga', capacity: 4, ...common },
    ],
  });
  await db.customer.createMany({
    data: world.customers.map((id) => ({ id, workspaceId, firstName: 'C', sortName: 'c', searchText: ' c' })),
  });
  await db.classSession.createMany({
    data: world.sessions.map((id, n) => ({
      id,
      workspaceId,
      serviceId: world.yoga,
      startsAt: new Date(Date.UTC(2027, 0, n + 1)),
      endsAt: new Date(Date.UTC(2027, 0, n + 1, 1)),
      capacity: [3, 8, 20, 50][n] as number,
    })),
  });
  return world;
}

const statuses = ['PENDING', 'CONFIRMED', 'CANCELLED', 'COMPLETED', 'NO_SHOW'] as const;
const currencies = ['EUR', 'USD', 'JPY'];
/** An hour of its own in ten years, so that few bookings overlap. */
const hour = (r: Random) => new Date(Date.UTC(2020, 0, 1, r.below(80_000)));

const values = (rows: Prisma.Sql[]) => Prisma.join(rows, ', ');

function bookingRow(r: Random, world: World, id: string): Prisma.Sql {
  const startsAt = hour(r);
  const endsAt = new Date(startsAt.getTime() + 3_600_000);
  const session = r.chance(0.4) ? r.one(world.sessions) : null;
  const staff = r.chance(0.5) ? r.one(world.staff) : null;
  return Prisma.sql`(${id}::uuid, ${world.shop.workspace.id}::uuid, ${id}, ${r.one(world.customers)}::uuid,
    ${session ? world.yoga : world.service}::uuid, ${staff}::uuid, ${session}::uuid, ${r.one(statuses)}::booking_status,
    ${startsAt}::timestamptz, ${endsAt}::timestamptz, ${startsAt}::timestamptz, ${endsAt}::timestamptz, 'UTC', 100, 'EUR', now())`;
}
const bookingColumns =
  Prisma.raw(`id, workspace_id, reference, customer_id, service_id, staff_member_id, session_id, status,
  starts_at, ends_at, blocked_from, blocked_until, time_zone, price_minor, currency, updated_at`);

function paymentRow(r: Random, world: World, id: string): Prisma.Sql {
  const amount = r.below(10_000);
  return Prisma.sql`(${id}::uuid, ${world.shop.workspace.id}::uuid, ${r.one(world.customers)}::uuid, ${amount}::bigint,
    ${r.below(amount + 1)}::bigint, ${r.one(currencies)}, 'CASH', 'SUCCEEDED', now(), now())`;
}
const paymentColumns = Prisma.raw(
  'id, workspace_id, customer_id, amount_minor, refunded_minor, currency, method, status, paid_at, updated_at',
);

const idsOf = async (table: 'booking' | 'payment', { shop }: World) =>
  (
    await db.$queryRaw<{ id: string }[]>`
    SELECT id::text FROM ${Prisma.raw(table)} WHERE workspace_id = ${shop.workspace.id}::uuid ORDER BY id`
  ).map(({ id }) => id);

const words = [
  'ada',
  'Ada',
  'adam',
  'e',
  'é',
  '\u{1f600}',
  'x'.repeat(70),
  `${'x'.repeat(70)}y`,
  '10%',
  '30901',
  '',
];
const searchTextOf = (r: Random) =>
  r
    .some(words)
    .map((word) => ` ${word}`)
    .join('');

/** Every way to write that the steps are made of. Each works on many rows in one statement, or goes through a verb. */
const steps: Record<string, (r: Random, world: World) => Promise<unknown>> = {
  insertBookings: (r, world) =>
    db.$executeRaw`INSERT INTO booking (${bookingColumns}) VALUES ${values(Array.from({ length: 1 + r.below(12) }, () => bookingRow(r, world, newId())))}`,

  /** Each row gets something else, some of them nothing at all. */
  updateBookings: async (r, world) => {
    const chosen = r.some(await idsOf('booking', world));
    if (chosen.length === 0) return;
    const rows = chosen.map(
      (id) => Prisma.sql`(${id}::uuid, ${r.chance(0.6) ? r.one(statuses) : null}::booking_status,
        ${r.chance(0.3) ? hour(r) : null}::timestamptz, ${r.chance(0.3) ? r.one(world.customers) : null}::uuid,
        ${r.chance(0.3) ? r.one(world.staff) : null}::uuid, ${r.chance(0.2)}::boolean, ${r.chance(0.3) ? r.one(world.sessions) : null}::uuid, ${r.chance(0.2)}::boolean)`,
    );
    await db.$executeRaw`UPDATE booking b SET status = coalesce(v.status, b.status), customer_id = coalesce(v.customer, b.customer_id),
        starts_at = coalesce(v.at, b.starts_at), ends_at = coalesce(v.at, b.starts_at) + interval '1 hour',
        blocked_from = coalesce(v.at, b.starts_at), blocked_until = coalesce(v.at, b.starts_at) + interval '1 hour',
        staff_member_id = CASE WHEN v.no_staff THEN NULL ELSE coalesce(v.staff, b.staff_member_id) END,
        session_id = CASE WHEN v.no_session THEN NULL ELSE coalesce(v.session, b.session_id) END
      FROM (VALUES ${values(rows)}) AS v (id, status, at, customer, staff, no_staff, session, no_session) WHERE b.id = v.id`;
  },

  /** Several customers at once, with texts of many words, of none, and of one word twice. */
  insertCustomers: async (r, world) => {
    const rows = Array.from({ length: 1 + r.below(4) }, () => ({
      id: newId(),
      workspaceId: world.shop.workspace.id,
      sortName: 'c',
      searchText: searchTextOf(r) + searchTextOf(r),
      createdAt: hour(r),
    }));
    await db.customer.createMany({ data: rows });
    const tag = { id: newId(), workspaceId: world.shop.workspace.id, name: newId(), slug: newId() };
    await db.tag.create({ data: tag });
    await db.customerTag.createMany({
      data: rows.map(({ id, workspaceId }) => ({ workspaceId, customerId: id, tagId: tag.id })),
    });
  },

  renameCustomers: async (r, world) => {
    for (const id of r.some(world.customers))
      await db.customer.update({ where: { id }, data: { searchText: searchTextOf(r) } });
    await db.$executeRaw`UPDATE customer SET search_text = search_text || ' ada' WHERE id = ${r.one(world.customers)}::uuid OR search_text = ''`;
  },

  /** As a merge of two customers would. */
  moveEverything: (r, world) => {
    const [from, to] = [r.one(world.customers), r.one(world.customers)];
    return db.$transaction([
      db.$executeRaw`UPDATE booking SET customer_id = ${to}::uuid WHERE customer_id = ${from}::uuid`,
      db.$executeRaw`UPDATE payment SET customer_id = ${to}::uuid WHERE customer_id = ${from}::uuid`,
    ]);
  },

  /** As an import would: some rows are new, some known. */
  upsertBookings: async (r, world) => {
    const ids = [...r.some(await idsOf('booking', world)).slice(0, 8), newId(), newId()];
    return db.$executeRaw`INSERT INTO booking (${bookingColumns}) VALUES ${values(ids.map((id) => bookingRow(r, world, id)))}
      ON CONFLICT (id) DO UPDATE SET status = excluded.status, customer_id = excluded.customer_id, session_id = excluded.session_id,
        staff_member_id = excluded.staff_member_id, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
        blocked_from = excluded.blocked_from, blocked_until = excluded.blocked_until`;
  },

  /** Two writes of the same table in one statement, the form that a hot verb may take. */
  insertAndUpdateAtOnce: (r, world) =>
    db.$executeRaw`WITH made AS (INSERT INTO booking (${bookingColumns}) VALUES ${bookingRow(r, world, newId())} RETURNING customer_id),
        paid AS (INSERT INTO payment (${paymentColumns}) VALUES ${paymentRow(r, world, newId())})
      UPDATE booking SET status = ${r.one(statuses)}::booking_status WHERE customer_id IN (SELECT customer_id FROM made)`,

  insertPayments: (r, world) =>
    db.$executeRaw`INSERT INTO payment (${paymentColumns}) VALUES ${values(Array.from({ length: 1 + r.below(12) }, () => paymentRow(r, world, newId())))}`,

  updatePayments: async (r, world) => {
    const chosen = r.some(await idsOf('payment', world));
    if (chosen.length === 0) return;
    const rows = chosen.map((id) => paymentRow(r, world, id));
    await db.$executeRaw`UPDATE payment p SET amount_minor = v.amount_minor, refunded_minor = v.refunded_minor,
        currency = v.currency, customer_id = v.customer_id
      FROM (VALUES ${values(rows)}) AS v (${paymentColumns}) WHERE p.id = v.id`;
  },

  changeOwners: (r, world) =>
    db.$executeRaw`UPDATE customer SET owner_id = ${r.chance(0.7) ? r.one(world.users) : null}::uuid,
        team_id = ${r.chance(0.7) ? r.one(world.teams) : null}::uuid WHERE id = ANY(${r.some(world.customers)}::uuid[])`,

  verbs: async (r, world) => {
    const { admin } = world;
    const booked = await createBooking(admin, {
      customerId: encodeId('Customer', r.one(world.customers)),
      serviceId: encodeId('Service', r.one([world.service, world.yoga])),
      staffMemberId: r.chance(0.5) ? encodeId('StaffMember', r.one(world.staff)) : null,
      startsAt: r.chance(0.3) ? new Date('2030-05-01T10:00:00Z') : hour(r),
    });
    const bookingId = encodeId('Booking', booked.id);
    if (r.chance(0.3)) await rescheduleBooking(admin, { id: bookingId, startsAt: hour(r) });
    if (r.chance(0.7))
      await r.one([cancelBooking, completeBooking, markBookingNoShow])(admin, { id: bookingId });
    const payment = await recordPayment(admin, {
      bookingId,
      amount: { amount: r.below(100), currency: r.one(currencies) },
      method: 'CASH',
    });
    if (r.chance(0.5)) await refundPayment(admin, { id: encodeId('Payment', payment.id) });
  },
};

/** What the database or a verb may well refuse: then nothing is written, and nothing may be counted. */
const refusals = /booking_staff_member_free|class_session_not_overbooked|deadlock detected/;

async function tryStep(r: Random, world: World, name: string): Promise<boolean> {
  try {
    await steps[name]!(r, world);
    return true;
  } catch (error) {
    if (error instanceof Failure || refusals.test((error as Error).message)) return false;
    throw error;
  }
}

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

test(`After any sequence of writes the derived tables equal a count from scratch (SEED=${seed}).`, {
  timeout: 120_000,
}, async () => {
  const r = random(seed);
  const worlds = [await aWorld(), await aWorld()];
  const taken: string[] = [];
  const done: Record<string, number> = {};
  for (let step = 0; step < 260; step++) {
    const name = r.one(Object.keys(steps));
    const worked = await tryStep(r, r.one(worlds), name);
    taken.push(worked ? name : `${name} (refused)`);
    if (worked) done[name] = (done[name] ?? 0) + 1;
    expect(await differences(), `SEED=${seed}, after step ${step}: ${taken.slice(-3).join(', ')}`).toEqual(
      [],
    );
  }
  // None of the steps is always refused, and there is something to count.
  expect(Object.keys(done).sort(), `SEED=${seed}`).toEqual(Object.keys(steps).sort());
  expect(await db.booking.count()).toBeGreaterThan(100);
  expect(await db.payment.count()).toBeGreaterThan(50);
});

test.each([
  ['verbs', ['verbs']],
  ['writes of every kind', Object.keys(steps)],
])(
  `After many %s at the same time the derived tables equal a count from scratch (SEED=${seed}).`,
  { timeout: 120_000 },
  async (_, names) => {
    const r = random(seed + 1);
    const worlds = [await aWorld(), await aWorld()];
    for (let round = 0; round < 12; round++) {
      const worked = await atOnce(10, () => tryStep(r, r.one(worlds), r.one(names)));
      expect(worked).toContain(true);
      expect(await differences(), `SEED=${seed}, round ${round}`).toEqual([]);
    }
  },
);
