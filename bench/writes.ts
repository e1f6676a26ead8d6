/**
 * Writes: the mutation `createBooking` through Frontdesk's API, and one hand-written statement behind node:http that
 * writes the same rows into the same tables. In turn in one run, each a process of its own. Prints bookings per second,
 * their ratio, and the processor time of each process for a booking. Only the ratio means anything.
 *
 * npm run bench:writes [seconds for each measurement, 5 when left out] [rounds, 3]
 */
import { type Ask, connections, type Rate, rate, send } from './callers.ts';
import { startServer } from './startServer.ts';
import { startWorld, type World } from './startWorld.ts';

const [seconds = 5, rounds = 3] = process.argv.slice(2).map(Number);
const people = 100;

const world = await startWorld();
try {
  await fill(world);
  const raw = await startServer('bench/rawWrites.ts', {
    DATABASE_URL: world.databaseUrl,
    WORKSPACE: world.workspaceId,
  });
  try {
    const contenders = [
      {
        name: 'one hand-written statement behind node:http',
        pid: raw.process.pid as number,
        ask: await askRaw(raw.url),
      },
      { name: 'Frontdesk', pid: world.process.pid as number, ask: await askFrontdesk() },
    ];
    for (const { ask, pid } of contenders) await rate(ask, pid, Math.min(3, seconds));
    const rates = contenders.map((): Rate[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [at, { ask, pid }] of contenders.entries()) rates[at]?.push(await rate(ask, pid, seconds));
    }
    const median = (values: number[]) =>
      values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
    const rows = contenders.map(({ name }, at) => ({
      name,
      perSecond: median((rates[at] as Rate[]).map(({ perSecond }) => perSecond)),
      cpu: median((rates[at] as Rate[]).map(({ cpu }) => cpu)),
    }));
    const first = rows[0]?.perSecond as number;
    console.log(`\ncreateBooking; ${connections} connections, the median of ${rounds} times ${seconds} s`);
    console.table(
      Object.fromEntries(
        rows.map(({ name, perSecond, cpu }) => [
          name,
          {
            'bookings/s': Math.round(perSecond),
            'of hand-written': Number((perSecond / first).toFixed(2)),
            'Node us/booking': Math.round(cpu),
          },
        ]),
      ),
    );
  } finally {
    await raw.stop();
  }
} finally {
  await world.close();
}

interface Ids {
  customers: string[];
  staff: string[];
  service: string;
}

/** A free slot for each call: an hour of one staff member after the other, with one customer after the other. */
function slots({ customers, staff, service }: Ids, firstYear: number) {
  let n = 0;
  return () => {
    const hour = Math.floor(n / staff.length);
    const startsAt = new Date(Date.UTC(firstYear, 0, 1, hour)).toISOString();
    const slot = {
      customerId: customers[n % customers.length],
      serviceId: service,
      staffMemberId: staff[n % staff.length],
      startsAt,
    };
    n++;
    return slot;
  };
}

async function askRaw(url: string): Promise<Ask> {
  const ids = async (table: string) =>
    (
      await world.database.query<{ id: string }>(`SELECT id FROM ${table} ORDER BY id LIMIT ${people}`)
    ).rows.map(({ id }) => id);
  const [service = ''] = await ids('service');
  const slot = slots({ customers: await ids('customer'), staff: await ids('staff_member'), service }, 2030);
  return { url, body: () => JSON.stringify(slot()), holds: '"reference"' };
}

async function askFrontdesk(): Promise<Ask> {
  const to = { url: `${world.url}/graphql`, headers: { Authorization: `Bearer ${world.key}` } };
  const list = `(first: ${people}) { nodes { id } }`;
  const query = `{ customers${list} staffMembers${list} services(first: 1) { nodes { id } } }`;
  const { data } = JSON.parse(await send({ ...to, body: () => JSON.stringify({ query }) }));
  const idsOf = (of: { nodes: { id: string }[] }) => of.nodes.map(({ id }) => id);
  const [service = ''] = idsOf(data.services);
  const slot = slots({ customers: idsOf(data.customers), staff: idsOf(data.staffMembers), service }, 2130);
  const mutation = `mutation ($input: CreateBookingInput!) { createBooking(input: $input) {
    ... on CreateBookingPayload { booking { id reference status startsAt endsAt } } } }`;
  const body = () => JSON.stringify({ query: mutation, variables: { input: slot() } });
  return { ...to, body, holds: '"reference"' };
}

async function fill({ database, workspaceId }: World): Promise<void> {
  await database.query(
    `DO $$ DECLARE w uuid := '${workspaceId}'; BEGIN
      INSERT INTO service (id, workspace_id, name, duration_minutes, price_minor, currency, updated_at)
        SELECT gen_random_uuid(), w, 'Cut', 60, 5000, 'EUR', now();
      INSERT INTO staff_member (id, workspace_id, display_name, time_zone, updated_at)
        SELECT gen_random_uuid(), w, 'Staff ' || i, 'UTC', now() FROM generate_series(1, ${people}) i;
      INSERT INTO customer (id, workspace_id, first_name, sort_name, search_text, updated_at)
        SELECT gen_random_uuid(), w, 'First' || i, 'first' || i, ' first' || i, now() FROM generate_series(1, ${people}) i;
    END $$`,
  );
  await database.query('VACUUM ANALYZE');
}
