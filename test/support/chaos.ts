import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { WebSocket } from 'ws';
import { type Gateway, startGateway } from './gateway.ts';
import { startRedis } from './redis.ts';

export interface ChaosOptions {
  databaseUrl: string;
  subscribers: number;
  /** Events a second, in all. */
  perSecond: number;
  seconds: number;
  log?: (line: string) => void;
}

export interface ChaosReport {
  /** Writes that were acknowledged. */
  acknowledged: number;
  /** Events in the log. */
  events: number;
  deliveries: number;
  /** Times that somebody was cut off and went on behind their cursor. */
  resumes: number;
  /** Writes that failed at first, since a gateway died under them, and were sent again. */
  repeated: number;
  /** What is wrong with anybody's record: must be empty. */
  problems: string[];
}

const adminKey = 'a-key-for-chaos-and-for-nothing-else-000';
const subscription =
  'subscription ($after: String) { activityAdded(after: $after) { cursor activity { customer { firstName } } } }';

interface Subscriber {
  cursor: string;
  /** Positions and names as they came. */
  positions: bigint[];
  names: string[];
  resumes: number;
  trouble: string[];
}

/**
 * Two gateways, Redis, writers and subscribers who are cut off at random and go on at either gateway. Meanwhile Redis
 * is killed and started again, and one gateway is killed with -9 and another takes its place. In the end everybody's
 * record must be the log: complete, in order, nothing twice.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { databaseUrl, seconds, log = () => {} } = options;
  let redis = await startRedis();
  const port = Number(new URL(redis.url).port);
  const env = { FRONTDESK_ADMIN_KEY: adminKey, LOG_LEVEL: 'error', DEMO: 'false', GRAPHIQL: 'false' };
  const start = () => startGateway({ databaseUrl, redisUrl: redis.url, env });
  const first = await start();
  const gateways: Gateway[] = [first, await start()];
  const any = () => gateways[Math.floor(Math.random() * gateways.length)] as Gateway;
  const stopping = new AbortController();
  /** Nobody is cut off any more. */
  const calm = new AbortController();
  const { eventCursor } = (await ask(first, '{ eventCursor }')) as { eventCursor: string };
  const begin = positionOf(eventCursor);

  const subscribers: Subscriber[] = Array.from({ length: options.subscribers }, () => ({
    cursor: eventCursor,
    positions: [],
    names: [],
    resumes: 0,
    trouble: [],
  }));
  const following = subscribers.map((one, n) => follow(one, any, n % 5 === 0, calm.signal, stopping.signal));
  const writing = { acknowledged: 0, repeated: 0 };
  const until = performance.now() + seconds * 1_000;
  // As many as keep the rate though each waits for its answer.
  const hands = Math.ceil(options.perSecond / 5);
  const writers = Array.from({ length: hands }, (_, n) =>
    write(n, options.perSecond / hands, until, any, writing),
  );

  const wait = (share: number) => sleep(seconds * 1_000 * share);
  await wait(0.2);
  log('kill -9: Redis');
  await redis.kill();
  await wait(0.2);
  log('kill -9: a gateway');
  const [victim] = gateways.splice(0, 1);
  await victim?.kill();
  await wait(0.2);
  log('Redis is started again');
  redis = await startRedis({ port });
  await wait(0.1);
  log('another gateway is started');
  gateways.push(await start());
  await Promise.all(writers);
  log('the writers are through');

  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    const events = await settled(database, begin, writing.acknowledged);
    const expected = events.map(({ position }) => BigInt(position));
    const last = expected.at(-1) as bigint;
    calm.abort();
    await untilNobodyGoesOn(subscribers, last);
    log('the subscribers are through');
    stopping.abort();
    await Promise.all(following);
    const problems = subscribers.flatMap((one, n) => [
      ...one.trouble.map((what) => `Subscriber ${n} was told ${what}.`),
      ...differences(one.positions, expected).map((what) => `Subscriber ${n} ${what}.`),
    ]);
    if (events.length !== writing.acknowledged)
      problems.push(`${writing.acknowledged} writes were acknowledged, the log has ${events.length} events.`);
    return {
      ...writing,
      events: events.length,
      deliveries: subscribers.reduce((sum, { positions }) => sum + positions.length, 0),
      resumes: subscribers.reduce((sum, { resumes }) => sum + resumes, 0),
      problems,
    };
  } finally {
    stopping.abort();
    await database.end();
    await Promise.all(gateways.map((gateway) => gateway.kill()));
    await redis.kill();
  }
}

/** The log behind this position, once it holds as many events as were acknowledged. */
async function settled(database: pg.Client, begin: bigint, count: number): Promise<{ position: string }[]> {
  for (const deadline = Date.now() + 30_000; ; await sleep(100)) {
    const { rows } = await database.query<{ position: string }>(
      'SELECT position FROM event WHERE position > $1 AND customer_id IS NOT NULL ORDER BY position',
      [String(begin)],
    );
    if (rows.length >= count || Date.now() > deadline) return rows;
  }
}

/** Until everybody has the last event, or nobody has got anything for a minute: a busy machine may take its time. */
async function untilNobodyGoesOn(subscribers: readonly Subscriber[], last: bigint): Promise<void> {
  let deliveries = -1;
  for (let since = Date.now(); Date.now() - since < 60_000; await sleep(50)) {
    if (subscribers.every(({ positions }) => positions.at(-1) === last)) return;
    const now = subscribers.reduce((sum, { positions }) => sum + positions.length, 0);
    if (now > deliveries) since = Date.now();
    deliveries = now;
  }
}

/** At most one of each kind. */
function differences(got: readonly bigint[], expected: readonly bigint[]): string[] {
  const unordered = got.findIndex((position, n) => n > 0 && position <= (got[n - 1] as bigint));
  const had = new Set(got);
  const missed = expected.filter((position) => !had.has(position));
  const known = new Set(expected);
  const strange = got.filter((position) => !known.has(position));
  return [
    ...(unordered >= 0 ? [`got ${got[unordered]} behind ${got[unordered - 1]}`] : []),
    ...(missed.length > 0 ? [`missed ${missed.length} events, the first at ${missed[0]}`] : []),
    ...(strange.length > 0 ? [`got ${strange.length} events that the log does not have`] : []),
  ];
}

/** Customers at a steady rate. A write whose answer did not come is sent again with its idempotency key. */
async function write(
  writer: number,
  perSecond: number,
  until: number,
  any: () => Gateway,
  count: { acknowledged: number; repeated: number },
): Promise<void> {
  const began = performance.now();
  for (let n = 0; performance.now() < until; n++) {
    await sleep(Math.max(0, began + (n * 1_000) / perSecond - performance.now()));
    const input = { firstName: `${writer}-${n}`, idempotencyKey: `chaos-${writer}-${n}` };
    for (let attempt = 0; ; attempt++) {
      const done = await ask(
        any(),
        'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { __typename } }',
        { input },
      ).catch(() => null);
      if (
        (done?.createCustomer as { __typename: string } | undefined)?.__typename === 'CreateCustomerPayload'
      )
        break;
      if (attempt === 0) count.repeated++;
      if (attempt > 200) throw new Error(`A write was never acknowledged: ${JSON.stringify(done)}`);
      await sleep(100);
    }
    count.acknowledged++;
  }
}

async function ask(
  { url }: Gateway,
  query: string,
  variables: object = {},
): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(10_000),
  });
  return ((await response.json()) as { data: Record<string, unknown> }).data;
}

/** Subscribes, is cut off after a while, unless all is calm, and goes on behind the last event, until it is told to stop. */
async function follow(
  one: Subscriber,
  any: () => Gateway,
  sse: boolean,
  calm: AbortSignal,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const life = Math.round(300 + Math.random() * 4_000);
    const cut = calm.aborted ? stop : AbortSignal.any([stop, AbortSignal.timeout(life)]);
    if (sse) await streamOnce(one, any().url, cut);
    else await socketOnce(one, any().wsUrl, cut);
    one.resumes++;
    if (!stop.aborted) await sleep(Math.random() * 300);
  }
}

function take(
  one: Subscriber,
  result: {
    data?: { activityAdded: { cursor: string; activity: { customer: { firstName: string } } } };
    errors?: unknown;
  },
): void {
  if (!result.data) return void one.trouble.push(JSON.stringify(result.errors));
  const { cursor, activity } = result.data.activityAdded;
  one.cursor = cursor;
  one.positions.push(positionOf(cursor));
  one.names.push(activity.customer.firstName);
}

function socketOnce(one: Subscriber, wsUrl: string, cut: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const socket = new WebSocket(wsUrl, 'graphql-transport-ws');
    let over = false;
    const end = () => {
      over = true;
      socket.terminate();
      resolve();
    };
    cut.addEventListener('abort', end, { once: true });
    socket.on('error', end).on('close', end);
    socket.on('open', () =>
      socket.send(
        JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${adminKey}` } }),
      ),
    );
    socket.on('message', (data) => {
      if (over) return; // it was cut off before it came
      const message = JSON.parse(String(data));
      if (message.type === 'connection_ack') {
        const payload = { query: subscription, variables: { after: one.cursor } };
        socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload }));
      } else if (message.type === 'next') take(one, message.payload);
    });
  });
}

async function streamOnce(one: Subscriber, url: string, cut: AbortSignal): Promise<void> {
  try {
    const response = await fetch(`${url}/graphql/stream`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${adminKey}`,
        'last-event-id': one.cursor,
      },
      body: JSON.stringify({ query: subscription }),
      signal: cut,
    });
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      if (cut.aborted) return;
      const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
      rest = blocks.pop() as string;
      for (const block of blocks) {
        const data = /^data: (.+)$/m.exec(block)?.[1];
        if (data) take(one, JSON.parse(data));
      }
    }
  } catch {
    // Cut off, by us or by what was killed.
  }
}

const positionOf = (cursor: string) =>
  BigInt(Buffer.from(cursor, 'base64url').toString().split(':')[1] as string);
