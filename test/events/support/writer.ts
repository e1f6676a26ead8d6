// A process that writes events in every way that there is, until SIGTERM: node writer.ts <orders>

import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { systemClock } from '../../../src/core/clock.ts';
import type { Context } from '../../../src/core/context.ts';
import { openDatabase, type Tx } from '../../../src/core/database.ts';
import { newId } from '../../../src/core/ids.ts';
import { lockedOrThrow } from '../../../src/core/load.ts';
import { openReader } from '../../../src/core/reader.ts';
import { write } from '../../../src/core/write.ts';
import { recordAll } from '../../../src/events/record.ts';
import { createSequencer } from '../../../src/events/sequencer.ts';
import { systemContext } from '../../../src/jobs/systemContext.ts';
import { type Random, seeded } from '../../support/random.ts';
import { openBus, orders, silent } from './storm.ts';

const told = orders();
const lanes = 8;
const db = openDatabase(told.url, { poolSize: lanes });
const bus = openBus(told);
const sequencer = createSequencer(openReader(told.url, { poolSize: 1 }), bus, silent);
const services = { db, clock: systemClock, log: silent, committed: sequencer.run };
const workspaces = told.workspaces.map(({ id, customers }) => ({
  ctx: systemContext(services, { id, name: '', timeZone: 'UTC', currency: 'EUR', country: 'DE' }),
  customers,
}));

class OnPurpose extends Error {}
let stopping = false;
process.on('SIGTERM', () => {
  stopping = true;
});

/** Takes the customer's lock, then records its next events. */
async function happen(random: Random, ctx: Context, tx: Tx, customerId: string, count = 1): Promise<void> {
  await lockedOrThrow(ctx, tx, 'Customer', customerId);
  const [row] = await tx.$queryRaw<{ n: number }[]>`
    UPDATE storm_customer SET n = n + ${count}::integer WHERE id = ${customerId}::uuid RETURNING n`;
  const first = row!.n - count + 1;
  const happenings = Array.from({ length: count }, (_, i) => ({
    subjectId: customerId,
    customerId,
    data: { fields: [String(first + i)] },
    ...(random.chance(0.5) && { changes: { n: [first + i - 1, first + i] as [number, number] } }),
  }));
  await recordAll(ctx, tx, 'customer.updated', happenings);
}

function one(random: Random) {
  const { ctx, customers } = random.pick(workspaces);
  return { ctx, customerId: random.pick(customers) };
}

/** How often each is done, among each other. */
const weights = {
  quick: 120,
  short: 30,
  long: 4,
  rolledBack: 8,
  savepoint: 8,
  severalWorkspaces: 8,
  bulk: 2,
  nobodyCalls: 8,
  slowFirstWrite: 6,
  prepared: told.canPrepare ? 4 : 0,
};

const acts: Record<keyof typeof weights, (random: Random) => Promise<void>> = {
  async quick(random) {
    const { ctx, customerId } = one(random);
    await db.$executeRaw`SELECT storm_write(${ctx.workspace.id}::uuid, ${customerId}::uuid, ${random.between(1, 3)}::integer)`;
    await ctx.committed();
  },
  async short(random) {
    const { ctx, customerId } = one(random);
    await write(ctx, (tx) => happen(random, ctx, tx, customerId, random.between(1, 3)));
  },
  async long(random) {
    const { ctx, customerId } = one(random);
    await write(ctx, async (tx) => {
      await happen(random, ctx, tx, customerId);
      if (random.chance(0.5)) await tx.$executeRaw`SELECT pg_sleep(0.6)`;
      else await sleep(600);
      await happen(random, ctx, tx, customerId);
    });
  },
  async rolledBack(random) {
    const { ctx, customerId } = one(random);
    await write(ctx, async (tx) => {
      await happen(random, ctx, tx, customerId, random.between(1, 3));
      await sleep(random.between(0, 100));
      throw new OnPurpose();
    });
  },
  async savepoint(random) {
    const { ctx, customerId } = one(random);
    await write(ctx, async (tx) => {
      if (random.chance(0.5)) await happen(random, ctx, tx, customerId);
      await tx.$executeRaw`SAVEPOINT attempt`;
      await happen(random, ctx, tx, customerId, 2);
      await sleep(random.between(0, 50));
      if (random.chance(0.7)) await tx.$executeRaw`ROLLBACK TO SAVEPOINT attempt`;
      else await tx.$executeRaw`RELEASE SAVEPOINT attempt`;
      await happen(random, ctx, tx, customerId);
    });
  },
  async severalWorkspaces(random) {
    // In one order everywhere, so that they wait for each other and do not deadlock.
    const several = Array.from({ length: random.between(2, 4) }, () => one(random)).sort((a, b) =>
      a.customerId < b.customerId ? -1 : 1,
    );
    await write(several[0]!.ctx, async (tx) => {
      for (const { ctx, customerId } of several) await happen(random, ctx, tx, customerId);
    });
  },
  async bulk(random) {
    const { ctx, customerId } = one(random);
    await write(ctx, (tx) => happen(random, ctx, tx, customerId, random.between(20, 80)));
  },
  async nobodyCalls(random) {
    const { ctx, customerId } = one(random);
    await db.$transaction((tx) => happen(random, ctx, tx, customerId));
  },
  // The number is drawn long before the row is there, and the transaction has written nothing before.
  async slowFirstWrite(random) {
    const { ctx } = one(random);
    await db.$executeRaw`
      INSERT INTO event_outbox (workspace_id, id, type, version, occurred_at, recorded_at, actor_kind, origin, subject_type, subject_id, data)
      VALUES (${ctx.workspace.id}::uuid, ${newId()}::uuid, 'customer.updated', 1, now(), now(), 'SYSTEM', 'LIVE', 'Customer', ${newId()}::uuid,
        (SELECT '{"fields": ["0"]}'::jsonb FROM pg_sleep(${random.between(5, 400) / 1_000}::float8)))`;
  },
  async prepared(random) {
    const { ctx, customerId } = one(random);
    const client = new Client({ connectionString: told.url });
    client.on('error', () => {});
    await client.connect();
    try {
      const id = newId();
      await client.query('BEGIN');
      await client.query('SELECT storm_write($1, $2, 1)', [ctx.workspace.id, customerId]);
      await client.query(`PREPARE TRANSACTION '${id}'`);
      await sleep(random.between(0, 400));
      await client.query(`${random.chance(0.6) ? 'COMMIT' : 'ROLLBACK'} PREPARED '${id}'`);
    } finally {
      await client.end().catch(() => {});
    }
  },
};
const weighted = (Object.keys(acts) as (keyof typeof acts)[]).flatMap((name) =>
  Array.from({ length: weights[name] }, () => name),
);

const done: Record<string, number> = {};
const count = (what: string) => {
  done[what] = (done[what] ?? 0) + 1;
};

async function lane(random: Random): Promise<void> {
  while (!stopping) {
    const name = random.pick(weighted);
    try {
      await acts[name](random);
      count(name);
    } catch (error) {
      count(error instanceof OnPurpose ? 'rolledBack' : 'cutOff');
    }
    await sleep(random.chance(0.05) ? random.between(0, 300) : random.between(0, 10));
  }
}

const tell = () => console.log(JSON.stringify(done));
setInterval(tell, 100).unref();
tell();
await Promise.all(Array.from({ length: lanes }, (_, index) => lane(seeded(told.seed + index))));
tell();
await bus.close();
await db.$disconnect();
process.exit(0);
