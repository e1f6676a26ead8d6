import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { openLocalBus } from '../../src/core/bus.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Context } from '../../src/core/context.ts';
import { type Database, openDatabase } from '../../src/core/database.ts';
import { encodeId, newId } from '../../src/core/ids.ts';
import { allPermissions } from '../../src/core/permissions.ts';
import { openReader } from '../../src/core/reader.ts';
import { createSyncMetrics } from '../../src/core/syncMetrics.ts';
import { createVault } from '../../src/core/vault.ts';
import { createSequencer } from '../../src/events/sequencer.ts';
import { createBooking } from '../../src/resolvers/bookings/createBooking.ts';
import { connectIntegration } from '../../src/resolvers/connections/connectIntegration.ts';
import { createCustomer } from '../../src/resolvers/customers/createCustomer.ts';
import { updateCustomer } from '../../src/resolvers/customers/updateCustomer.ts';
import { createService } from '../../src/resolvers/services/createService.ts';
import { addTags } from '../../src/resolvers/tags/addTags.ts';
import { removeTags } from '../../src/resolvers/tags/removeTags.ts';
import type { ActiveCampaign } from '../peers/activecampaign/activeCampaign.ts';
import { startActiveCampaign } from '../peers/activecampaign/startActiveCampaign.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { seeded } from '../support/random.ts';

const secret = 'a secret for tests that has forty characters';

export interface StoryOptions {
  databaseUrl: string;
  /** Changes on both sides together. */
  changes: number;
  customers: number;
  /** Calls a second that the peer takes, and milliseconds between two that we make. */
  rate: number;
  spacingMs: number;
  /** The share of calls that fail: 429, 503, time-out, cut connection. */
  failing: number;
  /** How often the gateway is killed on the way. */
  kills: number;
  /** Changes a second; as fast as they go when left out. */
  pace?: number;
  seed?: number;
  say?: (line: string) => void;
}

export interface StoryReport {
  changes: number;
  calls: number;
  seconds: number;
  /** Customers who are not the same on both sides, with what differs. */
  differing: string[];
  /** E-mail addresses that more than one contact has. */
  duplicates: string[];
  /** Bookings without exactly one start of the automation. */
  wrongStarts: string[];
  parked: string[];
  /** Of everything that was sent: from the change to when the peer had it. */
  lag: Lag;
  /** The same without what was asked for within twenty seconds of a kill. */
  lagBetweenKills: Lag;
}

interface Lag {
  count: number;
  p50: number;
  p95: number;
  p99: number;
  within5s: number;
}

/**
 * A business and an ActiveCampaign that change at the same time, while calls fail and the gateway is killed. The gateway
 * is the real program; what people of the business do is done by verbs on the same database.
 */
export async function syncStory(options: StoryOptions): Promise<StoryReport> {
  const { databaseUrl, say = () => {} } = options;
  const random = seeded(options.seed ?? 7);
  const db = openDatabase(databaseUrl);
  const peer = await startActiveCampaign({ rate: options.rate, apiKey: randomBytes(12).toString('hex') });
  let gateway = await open(databaseUrl);
  const port = Number(new URL(gateway.url).port);
  const { ctx, close } = await businessOf(db, databaseUrl, gateway.url);
  try {
    const automation = peer.addAutomation('Post booking');
    await connectIntegration(ctx, {
      integration: 'activecampaign',
      settings: {
        ...{ apiUrl: peer.url, apiKey: peer.apiKey, spacingMs: options.spacingMs, pollMinutes: 1 },
        automations: [{ slot: 'post_booking', automationId: automation }],
      },
    });
    const service = await createService(ctx, { name: 'Visit', durationMinutes: 30 });
    const people = [];
    for (let n = 0; n < options.customers; n++) {
      const email = `person-${n}@example.com`;
      const { id } = await createCustomer(ctx, { email, firstName: 'First', lastName: 'Last' });
      people.push({ uuid: id, id: encodeId('Customer', id), email, bookings: 0 });
    }
    await sentAll(db, ctx.workspace.id, 600_000);
    say(`${people.length} customers are there; ${options.changes} changes begin`);
    peer.forgetCalls();
    peer.failWith({ rate: options.failing, seed: options.seed ?? 7 });

    await keepLags(db);
    const kills: Date[] = [];
    const began = performance.now();
    const every = Math.ceil(options.changes / (options.kills + 1));
    for (let n = 1; n <= options.changes; n++) {
      const person = random.pick(people);
      const kind = random.pick(['name', 'name', 'tag', 'untag', 'booking', 'there', 'there'] as const);
      const customerIds = [person.id];
      if (kind === 'name') await updateCustomer(ctx, { id: person.id, lastName: `Here ${n}` });
      if (kind === 'tag') await addTags(ctx, { customerIds, tags: [random.pick(['A', 'B', 'C'])] });
      if (kind === 'untag')
        await removeTags(ctx, { customerIds, tags: [random.pick(['A', 'B', 'C'])] }).catch(() => {});
      if (kind === 'booking') {
        person.bookings++;
        const startsAt = new Date(Date.now() + 86_400_000 + n * 60_000);
        await createBooking(ctx, {
          customerId: person.id,
          serviceId: encodeId('Service', service.id),
          startsAt,
        });
      }
      if (kind === 'there') peer.editContact(person.email, { firstName: `There ${n}` });
      if (n % every === 0 && n < options.changes) {
        say(`killed after ${n} changes`);
        kills.push(new Date());
        await gateway.kill();
        await sleep(300);
        gateway = await open(databaseUrl, port);
      }
      const aheadMs = options.pace ? (n * 1_000) / options.pace - (performance.now() - began) : 0;
      if (aheadMs > 0) await sleep(aheadMs);
      // People are slower than this; the gateway must get its turn on a small machine.
      else if (n % 5 === 0) await sleep(15);
    }
    await peer.delivered();
    await sentAll(db, ctx.workspace.id, 900_000);
    peer.failWith({ rate: 0 });
    // Messages that came while the gateway was down were sent once: what they told of is found by looking.
    await db.$executeRaw`UPDATE integration_connection SET polled_at = now() - interval '1 hour', retry_at = NULL`;
    await untilPolled(db);
    await sentAll(db, ctx.workspace.id, 300_000);
    const seconds = (performance.now() - began) / 1_000;
    const report = {
      changes: options.changes,
      calls: peer.calls().length,
      seconds,
      ...(await compare(db, peer, people)),
    };
    return { ...report, lag: await lagOf(db, []), lagBetweenKills: await lagOf(db, kills) };
  } finally {
    await gateway.kill();
    await close();
    await peer.stop();
    await db.$disconnect();
  }
}

const open = (databaseUrl: string, port = 0): Promise<Gateway> =>
  startGateway({
    databaseUrl,
    env: {
      ALLOW_PRIVATE_PEERS: 'true',
      FRONTDESK_SECRET: secret,
      PORT: String(port),
      DEMO: 'false',
      LOG_LEVEL: 'warn',
    },
  });

/** The first business of the gateway, and somebody who may do everything in it. */
async function businessOf(
  db: Database,
  databaseUrl: string,
  publicUrl: string,
): Promise<{ ctx: Context; close(): Promise<void> }> {
  const log = pino({ level: 'silent' });
  const bus = openLocalBus();
  const reader = openReader(databaseUrl, { poolSize: 1 });
  const sequencer = createSequencer(reader, bus, log);
  const workspace = await db.workspace.findFirstOrThrow();
  const ctx: Context = {
    db,
    log,
    workspace,
    clock: systemClock,
    requestId: newId(),
    committed: sequencer.run,
    outside: {
      vault: createVault(secret),
      allowPrivatePeers: true,
      publicUrl,
      metrics: createSyncMetrics([new Registry()]),
    },
    viewer: { kind: 'system', permissions: new Set(allPermissions), rowScope: 'ALL', principals: [] },
  };
  return {
    ctx,
    async close() {
      await sequencer.stop();
      await reader.close();
      await bus.close();
    },
  };
}

/** Waits until nothing waits any more. */
async function sentAll(db: Database, workspaceId: string, timeoutMs: number): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(200)) {
    const [row] = await db.$queryRaw<{ open: bigint }[]>`
      SELECT (SELECT count(*) FROM event_outbox)
        + (SELECT count(*) FROM event e WHERE e.workspace_id = ${workspaceId}::uuid AND position > coalesce(
            (SELECT position FROM event_reader WHERE name = 'deliveries' AND workspace_id = e.workspace_id), 0))
        + (SELECT count(*) FROM delivery WHERE status = 'WAITING') AS open`;
    if (row?.open === 0n) return;
  }
  throw new Error(`Not everything was delivered within ${timeoutMs} ms.`);
}

async function untilPolled(db: Database): Promise<void> {
  const before = (await db.integrationConnection.findFirstOrThrow()).changedUntil?.getTime() ?? 0;
  for (let n = 0; n < 600; n++, await sleep(100)) {
    const { changedUntil } = await db.integrationConnection.findFirstOrThrow();
    if ((changedUntil?.getTime() ?? 0) > before) return;
  }
  throw new Error('Nobody looked for changes.');
}

async function compare(
  db: Database,
  peer: ActiveCampaign,
  people: readonly { uuid: string; email: string; bookings: number }[],
) {
  const customers = await db.customer.findMany({ include: { tags: { include: { tag: true } } } });
  const contacts = peer.contacts();
  const differing = people.flatMap(({ uuid, email }) => {
    const here = customers.find(({ id }) => id === uuid)!;
    const there = contacts.find((one) => one.email === email);
    const mine = [here.firstName, here.lastName, ...here.tags.map(({ tag }) => tag.name).sort()].join(' ');
    const theirs = there ? [there.firstName, there.lastName, ...there.tags].join(' ') : 'nobody';
    return mine === theirs ? [] : [`${email}: ${mine} here, ${theirs} there`];
  });
  const starts = peer.startsOf('Post booking');
  const parked = await db.delivery.findMany({ where: { status: 'PARKED' } });
  const emails = contacts.map(({ email }) => email.toLowerCase());
  return {
    differing,
    duplicates: emails.filter((email, at) => emails.indexOf(email) !== at),
    wrongStarts: people.flatMap(({ email, bookings }) => {
      const count = starts.filter((start) => start.email === email).length;
      return count === bookings ? [] : [`${email}: ${bookings} bookings, ${count} starts`];
    }),
    parked: parked.map(({ kind, error }) => `${kind}: ${error}`),
  };
}

/** A contact's delivery is one row, done again and again: each time is noted, by the database itself. */
async function keepLags(db: Database): Promise<void> {
  await db.$executeRaw`CREATE TABLE story_lag (asked_at timestamptz NOT NULL, seconds float8 NOT NULL)`;
  await db.$executeRaw`
    CREATE FUNCTION keep_lag() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO story_lag VALUES (OLD.asked_at, extract(epoch FROM NEW.done_at - OLD.asked_at));
      RETURN NULL;
    END $$`;
  await db.$executeRaw`
    CREATE TRIGGER keep_lag AFTER UPDATE ON delivery FOR EACH ROW
    WHEN (NEW.done_at IS NOT NULL AND OLD.done_at IS NULL AND NEW.status = 'DONE' AND NEW.kind IN ('CONTACT', 'AUTOMATION'))
    EXECUTE FUNCTION keep_lag()`;
}

async function lagOf(db: Database, kills: readonly Date[]): Promise<Lag> {
  const [row] = await db.$queryRaw<Lag[]>`
    SELECT count(*)::integer AS count,
      percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50, percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95,
      percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds) AS p99, avg((seconds <= 5)::integer)::float8 AS "within5s"
    FROM story_lag WHERE NOT EXISTS (
      SELECT 1 FROM unnest(${[...kills]}::timestamptz[]) AS kill (at)
      WHERE asked_at BETWEEN at - interval '20 seconds' AND at + interval '20 seconds')`;
  return row as Lag;
}
