/**
 * Lead scores. How far a booking and the subscriber who hears of the score that it changed are apart: from sending
 * createBooking, and from its answer, until the frame of leadScoreChanged is there, over a real socket. And how many
 * events the reader scores a second, all readers of a fresh gateway running. The absolute figures depend on the machine.
 *
 * npm run bench:scores [bookings, 100 when left out] [events, 20000]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { startWorld, type World } from './startWorld.ts';

const [bookings = 100, events = 20_000] = process.argv.slice(2).map(Number);
const customers = 1_000;

const world = await startWorld();
try {
  await distance(world);
  await throughput(world);
} finally {
  await world.close();
}

async function ask<Data>(query: string, variables: object = {}): Promise<Data> {
  const response = await fetch(`${world.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${world.key}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

async function distance({ url, key }: World): Promise<void> {
  const made = await ask<{ customer: { customer: { id: string } }; service: { service: { id: string } } }>(
    `mutation {
      customer: createCustomer(input: { firstName: "Ada" }) { ... on CreateCustomerPayload { customer { id } } }
      service: createService(input: { name: "Cut", durationMinutes: 30, price: { amount: "30", currency: "EUR" } }) {
        ... on CreateServicePayload { service { id } } } }`,
  );
  const input = { customerId: made.customer.customer.id, serviceId: made.service.service.id };
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${key}` },
  });
  let arrived: (at: number) => void = () => {};
  const ended = client.subscribe(
    { query: 'subscription { leadScoreChanged { score reason customer { id } } }' },
    { next: () => arrived(performance.now()), error: (error) => console.error(error), complete: () => {} },
  );
  await sleep(500);
  const fromSending: number[] = [];
  const fromAnswer: number[] = [];
  for (let n = 0; n < bookings + 10; n++) {
    const frame = new Promise<number>((resolve) => {
      arrived = resolve;
    });
    const startsAt = new Date(Date.now() + (n + 1) * 86_400_000).toISOString();
    const sent = performance.now();
    await ask(
      'mutation ($input: CreateBookingInput!) { createBooking(input: $input) { ... on CreateBookingPayload { booking { id } } } }',
      { input: { ...input, startsAt } },
    );
    const answered = performance.now();
    const at = await frame;
    if (n >= 10) fromSending.push(at - sent); // The first ones warm up.
    if (n >= 10) fromAnswer.push(at - answered);
    await sleep(20);
  }
  ended();
  await client.dispose();
  const row = (values: number[]) => {
    const sorted = values.toSorted((a, b) => a - b);
    const share = (of: number) => Number((sorted[Math.floor((sorted.length - 1) * of)] as number).toFixed(1));
    return { 'median ms': share(0.5), '95 % ms': share(0.95), 'worst ms': share(1) };
  };
  console.log(`\n${bookings} bookings, one after the other, to the frame that tells of the score`);
  console.table({ 'from sending createBooking': row(fromSending), 'from its answer': row(fromAnswer) });
}

/** Events that happened at once, such as an import tells of; counted until the last of them is scored. */
async function throughput({ database, workspaceId }: World): Promise<void> {
  await database.query(
    `INSERT INTO customer (id, workspace_id, first_name, sort_name, search_text, updated_at)
       SELECT gen_random_uuid(), $1, 'N' || n, 'n' || n, 'n' || n, now() FROM generate_series(1, $2::integer) n`,
    [workspaceId, customers],
  );
  const began = performance.now();
  await database.query(
    `INSERT INTO event_outbox (workspace_id, id, type, version, occurred_at, recorded_at, actor_kind, origin, customer_id,
         subject_type, subject_id, data)
       SELECT $1, gen_random_uuid(), CASE n % 4 WHEN 0 THEN 'form.submitted' WHEN 1 THEN 'payment.recorded' ELSE 'email.opened' END, 1,
         now(), now(), 'SYSTEM', 'IMPORT', c.id, 'Customer', c.id,
         CASE n % 4 WHEN 1 THEN '{"amountMinor":"1250","currency":"EUR","method":"CASH","bookingId":null,"paymentId":"pay_00000000000000000000000000"}'::jsonb
           ELSE '{"about":"Something"}' END
       FROM generate_series(0, $2::integer - 1) n
         JOIN (SELECT id, row_number() OVER () - 1 AS nr FROM customer WHERE workspace_id = $1 AND first_name LIKE 'N%') c ON c.nr = n % $3::integer`,
    [workspaceId, events, customers],
  );
  const written = performance.now();
  for (;;) {
    const { rows } = await database.query<{ done: boolean }>(
      `SELECT coalesce((SELECT position FROM event_reader WHERE name = 'leadScores' AND workspace_id = $1), 0)
         >= (SELECT max(position) FROM event WHERE workspace_id = $1 AND type <> 'lead_score.changed')
         AND NOT EXISTS (SELECT 1 FROM event_outbox WHERE workspace_id = $1 AND type <> 'lead_score.changed') AS done`,
      [workspaceId],
    );
    if (rows[0]?.done) break;
    await sleep(20);
  }
  const seconds = (performance.now() - written) / 1_000;
  const { rows } = await database.query<{ entries: string }>(
    'SELECT count(*) AS entries FROM lead_score_entry WHERE workspace_id = $1 AND customer_id IN (SELECT id FROM customer WHERE workspace_id = $1 AND first_name LIKE $2)',
    [workspaceId, 'N%'],
  );
  console.log(`\n${events} events of ${customers} customers, ${rows[0]?.entries} entries`);
  console.table({
    'put in order and scored': {
      seconds: Number(seconds.toFixed(1)),
      'events/s': Math.round(events / seconds),
      'writing them took': `${((written - began) / 1_000).toFixed(1)} s`,
    },
  });
}
