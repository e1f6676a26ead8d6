/**
 * Reads: two queries, answered by each contender in turn in one run, each a process of its own on the same database.
 * Prints requests per second, their ratios, and the processor time of the contender's process for each request. Only
 * ratios within a run mean anything; docs/performance.md says what they mean.
 *
 * npm run bench [seconds for each measurement, 5 when left out] [rounds, 3]
 *
 * Those that need another version of graphql are installed apart, with `npm ci --prefix bench/peers`, and are left out
 * where they are not.
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ask, connections, type Rate, rate, send } from './callers.ts';
import { startServer } from './startServer.ts';
import { startWorld, type World } from './startWorld.ts';

const [seconds = 5, rounds = 3] = process.argv.slice(2).map(Number);

const queries = {
  Q1: 'the newest 20 customers with their tags and three latest bookings with service',
  Q2: 'one customer with the 50 newest activities',
};
type Query = keyof typeof queries;

interface Contender {
  name: string;
  /** A server that answers, by query. */
  start(world: Filled): Promise<{ ask: Record<Query, Ask>; pid: number; stop(): Promise<void> }>;
}

interface Filled extends World {
  /** A customer of whom Q2 asks: the uuid, and the id that Frontdesk gave it. */
  customerId: string;
  publicCustomerId: string;
}

const peer = (file: string) => {
  const path = `bench/peers/${file}`;
  return existsSync('bench/peers/node_modules') ? path : null;
};

/** How Frontdesk answers is seen from outside: by what the request accepts, and by an alias that is too long for the database. */
interface FrontdeskWay {
  headers?: Record<string, string>;
  text?: (query: string) => string;
}

const frontdesk =
  ({ headers, text = (query) => query }: FrontdeskWay): Contender['start'] =>
  async ({ url, key, process: child, publicCustomerId }) => {
    const ask = (query: string): Ask => {
      const body = JSON.stringify({ query: text(query) });
      return {
        url: `${url}/graphql`,
        headers: { Authorization: `Bearer ${key}`, ...headers },
        body: () => body,
      };
    };
    return {
      ask: {
        Q1: ask(`{ customers(first: 20) { nodes {
        id fullName email tags { name } bookings(first: 3) { nodes { id status startsAt service { name } } } } } }`),
        Q2: ask(`{ customer(id: "${publicCustomerId}") {
        id fullName activities(first: 50) { nodes { id type occurredAt } } } }`),
      },
      pid: child.pid as number,
      stop: async () => {},
    };
  };

/** The first is what the others are compared with. */
const contenders: Contender[] = [
  { name: 'hand-written SQL behind node:http', start: startRaw },
  { name: 'PostGraphile 5', start: startPostGraphile },
  { name: 'Mercurius, JIT, hand-written loaders', start: startMercurius },
  {
    name: 'Frontdesk, plugin-prisma alone',
    start: frontdesk({
      text: (query) => query.replace(/\bid\b(?=[ \n])/, `${'a'.repeat(64)}: __typename id`),
    }),
  },
  {
    name: 'Frontdesk, planned inside yoga',
    start: frontdesk({ headers: { Accept: 'application/json, */*' } }),
  },
  { name: 'Frontdesk, known documents', start: frontdesk({}) },
];

const world = await fill(await startWorld());
try {
  const running = [];
  for (const { name, start } of contenders) {
    if ((start === startPostGraphile || start === startMercurius) && !peer('')) continue;
    running.push({ name, ...(await start(world)) });
  }
  try {
    for (const query of Object.keys(queries) as Query[]) await compare(query, running);
  } finally {
    for (const { stop } of running) await stop();
  }
} finally {
  await world.close();
}

type Running = { name: string } & Awaited<ReturnType<Contender['start']>>;

/** All in turn, several times, so that what else the machine does falls on each of them. */
async function compare(query: Query, running: Running[]): Promise<void> {
  const facts = new Set<string>();
  for (const { ask } of running) facts.add(factsOf(await send(ask[query])));
  if (facts.size !== 1) throw new Error(`The answers to ${query} differ:\n${[...facts].join('\n')}`);
  for (const { ask, pid } of running) await rate(ask[query], pid, Math.min(3, seconds));
  const rates = running.map((): Rate[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [at, { ask, pid }] of running.entries()) rates[at]?.push(await rate(ask[query], pid, seconds));
  }
  const median = (values: number[]) =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
  const perSecond = rates.map((of) => median(of.map((one) => one.perSecond)));
  const at = (name: string) => perSecond[running.findIndex((one) => one.name.startsWith(name))] ?? Number.NaN;
  console.log(
    `\n${query}: ${queries[query]}; ${connections} connections, the median of ${rounds} times ${seconds} s`,
  );
  console.table(
    Object.fromEntries(
      running.map(({ name }, index) => [
        name,
        {
          'requests/s': Math.round(perSecond[index] as number),
          'of hand-written': ratio(perSecond[index], perSecond[0]),
          'of PostGraphile': ratio(perSecond[index], at('PostGraphile')),
          'Node us/request': Math.round(median((rates[index] as Rate[]).map(({ cpu }) => cpu))),
        },
      ]),
    ),
  );
}

function ratio(of = Number.NaN, to = Number.NaN): number {
  return Number((of / to).toFixed(2));
}

/** What an answer says, however it is spelled: its values but the ids, each way of writing a time made the same. */
function factsOf(answer: string): string {
  const facts: string[] = [];
  const visit = (value: unknown, key: string) => {
    if (Array.isArray(value)) for (const one of value) visit(one, key);
    else if (typeof value === 'object' && value !== null)
      for (const [name, one] of Object.entries(value)) visit(one, name);
    else if (/At$/.test(key)) facts.push(new Date(value as string).toISOString());
    else if (!/id$/i.test(key) && !key.startsWith('aaa'))
      facts.push(String(value).toLowerCase().replaceAll('.', '_'));
  };
  visit(JSON.parse(answer), '');
  return facts.sort().join('\n');
}

async function startRaw(world: Filled) {
  const server = await startServer('bench/rawReads.ts', {
    DATABASE_URL: world.databaseUrl,
    WORKSPACE: world.workspaceId,
    CUSTOMER: world.customerId,
  });
  const ask = (query: Query): Ask => ({ url: server.url, body: () => query });
  return { ask: { Q1: ask('Q1'), Q2: ask('Q2') }, pid: server.process.pid as number, stop: server.stop };
}

/** PostGraphile joins by the whole foreign key, which has the workspace in it: so that condition is on every level. */
async function startPostGraphile(world: Filled) {
  // A column that no table has; PostGraphile makes a field of such a function.
  await world.database.query(`CREATE OR REPLACE FUNCTION customer_full_name(c customer) RETURNS text LANGUAGE sql STABLE
    AS $$ SELECT concat_ws(' ', c.first_name, c.last_name) $$`);
  const server = await startServer(peer('postgraphile.mjs') as string, { DATABASE_URL: world.databaseUrl });
  const ask = (query: string): Ask => {
    const text = JSON.stringify({ query });
    return { url: `${server.url}/graphql`, body: () => text };
  };
  const workspace = `workspaceId: "${world.workspaceId}"`;
  return {
    ask: {
      Q1: ask(`{ allCustomers(first: 20, condition: { ${workspace}, deletedAt: null }, orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) { nodes {
        rowId fullName email customerTagsByWorkspaceIdAndCustomerId(first: 100) { nodes { tagByWorkspaceIdAndTagId { name } } }
        bookingsByWorkspaceIdAndCustomerId(first: 3, orderBy: [STARTS_AT_DESC, ROW_ID_DESC]) { nodes { rowId status startsAt serviceByWorkspaceIdAndServiceId { name } } } } } }`),
      Q2: ask(`{ allCustomers(first: 1, condition: { ${workspace}, rowId: "${world.customerId}" }) { nodes {
        rowId fullName eventsByWorkspaceIdAndCustomerId(first: 50, orderBy: [OCCURRED_AT_DESC, ROW_ID_DESC]) { nodes { rowId type occurredAt } } } } }`),
    },
    pid: server.process.pid as number,
    stop: server.stop,
  };
}

async function startMercurius(world: Filled) {
  const server = await startServer(peer('mercurius.mjs') as string, {
    DATABASE_URL: world.databaseUrl,
    WORKSPACE: world.workspaceId,
  });
  const ask = (query: string): Ask => {
    const text = JSON.stringify({ query });
    return { url: `${server.url}/graphql`, body: () => text };
  };
  return {
    ask: {
      Q1: ask(`{ customers(first: 20) { nodes {
        id fullName email tags { name } bookings(first: 3) { nodes { id status startsAt service { name } } } } } }`),
      Q2: ask(`{ customer(id: "${world.customerId}") {
        id fullName activities(first: 50) { nodes { id type occurredAt } } } }`),
    },
    pid: server.process.pid as number,
    stop: server.stop,
  };
}

/** 2,000 customers with 2 tags, 5 bookings and 60 events each, set-based. */
async function fill(world: World): Promise<Filled> {
  const { database, workspaceId } = world;
  await database.query(
    `DO $$ DECLARE w uuid := '${workspaceId}'; BEGIN
      INSERT INTO service (id, workspace_id, name, duration_minutes, price_minor, currency, updated_at)
        SELECT gen_random_uuid(), w, 'Service ' || i, 60, 5000, 'EUR', now() FROM generate_series(1, 5) i;
      INSERT INTO tag (id, workspace_id, name, slug, updated_at) SELECT gen_random_uuid(), w, 'Tag ' || i, 'tag ' || i, now() FROM generate_series(1, 4) i;
      INSERT INTO customer (id, workspace_id, first_name, last_name, email, sort_name, search_text, created_at, updated_at)
        SELECT gen_random_uuid(), w, 'First' || i, 'Last' || i, 'c' || i || '@example.com', 'last' || i, ' first' || i, now() - i * interval '1 minute', now()
        FROM generate_series(1, 2000) i;
      INSERT INTO customer_tag (workspace_id, customer_id, tag_id)
        SELECT w, c.id, t.id FROM customer c CROSS JOIN LATERAL (SELECT id FROM tag WHERE length(c.first_name) > 0 ORDER BY slug LIMIT 2) t;
      INSERT INTO booking (id, workspace_id, reference, customer_id, service_id, status, starts_at, ends_at, blocked_from, blocked_until, time_zone, price_minor, currency, updated_at)
        SELECT gen_random_uuid(), w, 'R' || row_number() OVER (), c.id, s.id, 'CONFIRMED', at, at + interval '1 hour', at, at + interval '1 hour', 'UTC', 5000, 'EUR', now()
        FROM customer c CROSS JOIN service s CROSS JOIN LATERAL (SELECT now() + random() * interval '300 days' AS at) t;
      INSERT INTO event_outbox (workspace_id, id, type, version, occurred_at, recorded_at, actor_kind, origin, customer_id, subject_type, subject_id, data)
        SELECT w, gen_random_uuid(), 'customer.updated', 1, now() - i * interval '1 hour', now(), 'SYSTEM', 'IMPORT', c.id, 'Customer', c.id, '{"fields": ["vip"]}'
        FROM customer c CROSS JOIN generate_series(1, 60) i;
    END $$`,
  );
  while ((await database.query('SELECT 1 FROM event_outbox LIMIT 1')).rowCount) await sleep(100);
  await database.query('VACUUM ANALYZE');
  const newest = await database.query<{ id: string }>(
    'SELECT id FROM customer ORDER BY created_at DESC LIMIT 1',
  );
  const answer = await send({
    url: `${world.url}/graphql`,
    headers: { Authorization: `Bearer ${world.key}` },
    body: () => '{"query":"{ customers(first: 1) { nodes { id } } }"}',
  });
  return {
    ...world,
    customerId: newest.rows[0]?.id as string,
    publicCustomerId: JSON.parse(answer).data.customers.nodes[0].id,
  };
}
