/**
 * Segments: how long it takes to work out ten typical segments from scratch, and what an event costs while there are
 * many of them, in a business that grows. Starts Frontdesk as its users do, fills its database by SQL, makes the
 * segments over the public API, which writes all their members, and has each worked out again, which writes what
 * differs. The peer, in the same run, is the criteria of the segments as a person would write them by hand, in
 * `CREATE TABLE AS` without keys, indexes or events. Then customers are changed over the API, one after the other, and
 * many at once in the log, until every segment is in step.
 *
 * npm run bench:segments [customers, 1000000 when left out] [bookings of each, 10] [segments for the events, 200]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startWorld, type World } from './startWorld.ts';

const [most = 1_000_000, bookings = 10, many = 200] = process.argv.slice(2).map(Number);
const sizes = [most / 10, most];
/** Changes of customers over the API, and in the log. */
const [oneByOne, atOnce] = [30, 1_000];

const completed = { status: ['COMPLETED'] };
const count = (operator: string, value: unknown, where: object) => ({
  field: 'bookings_count',
  operator,
  value,
  where,
});
/** Name, criteria, and the same by hand. */
const typical: [string, object, string][] = [
  ['VIP: 10 completed bookings', count('at_least', 10, completed), 'completed_bookings >= 10'],
  ['Loyal: 5 to 9', count('between', [5, 9], completed), 'completed_bookings BETWEEN 5 AND 9'],
  ['New: exactly 1', count('equals', 1, completed), 'completed_bookings = 1'],
  [
    'High value: 1,000 spent',
    { field: 'total_spent', operator: 'at_least', value: 1_000 },
    "id IN (SELECT customer_id FROM customer_spending WHERE workspace_id = $1 AND currency = 'EUR' AND amount_minor >= 100000)",
  ],
  [
    'At risk: nothing booked for 90 days',
    { field: 'last_booking_at', operator: 'before', value: { ago: 90, unit: 'days' } },
    "last_booking_at < now() - interval '90 days'",
  ],
  [
    '3 completed bookings of a service in 90 days',
    {
      field: 'bookings_count',
      operator: 'at_least',
      value: 3,
      where: { service: ['SERVICE'], status: ['COMPLETED'], within: { last: 90, unit: 'days' } },
    },
    "id IN (SELECT customer_id FROM booking WHERE workspace_id = $1 AND service_id = 'SERVICE_UUID' AND status = 'COMPLETED' AND starts_at > now() - interval '90 days' AND starts_at <= now() GROUP BY 1 HAVING count(*) >= 3)",
  ],
  [
    'Tagged, and not VIP',
    {
      match: 'all',
      conditions: [
        { field: 'tags', operator: 'contains', value: 'bench' },
        { not: { field: 'vip', operator: 'equals', value: true } },
      ],
    },
    "NOT vip AND id IN (SELECT customer_id FROM customer_tag WHERE workspace_id = $1 AND tag_id = 'TAG_UUID')",
  ],
  [
    'E-mail of a domain',
    { field: 'email', operator: 'ends_with', value: '7@example.com' },
    "email LIKE '%7@example.com'",
  ],
  [
    'Often cancels: 3 within a year',
    count('at_least', 3, { status: ['CANCELLED'], within: { last: 365, unit: 'days' } }),
    "id IN (SELECT customer_id FROM booking WHERE workspace_id = $1 AND status = 'CANCELLED' AND starts_at > now() - interval '365 days' AND starts_at <= now() GROUP BY 1 HAVING count(*) >= 3)",
  ],
  [
    'RFM champions',
    {
      match: 'all',
      conditions: [
        { field: 'recency_score', operator: 'at_least', value: 4 },
        { field: 'frequency_score', operator: 'at_least', value: 4 },
      ],
    },
    'last_visit_at > (SELECT percentile_disc(0.6) WITHIN GROUP (ORDER BY last_visit_at) FROM customer WHERE workspace_id = $1) AND completed_bookings > (SELECT percentile_disc(0.6) WITHIN GROUP (ORDER BY completed_bookings) FROM customer WHERE workspace_id = $1)',
  ],
];

for (const customers of sizes) {
  const world = await startWorld();
  try {
    await run(world, Math.round(customers));
  } finally {
    await world.close();
  }
}

async function run(world: World, customers: number): Promise<void> {
  const { database, workspaceId } = world;
  const ask = async <Data>(query: string, input?: object): Promise<Data> => {
    const response = await fetch(`${world.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${world.key}` },
      body: JSON.stringify({ query, variables: { input } }),
    });
    const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  const write = async (name: string, object: string, input: object): Promise<{ id: string }> => {
    const type = `${name[0]?.toUpperCase()}${name.slice(1)}`;
    const data = await ask<Record<string, Record<string, { id: string }>>>(
      `mutation ($input: ${type}Input!) { ${name}(input: $input) { ... on ${type}Payload { ${object} { id } } ... on Error { message } } }`,
      input,
    );
    const payload = data[name] ?? {};
    if (!payload[object]) throw new Error(JSON.stringify(payload));
    return payload[object];
  };
  const service = await write('createService', 'service', {
    name: 'Cut',
    durationMinutes: 30,
    price: { amount: '30', currency: 'EUR' },
  });
  await write('createTag', 'tag', { name: 'bench' });
  const began = performance.now();
  const ids = await fill(world, customers);
  console.log(`\n${customers} customers, ${customers * bookings} bookings, made in ${seconds(began)} s.\n`);

  const readable = (criteria: object) =>
    JSON.parse(JSON.stringify(criteria).replaceAll('SERVICE', service.id));
  const sums = [0, 0, 0];
  for (const [name, criteria, sql] of typical) {
    const filled = sql.replaceAll('SERVICE_UUID', ids.service).replaceAll('TAG_UUID', ids.tag);
    await database.query('DROP TABLE IF EXISTS by_hand');
    const times = [
      await timed(() =>
        database.query(
          `CREATE TABLE by_hand AS SELECT id FROM customer WHERE workspace_id = '${workspaceId}' AND deleted_at IS NULL AND ${filled.replaceAll('$1', `'${workspaceId}'`)}`,
        ),
      ),
    ];
    let id = '';
    times.push(
      await timed(async () => {
        id = (await write('createSegment', 'segment', { name, criteria: readable(criteria) })).id;
        await calculated(world, name);
      }),
    );
    times.push(
      await timed(async () => {
        await write('calculateSegment', 'segment', { id });
        await calculated(world, name);
      }),
    );
    for (const [n, ms] of times.entries()) sums[n] = (sums[n] ?? 0) + ms;
    report(name, (await calculated(world, name)).members, times);
  }
  report('All ten', null, sums);

  for (const segments of [typical.length, many]) {
    for (let n = await counted(world); n < segments; n++) {
      const where = { status: ['COMPLETED'], within: { last: 10 + (n % 50), unit: 'days' } };
      await write('createSegment', 'segment', {
        name: `More ${n}`,
        criteria: {
          match: 'all',
          conditions: [
            count('at_least', 1 + (n % 7), where),
            { field: 'vip', operator: 'equals', value: n % 2 === 0 },
          ],
        },
      });
    }
    await settled(world);
    const { customers: newest } = await ask<{ customers: { nodes: { id: string; vip: boolean }[] } }>(
      `{ customers(first: ${oneByOne}) { nodes { id vip } } }`,
    );
    const each: number[] = [];
    for (const { id, vip } of newest.nodes) {
      await write('updateCustomer', 'customer', { id, vip: !vip });
      each.push(await timed(() => settled(world)));
    }
    each.sort((a, b) => a - b);
    const together = await timed(async () => {
      await database.query(
        `WITH c AS (UPDATE customer SET vip = NOT vip WHERE id IN (SELECT id FROM customer ORDER BY random() LIMIT $1) RETURNING workspace_id, id)
         INSERT INTO event_outbox (workspace_id, id, type, version, occurred_at, recorded_at, actor_kind, origin, customer_id, subject_type, subject_id, data)
           SELECT workspace_id, gen_random_uuid(), 'customer.updated', 1, now(), now(), 'SYSTEM', 'LIVE', id, 'Customer', id, '{"fields":["vip"]}' FROM c`,
        [atOnce],
      );
      await settled(world);
    });
    console.log(
      `${segments} segments: in step ${each[each.length >> 1]?.toFixed(0)} ms behind the answer in the middle, ${each.at(-1)?.toFixed(0)} ms at most; of ${atOnce} changes at once ${(together / atOnce).toFixed(2)} ms each`,
    );
  }
}

/** Milliseconds that it takes. */
async function timed(run: () => Promise<unknown>): Promise<number> {
  const at = performance.now();
  await run();
  return performance.now() - at;
}

function report(name: string, members: number | null, times: number[]): void {
  const [byHand, first, again] = times.map((ms) => `${ms.toFixed(0).padStart(6)} ms`);
  const who = members === null ? '' : `${members} members`;
  console.log(`${name.padEnd(46)} ${who.padStart(16)}  first ${first}  again ${again}  by hand ${byHand}`);
}

async function calculated({ database, workspaceId }: World, name: string): Promise<{ members: number }> {
  for (;;) {
    const { rows } = await database.query(
      'SELECT member_count AS members, error, stale FROM segment WHERE workspace_id = $1 AND name = $2',
      [workspaceId, name],
    );
    if (rows[0]?.error) throw new Error(`${name}: ${rows[0].error}`);
    if (rows[0] && !rows[0].stale) return rows[0];
    await sleep(5);
  }
}

async function counted({ database }: World): Promise<number> {
  return Number((await database.query('SELECT count(*) FROM segment')).rows[0].count);
}

/** Until the reader of segments has everything behind it that it did not write itself. */
async function settled({ database }: World): Promise<void> {
  for (;;) {
    const { rows } =
      await database.query(`SELECT 1 FROM event_outbox UNION ALL SELECT 1 FROM segment WHERE stale UNION ALL
      SELECT 1 FROM event_reader r WHERE name = 'segments' AND position < (SELECT max(position) FROM event e WHERE e.workspace_id = r.workspace_id)`);
    if (rows.length === 0) return;
    await sleep(5);
  }
}

/** Customers with bookings over two years, most of them past and completed; payments as sums; a tag on every third. */
async function fill(
  { database, workspaceId }: World,
  customers: number,
): Promise<{ service: string; tag: string }> {
  const client = await database.connect();
  try {
    await client.query("SET session_replication_role = replica; SET work_mem = '256MB'");
    // Indexes are built at once behind the rows. The exclusion constraints stay away: nothing here needs them.
    await client.query(
      `ALTER TABLE booking DROP CONSTRAINT booking_staff_member_free, DROP CONSTRAINT booking_resource_free`,
    );
    const { rows: away } = await client.query<{ name: string; definition: string }>(
      `SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
       WHERE NOT indisunique AND indrelid IN ('booking'::regclass, 'customer'::regclass)`,
    );
    for (const { name } of away) await client.query(`DROP INDEX ${name}`);
    const service = (await client.query('SELECT id FROM service')).rows[0].id as string;
    const tag = (await client.query('SELECT id FROM tag')).rows[0].id as string;
    const of = (n: string) => `('01900000-0000-7000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`;
    await client.query(
      `INSERT INTO booking (id, workspace_id, reference, customer_id, service_id, status, starts_at, ends_at, blocked_from, blocked_until, time_zone, price_minor, currency, updated_at)
       SELECT ('01910000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $1, 'B' || n, ${of('1 + (n::bigint * 7919 + n / 13) % $3')}, $2,
         (ARRAY['COMPLETED','COMPLETED','COMPLETED','COMPLETED','COMPLETED','COMPLETED','CANCELLED','CANCELLED','NO_SHOW','CONFIRMED'])[1 + n % 10]::booking_status,
         t, t + interval '30 min', t, t + interval '30 min', 'UTC', 3000, 'EUR', now()
       FROM (SELECT n, now() + interval '20 days' - (n::float8 / $4 * 730) * interval '1 day' AS t FROM generate_series(1, $4::integer) n) x`,
      [workspaceId, service, customers, customers * bookings],
    );
    await client.query(
      `INSERT INTO customer (id, workspace_id, first_name, email, vip, sort_name, search_text, created_at, updated_at,
         total_bookings, completed_bookings, cancelled_bookings, no_show_bookings, first_booking_at, last_booking_at, last_visit_at)
       SELECT ${of('n')}, $1, 'C' || n, 'c' || n || '@example.com', n % 50 = 0, 'c' || n, ' c' || n, now() - (n % 900) * interval '1 day', now(),
         coalesce(b.total, 0), coalesce(b.completed, 0), coalesce(b.cancelled, 0), coalesce(b.no_show, 0), b.first_at, b.last_at, b.visit_at
       FROM generate_series(1, $2::integer) n LEFT JOIN (
         SELECT customer_id, count(*) AS total, count(*) FILTER (WHERE status = 'COMPLETED') AS completed,
           count(*) FILTER (WHERE status = 'CANCELLED') AS cancelled, count(*) FILTER (WHERE status = 'NO_SHOW') AS no_show,
           min(starts_at) FILTER (WHERE status NOT IN ('CANCELLED', 'NO_SHOW')) AS first_at,
           max(starts_at) FILTER (WHERE status NOT IN ('CANCELLED', 'NO_SHOW')) AS last_at,
           max(starts_at) FILTER (WHERE status = 'COMPLETED') AS visit_at
         FROM booking GROUP BY 1) b ON b.customer_id = ${of('n')}`,
      [workspaceId, customers],
    );
    await client.query(
      `INSERT INTO customer_spending SELECT workspace_id, id, 'EUR', completed_bookings * (2000 + (hashtext(id::text) & 16383)), completed_bookings FROM customer WHERE completed_bookings > 0`,
    );
    await client.query(
      `INSERT INTO customer_tag (workspace_id, customer_id, tag_id, customer_created_at) SELECT workspace_id, id, $1, created_at FROM customer WHERE get_byte(uuid_send(id), 15) % 3 = 0`,
      [tag],
    );
    await client.query("SET maintenance_work_mem = '1GB'");
    for (const { definition } of away) await client.query(definition);
    await client.query('RESET session_replication_role');
    await client.query('VACUUM (ANALYZE) customer, booking, customer_tag, customer_spending');
    return { service, tag };
  } finally {
    client.release();
  }
}

function seconds(since: number): number {
  return Math.round((performance.now() - since) / 1_000);
}
