/**
 * Live delivery: one subscription, many clients, in one run for each contender, each a process of its own.
 *
 * npm run bench:live [clients, 1000 when left out] [idle subscribers, 5000] [events in a burst, 300] [seconds at 30 events/s, 20]
 *
 * Prints deliveries per second of a burst, lag from an event's commit to its arrival at 30 events per second (after five
 * seconds of the same, and once more from its record, which is before the commit), and memory for each idle subscriber.
 * PostgreSQL itself says when an event was committed; what the others make up is there when they say so. Only ratios
 * within a run mean anything; docs/performance.md says what they mean. Frontdesk
 * writes its events to PostgreSQL, sequences them and reads their customers; the others make theirs up in memory and
 * pass them through Redis (`ws.send` not even that). Peers are installed apart, with `npm ci --prefix bench/peers`, and
 * are left out where they are not; ONLY=Frontdesk runs one of them. Needs redis-server.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { startRedis } from '../test/support/redis.ts';
import { countFrames } from './countFrames.ts';
import { startServer } from './startServer.ts';
import { startWorld, type World } from './startWorld.ts';

const [clients = 1_000, idle = 5_000, burst = 300, seconds = 20] = process.argv.slice(2).map(Number);
const perSecond = 30;
const warmUpSeconds = 5;
/** One client in so many measures lag; the others count: what clients do must not be what the run is about. */
const measuringOneIn = 20;
const flags = ['--expose-gc'];

const query =
  'subscription ($after: String) { activityAdded(after: $after) { cursor activity { id type recordedAt customer { fullName } } } }';

interface Running {
  wsUrl: string;
  pid: number;
  /** What the client with this number says of itself. */
  params?(n: number): object;
  /** So many events, as fast as they come. */
  publish(count: number): Promise<unknown>;
  /** One event, as its users cause it. */
  cause(): Promise<unknown>;
  /** When the last so many events were committed, in their order; left out where nothing is. */
  commits?(count: number): Promise<number[]>;
  /** Bytes of the process, after what is garbage was thrown away. */
  memory(): Promise<number>;
  stop(): Promise<void>;
}

interface Contender {
  name: string;
  start(redisUrl: string): Promise<Running>;
}

const peer = (file: string): Contender['start'] | null =>
  existsSync('bench/peers/node_modules') ? (redisUrl) => startPeer(`bench/peers/${file}`, redisUrl) : null;

/** The first is what the others are compared with. */
const contenders: { name: string; start: Contender['start'] | null }[] = [
  { name: 'ws.send by hand', start: (redisUrl) => startPeer('bench/rawLive.mjs', redisUrl) },
  { name: 'yoga, graphql-ws, Redis', start: peer('liveYoga.mjs') },
  { name: 'Mercurius, mqemitter-redis', start: peer('liveMercurius.mjs') },
  { name: 'Frontdesk', start: startFrontdesk },
  {
    name: 'Frontdesk, 200 of scope ASSIGNED',
    start: async (redisUrl) => asStaff(await startFrontdesk(redisUrl), 200),
  },
];

interface Figures {
  'deliveries/s': number;
  'lag p50 ms': number;
  'lag p99 ms': number;
  'from record p50': number;
  'from record p99': number;
  'KiB per idle': number;
}

const redis = await startRedis();
try {
  const figures: Record<string, Figures> = {};
  for (const { name, start } of contenders) {
    if (!start || (process.env.ONLY && !name.includes(process.env.ONLY))) continue;
    const fast = await withServer(start, redis.url, measureDelivery);
    const small = await withServer(start, redis.url, measureMemory);
    figures[name] = { ...fast, 'KiB per idle': small };
    console.log(name, figures[name]);
  }
  const [first, yoga] = [contenders[0], contenders[1]].map(
    (one) => figures[one?.name ?? '']?.['deliveries/s'],
  );
  console.log(
    `\n${clients} clients, ${burst} events in a burst; ${perSecond} events/s for ${seconds} s; ${idle} idle`,
  );
  console.table(
    Object.fromEntries(
      Object.entries(figures).map(([name, one]) => [
        name,
        {
          ...one,
          'of ws.send': ratio(one['deliveries/s'], first),
          'of yoga': ratio(one['deliveries/s'], yoga),
        },
      ]),
    ),
  );
} finally {
  await redis.stop();
}

async function withServer<Result>(
  start: Contender['start'],
  redisUrl: string,
  measure: (server: Running) => Promise<Result>,
): Promise<Result> {
  const server = await start(redisUrl);
  try {
    return await measure(server);
  } finally {
    await server.stop();
  }
}

async function measureDelivery(server: Running): Promise<Omit<Figures, 'KiB per idle'>> {
  const listeners = await connect(server, clients);
  await server.publish(20);
  await listeners.received(20 * clients);
  const rates: number[] = [];
  for (let round = 0; round < 3; round++) {
    listeners.reset();
    const began = performance.now();
    await server.publish(burst);
    await listeners.received(burst * clients);
    rates.push((burst * clients) / ((performance.now() - began) / 1_000));
  }
  const cause = async (count: number) => {
    listeners.reset();
    const began = performance.now();
    for (let n = 0; n < count; n++) {
      await sleep(Math.max(0, began + (n * 1_000) / perSecond - performance.now()));
      void server.cause();
    }
    await listeners.received(count * clients);
  };
  await cause(warmUpSeconds * perSecond);
  const total = seconds * perSecond;
  await cause(total);
  const commits = await server.commits?.(total);
  // Each client has all of them, in order.
  const arrivals = listeners.arrivals();
  const fromRecord = arrivals.flatMap((one) => one.map(({ recorded, arrived }) => arrived - recorded));
  const fromCommit = commits
    ? arrivals.flatMap((one) => one.map(({ arrived }, n) => arrived - (commits[n] as number)))
    : fromRecord;
  listeners.close();
  return {
    'deliveries/s': Math.round(rates.toSorted((a, b) => a - b)[1] as number),
    'lag p50 ms': shareOf(fromCommit, 0.5),
    'lag p99 ms': shareOf(fromCommit, 0.99),
    'from record p50': shareOf(fromRecord, 0.5),
    'from record p99': shareOf(fromRecord, 0.99),
  };
}

function shareOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Number((sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(1));
}

async function measureMemory(server: Running): Promise<number> {
  const some = await connect(server, 200); // what the first ones need is not theirs
  await server.publish(20);
  await some.received(20 * 200);
  some.close();
  await sleep(1_000);
  const before = await server.memory();
  const all = await connect(server, idle);
  await sleep(2_000);
  const after = await server.memory();
  all.close();
  return Number(((after - before) / 1_024 / idle).toFixed(1));
}

interface Listeners {
  received(count: number): Promise<void>;
  /** Of each client that measures, in order: when events were recorded and when they came, in milliseconds. */
  arrivals(): { recorded: number; arrived: number }[][];
  reset(): void;
  close(): void;
}

async function connect({ wsUrl, params }: Running, count: number): Promise<Listeners> {
  const closes: (() => void)[] = [];
  let frames = 0;
  const arrivals = new Map<number, { recorded: number; arrived: number }[]>();
  // Keep-alives and the end of it are no deliveries.
  const isDelivery = (length: number) => length >= 100;
  const begin = (n: number) => ({ type: 'connection_init', payload: params?.(n) ?? {} });
  const subscribe = () => ({
    type: 'subscribe',
    id: crypto.randomUUID(), // as the clients do
    payload: { query, variables: {} },
  });

  async function counting(n: number): Promise<void> {
    const acknowledged = Promise.withResolvers<void>();
    const client = await countFrames(wsUrl, 'graphql-transport-ws', (length) => {
      if (isDelivery(length)) frames++;
      else acknowledged.resolve();
    });
    closes.push(client.close);
    client.send(begin(n));
    await acknowledged.promise;
    client.send(subscribe());
  }

  async function measuring(n: number): Promise<void> {
    const socket = new WebSocket(wsUrl, 'graphql-transport-ws', { perMessageDeflate: false });
    closes.push(() => socket.terminate());
    await once(socket, 'open');
    socket.send(JSON.stringify(begin(n)));
    await once(socket, 'message');
    const mine: { recorded: number; arrived: number }[] = [];
    arrivals.set(n, mine);
    socket.on('message', (data: Buffer) => {
      if (!isDelivery(data.length)) return;
      const arrived = performance.timeOrigin + performance.now();
      frames++;
      const at = /"recordedAt":"([^"]+)"/.exec(data.toString('latin1'))?.[1] as string;
      mine.push({ recorded: Date.parse(at), arrived });
    });
    socket.send(JSON.stringify(subscribe()));
  }

  const open = (n: number) => (n % measuringOneIn === 0 ? measuring(n) : counting(n));
  for (let n = 0; n < count; n += 50) {
    await Promise.all(Array.from({ length: Math.min(50, count - n) }, (_, i) => open(n + i)));
  }
  await sleep(1_000); // the last ones are subscribed
  return {
    async received(wanted) {
      for (const deadline = Date.now() + 120_000; frames < wanted; await sleep(5))
        if (Date.now() > deadline) throw new Error(`${frames} of ${wanted} frames arrived.`);
    },
    arrivals: () => [...arrivals.values()],
    reset() {
      frames = 0;
      for (const mine of arrivals.values()) mine.length = 0;
    },
    close() {
      for (const close of closes) close();
    },
  };
}

async function startPeer(file: string, redisUrl: string): Promise<Running> {
  const server = await startServer(file, { REDIS_URL: redisUrl }, [
    ...flags,
    '--import',
    './bench/collectGarbage.mjs',
  ]);
  const pid = server.process.pid as number;
  const publish = (count: number) => fetch(`${server.url}/publish?count=${count}`, { method: 'POST' });
  return {
    wsUrl: `${server.url.replace('http', 'ws')}/graphql`,
    pid,
    publish,
    cause: () => publish(1),
    memory: () => memoryOf(pid),
    stop: server.stop,
  };
}

/** The clients are members of staff, who reach no more than the customers who are theirs; the one of the run is everybody's. */
async function asStaff(server: Frontdesk, count: number): Promise<Running> {
  const { database, workspaceId } = server.world;
  const keys = Array.from({ length: count }, (_, n) => `a-key-of-staff-member-${n}-for-the-benchmark`);
  await database.query(
    `WITH member AS (
       INSERT INTO "user" (id, workspace_id, email, display_name, role, updated_at)
       SELECT gen_random_uuid(), $1, 'staff-' || n || '@example.com', 'Staff ' || n, 'STAFF', now()
       FROM generate_series(1, $2::integer) n RETURNING id
     ), numbered AS (SELECT id, row_number() OVER () AS n FROM member), keys AS (
       INSERT INTO api_key (id, workspace_id, name, prefix, hash, role, scopes, created_by_id)
       SELECT gen_random_uuid(), $1, 'staff', 'a-key', hash, 'STAFF', '{}', id
       FROM numbered JOIN unnest($3::text[]) WITH ORDINALITY AS k (hash, n) USING (n)
     )
     INSERT INTO customer_access (workspace_id, principal_id, customer_id, reasons) SELECT $1, id, $4, 1 FROM member`,
    [
      workspaceId,
      count,
      keys.map((key) => createHash('sha256').update(key).digest('hex')),
      server.customerId,
    ],
  );
  return { ...server, params: (n) => ({ authorization: `Bearer ${keys[n % count]}` }) };
}

interface Frontdesk extends Running {
  world: World;
  customerId: string;
}

async function startFrontdesk(redisUrl: string): Promise<Frontdesk> {
  const world = await startWorld(
    { REDIS_URL: redisUrl, LIVE_SOCKETS_PER_KEY: '100000', ROLE: process.env.ROLE ?? 'api' },
    [...flags, '--import', './bench/collectGarbage.mjs'],
    { track_commit_timestamp: 'on' },
  );
  const { url, key, database, workspaceId } = world;
  const pid = world.process.pid as number;
  const ask = async (text: string, variables: object) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ query: text, variables }),
    });
    const answer = (await response.json()) as {
      data?: Record<string, { customer: { id: string } }>;
      errors?: unknown;
    };
    if (answer.errors) throw new Error(JSON.stringify(answer.errors));
    return answer.data as Record<string, { customer: { id: string } }>;
  };
  const { createCustomer } = await ask(
    'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { ... on CreateCustomerPayload { customer { id } } } }',
    { input: { firstName: 'Customer of', lastName: 'the benchmark' } },
  );
  const id = createCustomer?.customer.id;
  const { rows } = await database.query<{ id: string }>('SELECT id FROM customer');
  const customerId = rows[0]?.id as string;
  let caused = 0;
  return {
    wsUrl: `${url.replace('http', 'ws')}/graphql`,
    pid,
    world,
    customerId,
    params: () => ({ authorization: `Bearer ${key}` }),
    // Many at once, as an import or a busy hour: committed together, and found by the gateway.
    publish: (count) =>
      database.query(
        `INSERT INTO event_outbox (workspace_id, id, type, version, occurred_at, recorded_at, actor_kind, origin, subject_type, subject_id, customer_id, data)
         SELECT $1, gen_random_uuid(), 'customer.updated', 1, now(), now(), 'SYSTEM', 'LIVE', 'Customer', $2, $2, '{"fields":[]}'
         FROM generate_series(1, $3::integer)`,
        [workspaceId, customerId, count],
      ),
    cause: () =>
      ask('mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { __typename } }', {
        input: { id, jobTitle: `Job ${++caused}` },
      }),
    // What is personal of an event is a row that its own transaction wrote; the event itself is moved into the log.
    async commits(count) {
      const { rows: last } = await database.query<{ at: number }>(
        `SELECT extract(epoch FROM pg_xact_commit_timestamp(p.xmin))::float8 * 1000 AS at
         FROM event e JOIN event_personal p ON p.workspace_id = e.workspace_id AND p.event_id = e.id
         WHERE e.workspace_id = $1 ORDER BY e.position DESC LIMIT $2`,
        [workspaceId, count],
      );
      return last.map(({ at }) => at).reverse();
    },
    memory: () => memoryOf(pid),
    stop: world.close,
  };
}

/** SIGUSR2 makes the process collect its garbage (`collectGarbage.mjs`); then Linux says how much it holds. */
async function memoryOf(pid: number): Promise<number> {
  for (let n = 0; n < 3; n++) {
    process.kill(pid, 'SIGUSR2');
    await sleep(700);
  }
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;
}

function ratio(of = Number.NaN, to = Number.NaN): number {
  return Number((of / to).toFixed(2));
}
