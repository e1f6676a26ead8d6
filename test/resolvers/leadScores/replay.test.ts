import { expect, test } from 'vitest';
import { uuidOf } from '../../../src/core/ids.ts';
import { startBulkOperations } from '../../../src/jobs/bulkOperations.ts';
import { cancelBooking } from '../../../src/resolvers/bookings/cancelBooking.ts';
import { completeBooking } from '../../../src/resolvers/bookings/completeBooking.ts';
import { confirmBooking } from '../../../src/resolvers/bookings/confirmBooking.ts';
import { deleteCustomer } from '../../../src/resolvers/customers/deleteCustomer.ts';
import { createLeadScoreRule } from '../../../src/resolvers/leadScoreRules/createLeadScoreRule.ts';
import { rescoreCustomers } from '../../../src/resolvers/leadScores/rescoreCustomers.ts';
import { refundPayment } from '../../../src/resolvers/payments/refundPayment.ts';
import { openTestDatabase } from '../../support/context.ts';
import { seeded } from '../../support/random.ts';
import { type ScoredShop, scoredShop } from './scoredShop.ts';

const db = await openTestDatabase();

/** Rules of every kind beside those that every business begins with. */
async function addRules(shop: ScoredShop): Promise<void> {
  const opened = { eventType: 'email.opened' };
  for (const rule of [
    { ...opened, name: 'Capped', points: 3, maxOccurrences: 3, expiresAfterDays: 20 },
    { ...opened, name: 'Per week', points: 2, maxPerPeriod: 2, periodDays: 7 },
    { ...opened, name: 'Decays', points: 9, decayPerDay: 2 },
    {
      eventType: 'form.submitted',
      name: 'Renews and decays',
      points: 12,
      decayPerDay: 1,
      maxOccurrences: 2,
      expiresAfterDays: 9,
      renews: true,
    },
    { name: 'Quiet', inactiveDays: 3, points: -2, expiresAfterDays: 10, maxOccurrences: 2 },
  ])
    await createLeadScoreRule(shop.admin, rule);
}

/** Something that customers do at random over some weeks. */
async function live(shop: ScoredShop, seed: number, steps: number): Promise<string[]> {
  const random = seeded(seed);
  const service = await shop.service('25');
  const customers = await Promise.all([1, 2, 3, 4].map(() => shop.customer()));
  const payments: string[] = [];
  for (let n = 0; n < steps; n++) {
    const customer = random.pick(customers);
    const dice = random.between(0, 11);
    if (dice < 4) {
      const ago = random.between(0, 3) === 0 ? random.between(0, 12 * 86_400) * 1_000 : 0;
      const type = random.pick(['email.opened', 'form.submitted', 'email.clicked', 'page.visited']);
      await shop.act(customer, type, 'pricing', new Date(shop.clock.now().getTime() - ago));
    } else if (dice < 6) {
      const id = await shop.book(customer, service);
      if (dice === 4)
        await confirmBooking(shop.admin, { id }).then(() => completeBooking(shop.admin, { id }));
      else await cancelBooking(shop.admin, { id });
    } else if (dice < 8) payments.push(await shop.pay(customer, `${random.between(1, 60)}.5`));
    else if (dice === 8 && payments.length > 0)
      await refundPayment(shop.admin, { id: payments.pop(), amount: { amount: '0.5', currency: 'EUR' } });
    else {
      await shop.settled(); // Days do not pass while a page is being read.
      shop.clock.advance({ hours: random.between(1, 120) });
    }
    if (random.between(0, 3) === 0) await shop.settled();
  }
  await shop.settled();
  return customers;
}

/** Every score, summed up here from the ledger, beside those that are stored. */
async function sums(shop: ScoredShop) {
  const mine = { workspaceId: shop.workspace.id };
  const customers = await db.customer.findMany({ where: mine, orderBy: { id: 'asc' } });
  const entries = await db.leadScoreEntry.findMany({ where: mine });
  const now = shop.clock.now().getTime();
  const stored = customers.map(({ id, leadScore }) => [id, leadScore]);
  const summed = customers.map(({ id }) => [
    id,
    entries
      .filter(({ customerId, expiresAt }) => customerId === id && (!expiresAt || expiresAt.getTime() > now))
      .reduce((sum, { points }) => sum + points, 0),
  ]);
  return { stored, summed };
}

test.each([1, 2, 3])(
  'whatever happens, a score is the sum of its ledger, and history told again gives the same ledger (%i)',
  { timeout: 240_000 },
  async (seed) => {
    const shop = await scoredShop(db, 2);
    await shop.customer();
    await shop.settled();
    await addRules(shop);
    await live(shop, seed, 60);
    const { stored, summed } = await sums(shop);
    expect(stored).toEqual(summed);
    const ledger = await shop.ledger();
    expect(ledger.length).toBeGreaterThan(40);
    const changes = (await shop.changes()).length;

    await shop.rescore();
    expect(await shop.ledger()).toEqual(ledger);
    expect((await shop.changes()).length).toBe(changes);

    // From nothing at all, by readers that never saw it before.
    await shop.stop();
    const mine = { workspaceId: shop.workspace.id };
    await db.leadScoreEntry.deleteMany({ where: mine });
    await db.leadScoreState.deleteMany({ where: mine });
    await db.eventReader.deleteMany({ where: mine });
    shop.start();
    await shop.settled();
    expect(await shop.ledger()).toEqual(ledger);
    expect((await sums(shop)).stored).toEqual(stored);
  },
);

test('each change says the score before and after, without a gap', async () => {
  const shop = await scoredShop(db, 2);
  const customers = await live(shop, 7, 40);
  const events = await shop.events('lead_score.changed');
  for (const customer of customers) {
    let score = 0;
    for (const { customerId, data } of events) {
      if (customerId !== uuidOf('Customer', customer)) continue;
      const change = data as { previousScore: number; score: number; reason: string };
      expect(change.previousScore).toBe(score);
      const said = [...change.reason.matchAll(/ ([+-]\d+)/g)].reduce((sum, [, by]) => sum + Number(by), 0);
      expect([change.reason, said]).toEqual([change.reason, change.score - change.previousScore]);
      score = change.score;
    }
    expect((await shop.score(customer))[0]).toBe(score);
  }
});

test('an operation that is taken over after its worker died goes on behind its checkpoint', async () => {
  const shop = await scoredShop(db);
  await live(shop, 5, 30);
  const ledger = await shop.ledger();
  await shop.stop();
  const mine = { workspaceId: shop.workspace.id };
  await db.leadScoreEntry.deleteMany({ where: mine });
  await db.leadScoreState.deleteMany({ where: mine });
  const { id } = await rescoreCustomers(shop.admin, {});
  // As a worker leaves it that is killed after its first customer.
  const [first] = await db.customer.findMany({ where: mine, orderBy: { id: 'asc' } });
  const past = new Date(0);
  await db.bulkOperation.update({
    where: { id },
    data: {
      status: 'RUNNING',
      claimedBy: '01980000-0000-7000-8000-000000000000',
      claimedUntil: past,
      mapping: { after: first?.id as string },
      rowsDone: 1,
    },
  });
  const workers = startBulkOperations(shop.services);
  while ((await db.bulkOperation.findUniqueOrThrow({ where: { id } })).status !== 'COMPLETED')
    await new Promise((resolve) => setTimeout(resolve, 20));
  await workers.stop();
  const rest = ledger.filter((line) => !line.includes(`"${first?.id}"`));
  expect(await shop.ledger()).toEqual(rest);
  expect((await db.bulkOperation.findUniqueOrThrow({ where: { id } })).rowsDone).toBe(
    await db.customer.count({ where: mine }),
  );
});

test('who is deleted has no ledger any more, and gets none from what is read later', async () => {
  const shop = await scoredShop(db);
  const customer = await shop.customer();
  await shop.act(customer, 'form.submitted');
  await shop.settled();
  await shop.stop();
  await shop.act(customer, 'form.submitted');
  await deleteCustomer(shop.admin, { id: customer });
  shop.start();
  await shop.settled();
  await shop.rescore();
  const mine = { workspaceId: shop.workspace.id, customerId: uuidOf('Customer', customer) as string };
  expect(await db.leadScoreEntry.count({ where: mine })).toBe(0);
  expect(await db.leadScoreState.count({ where: mine })).toBe(0);
});
