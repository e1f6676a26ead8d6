/**
 * Reads: two queries, answered by the gateway in each of its ways and by hand-written SQL behind node:http whose JSON
 * is passed through. Starts its own servers and database, loads 2,000 customers, runs all in turn in one run, and prints
 * requests per second with their ratio, and the processor time of the gateway's Node a request. Only ratios mean anything.
 *
 * npm run bench [seconds per measurement, 5 when left out]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const connections = 16;
const seconds = Number(process.argv[2] ?? 5);
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const key = 'a-key-for-the-benchmark-and-nothing-else';

const documents = {
  'Q1: 20 customers, tags, 3 bookings with service': `{ customers(first: 20) { nodes {
    id fullName email tags { name } bookings(first: 3) { nodes { id status startsAt service { name } } } } } }`,
  'Q2: 1 customer, 50 activities': `{ customer(id: "CUSTOMER") {
    id fullName activities(first: 50) { nodes { id type occurredAt } } } }`,
};

const handWritten = {
  'Q1: 20 customers, tags, 3 bookings with service': `
    SELECT json_agg(row_to_json(x)) FROM (SELECT c.id, concat_ws(' ', c.first_name, c.last_name) AS "fullName", c.email,
      array(SELECT json_build_object('name', t.name) FROM customer_tag ct JOIN tag t ON t.id = ct.tag_id
        WHERE ct.workspace_id = c.workspace_id AND ct.customer_id = c.id ORDER BY t.slug LIMIT 100) AS tags,
      array(SELECT row_to_json(b) FROM (SELECT b.id, b.status, b.starts_at AS "startsAt", json_build_object('name', s.name) AS service
        FROM booking b JOIN service s ON s.id = b.service_id
        WHERE b.workspace_id = c.workspace_id AND b.customer_id = c.id ORDER BY b.starts_at DESC, b.id DESC LIMIT 3) b) AS bookings
    FROM customer c WHERE c.workspace_id = $1 AND c.deleted_at IS NULL ORDER BY c.created_at DESC, c.id DESC LIMIT 20) x`,
  'Q2: 1 customer, 50 activities': `
    SELECT row_to_json(x) FROM (SELECT c.id, concat_ws(' ', c.first_name, c.last_name) AS "fullName",
      array(SELECT row_to_json(e) FROM (SELECT id, type, occurred_at AS "occurredAt" FROM event e
        WHERE e.workspace_id = c.workspace_id AND e.customer_id = c.id ORDER BY occurred_at DESC, id DESC LIMIT 50) e) AS activities
    FROM customer c WHERE c.workspace_id = $1 AND c.id = $2) x`,
};

type Query = keyof typeof documents;

/** How a request is answered. Which way it goes is seen from outside: by what it accepts, and by an alias that is too long for the database. */
const ways: Record<string, { headers?: Record<string, string>; text: (source: string) => string }> = {
  'plugin-prisma alone': {
    text: (source) => source.replace(/\bid\b(?=[ \n])/, `${'a'.repeat(64)}: __typename id`),
  },
  'planned inside yoga': { headers: { Accept: 'application/json, */*' }, text: (source) => source },
  'known documents': { text: (source) => source },
};

/** Processor time that a process has used so far; NaN where the system does not tell. */
function cpuSeconds(pid: number): number {
  try {
    const [user, system] =
      readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 13) ?? [];
    return (Number(user) + Number(system)) / 100;
  } catch {
    return Number.NaN;
  }
}

await main();

async function main(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'frontdesk-bench-'));
  chmodSync(dataDir, 0o711); // As root, the database runs as another user.
  const gateway = startGateway(dataDir);
  try {
    await ready(gateway.url);
    console.table(await compare(dataDir, gateway.url, gateway.process.pid as number));
  } finally {
    gateway.process.kill('SIGTERM');
    await once(gateway.process, 'exit');
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function compare(
  dataDir: string,
  url: string,
  pid: number,
): Promise<Record<string, Record<string, number>>> {
  const database = new pg.Pool({ connectionString: databaseUrl(dataDir), max: connections });
  const { workspaceId, customerId, publicCustomerId } = await load(database, url);
  const raw = await startRaw(database, workspaceId, customerId);
  const rawUrl = `http://127.0.0.1:${(raw.address() as AddressInfo).port}`;

  const rows: Record<string, Record<string, number>> = {};
  for (const query of Object.keys(documents) as Query[]) {
    const askRaw = { url: rawUrl, body: query };
    await measure(askRaw, 2);
    const theirs = await measure(askRaw, seconds);
    rows[`${query}: raw`] = { 'req/s': Math.round(theirs) };
    for (const [way, { headers, text }] of Object.entries(ways)) {
      const source = text(documents[query].replace('CUSTOMER', publicCustomerId));
      const ask = { url: `${url}/graphql`, body: JSON.stringify({ query: source }), headers };
      await measure(ask, 2);
      const before = cpuSeconds(pid);
      const ours = await measure(ask, seconds);
      rows[`${query}: ${way}`] = {
        'req/s': Math.round(ours),
        'of raw': Number((ours / theirs).toFixed(2)),
        'Node us': Math.round(((cpuSeconds(pid) - before) / (ours * seconds)) * 1e6),
      };
    }
  }
  raw.close();
  raw.closeAllConnections();
  await database.end();
  return rows;
}

function startGateway(dataDir: string): { url: string; process: ChildProcess } {
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const env = {
    ...process.env,
    DATABASE_URL: '',
    REDIS_URL: '',
    DATA_DIR: dataDir,
    PORT: String(port),
    DEMO: 'false',
    FRONTDESK_ADMIN_KEY: key,
    LOG_LEVEL: 'error',
  };
  const child = spawn(process.execPath, ['src/main.ts'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  return { url: `http://127.0.0.1:${port}`, process: child };
}

async function ready(url: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const answered = await fetch(`${url}/health/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
    await sleep(100);
  }
  throw new Error('The gateway did not become ready.');
}

/** The embedded database of the gateway, for the hand-written side. */
function databaseUrl(dataDir: string): string {
  const cluster = join(dataDir, 'postgres', 'cluster');
  const port = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')[3];
  const password = readFileSync(join(cluster, 'frontdesk.password'), 'utf8').trim();
  return `postgres://frontdesk:${encodeURIComponent(password)}@127.0.0.1:${port}/frontdesk`;
}

/** 2,000 customers with 2 tags, 5 bookings and 60 events each, set-based. */
async function load(database: pg.Pool, url: string) {
  const { rows } = await database.query<{ id: string }>('SELECT id FROM workspace');
  const workspaceId = rows[0]?.id as string;
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
  const publicCustomerId = JSON.parse(
    await send(`${url}/graphql`, '{"query":"{ customers(first: 1) { nodes { id } } }"}'),
  ).data.customers.nodes[0].id;
  const newest = await database.query('SELECT id FROM customer ORDER BY created_at DESC LIMIT 1');
  return {
    workspaceId,
    customerId: newest.rows[0].id as string,
    publicCustomerId: publicCustomerId as string,
  };
}

/** One hand-written statement, the database's JSON passed through. */
function startRaw(database: pg.Pool, workspaceId: string, customerId: string): Promise<Server> {
  const server = createServer(async (req, res) => {
    let name = '';
    for await (const chunk of req) name += chunk;
    const values = name.startsWith('Q1') ? [workspaceId] : [workspaceId, customerId];
    const { rows } = await database.query({
      name: name.slice(0, 2),
      text: handWritten[name as Query],
      values,
      types: { getTypeParser: () => String },
      rowMode: 'array',
    });
    res.writeHead(200, { 'Content-Type': 'application/json' }).end(rows[0]?.[0]);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function send(url: string, body: string, more: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...more,
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      Authorization: `Bearer ${key}`,
    };
    request(url, { method: 'POST', agent, headers }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      res.on('end', () =>
        res.statusCode === 200 && !text.includes('"errors"')
          ? resolve(text)
          : reject(new Error(text.slice(0, 500))),
      );
    })
      .on('error', reject)
      .end(body);
  });
}

/** Requests per second of as many callers as there are connections, each waiting for its answer. */
async function measure(
  { url, body, headers }: { url: string; body: string; headers?: Record<string, string> | undefined },
  duration: number,
): Promise<number> {
  const end = performance.now() + duration * 1_000;
  let count = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (; performance.now() < end; count++) await send(url, body, headers);
    }),
  );
  return count / duration;
}
