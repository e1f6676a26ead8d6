import { expect, test } from 'vitest';
import type { Context } from '../../../src/core/context.ts';
import { liveDemo } from '../../../src/resolvers/demo/liveDemo.ts';
import { loadDemo } from '../../../src/resolvers/demo/loadDemo.ts';
import { createWorkspace, openTestDatabase } from '../../support/context.ts';

const db = await openTestDatabase();

async function demoWorkspace() {
  const shop = await createWorkspace(db, { timeZone: 'Europe/Lisbon', country: 'PT' });
  await db.workspace.update({ where: { id: shop.workspace.id }, data: { demo: 'LOADING' } });
  return { shop, ctx: shop.asSystem() };
}

async function counts({ workspace }: Context) {
  const where = { workspaceId: workspace.id };
  const statuses = await db.booking.groupBy({ by: ['status'], where, _count: true });
  return {
    customers: await db.customer.count({ where }),
    payments: await db.payment.count({ where }),
    tagged: await db.customerTag.count({ where }),
    ...Object.fromEntries(statuses.map(({ status, _count }) => [status, _count])),
  };
}

test('The demo is a hotel around today: guests who left and paid, stays in rooms to come, cancellations; made-up guests only.', async () => {
  const { shop, ctx } = await demoWorkspace();
  await loadDemo(ctx);
  const loaded = await counts(ctx);
  expect(loaded).toMatchObject({ CANCELLED: expect.any(Number), PENDING: expect.any(Number) });
  const { COMPLETED = 0, CONFIRMED = 0 } = loaded as Record<string, number>;
  expect(COMPLETED).toBeGreaterThan(250);
  expect(CONFIRMED).toBeGreaterThan(80);
  expect(loaded.payments).toBe(COMPLETED);
  expect(loaded.tagged).toBeGreaterThan(50);

  const workspaceId = shop.workspace.id;
  const now = shop.clock.now();
  expect(await db.booking.count({ where: { workspaceId, status: 'COMPLETED', endsAt: { gt: now } } })).toBe(
    0,
  );
  expect(await db.booking.count({ where: { workspaceId, status: 'CONFIRMED', endsAt: { lt: now } } })).toBe(
    0,
  );
  expect(
    await db.booking.count({ where: { workspaceId, status: 'CONFIRMED', resourceId: null } }),
  ).toBeLessThan(CONFIRMED / 4);
  expect(await db.customer.count({ where: { workspaceId, email: { endsWith: '@example.com' } } })).toBe(
    loaded.customers,
  );
  expect((await db.workspace.findUniqueOrThrow({ where: { id: workspaceId } })).demo).toBe('LOADED');
  const origins = await db.eventOutbox.groupBy({ by: ['origin'], where: { workspaceId } });
  expect(origins.map(({ origin }) => origin)).toEqual(['IMPORT']);
});

test('A load that was killed halfway is run again, and adds what is missing.', async () => {
  const { ctx } = await demoWorkspace();
  const killed = new Error('killed');
  let statements = 0;
  const halfway = db.$extends({
    query: {
      $allOperations({ args, query, model }) {
        if (model === 'Tag' && ++statements > 1) throw killed;
        return query(args);
      },
    },
  });
  await expect(loadDemo({ ...ctx, db: halfway as never })).rejects.toBe(killed);
  const half = await counts(ctx);
  expect(half.customers).toBeGreaterThan(0);
  await loadDemo(ctx);
  const whole = await counts(ctx);
  expect(whole.tagged).toBeGreaterThan(half.tagged);
  expect({ ...whole, tagged: 0 }).toEqual({ ...half, tagged: 0 });
});

test('What goes on in the demo is what goes on at a front desk: every kind of thing, and nothing that fails.', {
  timeout: 60_000,
}, async () => {
  const { shop, ctx } = await demoWorkspace();
  await loadDemo(ctx);
  let state = 42;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  const happened = new Map<string | null, number>();
  const before = (await shop.events()).length;
  for (let n = 0; n < 200; n++) {
    shop.clock.advance({ minutes: 10 });
    const what = await liveDemo(ctx, random);
    happened.set(what, (happened.get(what) ?? 0) + 1);
  }
  expect([...happened.keys()].filter((what) => what !== null).sort()).toEqual([
    'a booking is called off',
    'a booking is confirmed',
    'a guest books a massage',
    'a guest is tagged',
    'a guest joins the yoga class',
    'a guest leaves and pays',
    'a phone number is noted',
    'somebody books a room',
  ]);
  expect(happened.get(null) ?? 0).toBeLessThan(80);
  expect((await shop.events()).length - before).toBeGreaterThan(150);
});
