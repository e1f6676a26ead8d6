import { expect, test } from 'vitest';
import { encodeId, uuidOf } from '../../../src/core/ids.ts';
import { createLeadScoreRule } from '../../../src/resolvers/leadScoreRules/createLeadScoreRule.ts';
import { deleteLeadScoreRule } from '../../../src/resolvers/leadScoreRules/deleteLeadScoreRule.ts';
import { previewLeadScoreRule } from '../../../src/resolvers/leadScoreRules/previewLeadScoreRule.ts';
import { updateLeadScoreRule } from '../../../src/resolvers/leadScoreRules/updateLeadScoreRule.ts';
import { adjustLeadScore } from '../../../src/resolvers/leadScores/adjustLeadScore.ts';
import { rescoreCustomers } from '../../../src/resolvers/leadScores/rescoreCustomers.ts';
import { updateSettings } from '../../../src/resolvers/settings/updateSettings.ts';
import { openTestDatabase, refused } from '../../support/context.ts';
import { type ScoredShop, scoredShop } from './scoredShop.ts';

const db = await openTestDatabase();

/** A shop without the rules that every business begins with. */
async function bareShop(): Promise<ScoredShop> {
  const shop = await scoredShop(db);
  await shop.customer();
  await shop.settled();
  await db.leadScoreRule.deleteMany({ where: { workspaceId: shop.workspace.id } });
  return shop;
}
const rule = async (shop: ScoredShop, fields: object) =>
  encodeId('LeadScoreRule', (await createLeadScoreRule(shop.admin, fields)).id);
const points = async (shop: ScoredShop, customer: string) => (await shop.score(customer))[0];
const opened = { name: 'Opened', eventType: 'email.opened', points: 5 };

test('no more of a rule’s entries count than its cap allows, and an entry that ended makes place', async () => {
  const shop = await bareShop();
  await rule(shop, { ...opened, maxOccurrences: 2, expiresAfterDays: 10 });
  const customer = await shop.customer();
  for (let n = 0; n < 3; n++) await shop.act(customer, 'email.opened');
  expect(await points(shop, customer)).toBe(10);
  shop.clock.advance({ days: 10 });
  expect(await points(shop, customer)).toBe(0);
  await shop.act(customer, 'email.opened');
  expect(await points(shop, customer)).toBe(5);
});

test('a cap per period lets no more in within its days', async () => {
  const shop = await bareShop();
  await rule(shop, { ...opened, maxPerPeriod: 2, periodDays: 7 });
  const customer = await shop.customer();
  for (let n = 0; n < 3; n++) await shop.act(customer, 'email.opened');
  expect(await points(shop, customer)).toBe(10);
  shop.clock.advance({ days: 6 });
  await shop.act(customer, 'email.opened');
  expect(await points(shop, customer)).toBe(10);
  shop.clock.advance({ days: 1 });
  await shop.act(customer, 'email.opened');
  expect(await points(shop, customer)).toBe(15);
});

test('a rule that renews begins its days anew, and does not mind what is told late', async () => {
  const shop = await bareShop();
  await rule(shop, { ...opened, maxOccurrences: 1, expiresAfterDays: 10, renews: true });
  const customer = await shop.customer();
  await shop.act(customer, 'email.opened');
  shop.clock.advance({ days: 9 });
  await shop.act(customer, 'email.opened');
  await shop.settled();
  await shop.act(customer, 'email.opened', 'Earlier', new Date(shop.clock.now().getTime() - 5 * 86_400_000));
  expect(await points(shop, customer)).toBe(5);
  shop.clock.advance({ days: 9 });
  expect(await points(shop, customer)).toBe(5);
  shop.clock.advance({ days: 1 });
  expect(await points(shop, customer)).toBe(0);
});

test('decay takes points away day by day until none is left, each day an entry that says so', async () => {
  const shop = await bareShop();
  await rule(shop, { ...opened, points: 5, decayPerDay: 2 });
  const customer = await shop.customer();
  await shop.act(customer, 'email.opened');
  const seen = [await points(shop, customer)];
  for (let day = 0; day < 4; day++) {
    shop.clock.advance({ days: 1 });
    seen.push(await points(shop, customer));
  }
  expect(seen).toEqual([5, 3, 1, 0, 0]);
  await shop.act(customer, 'email.opened');
  shop.clock.advance({ days: 2 });
  expect(await points(shop, customer)).toBe(1);
  const entries = await db.leadScoreEntry.findMany({
    where: { workspaceId: shop.workspace.id, ofEntryId: { not: null } },
    orderBy: [{ occurredAt: 'asc' }],
  });
  expect(entries.map((entry) => [entry.points, entry.reason])).toEqual(
    [-2, -2, -1, -2, -2].map((taken) => [taken, 'Opened, daily decay']),
  );
});

test('what decay took ends together with the points that it was taken from', async () => {
  const shop = await bareShop();
  await rule(shop, {
    ...opened,
    points: 20,
    decayPerDay: 2,
    maxOccurrences: 1,
    expiresAfterDays: 30,
    renews: true,
  });
  const customer = await shop.customer();
  await shop.act(customer, 'email.opened');
  shop.clock.advance({ days: 3 });
  expect(await points(shop, customer)).toBe(14);
  await shop.act(customer, 'email.opened');
  expect(await points(shop, customer)).toBe(20);
  shop.clock.advance({ days: 4 });
  expect(await points(shop, customer)).toBe(12);
});

test('a rule counts only events that meet its condition, on the event and on the customer', async () => {
  const shop = await bareShop();
  const service = await shop.service('100');
  await rule(shop, {
    name: 'Third booking or later of this service',
    eventType: 'booking.created',
    condition: {
      match: 'all',
      conditions: [
        { field: 'event.service', operator: 'equals', value: service },
        { field: 'bookings_count', operator: 'at_least', value: 3 },
      ],
    },
    points: 7,
  });
  const customer = await shop.customer();
  await shop.book(customer, await shop.service('1'));
  await shop.book(customer, service);
  expect(await points(shop, customer)).toBe(0);
  await shop.book(customer, service);
  await shop.book(customer, await shop.service('2'));
  expect(await points(shop, customer)).toBe(7);
});

test('a rule about inactivity that is made later is for those who are silent already too', async () => {
  const shop = await bareShop();
  const customer = await shop.customer();
  await shop.act(customer, 'email.opened');
  await shop.settled();
  shop.clock.advance({ days: 100 });
  await rule(shop, { name: 'Quiet', inactiveDays: 60, points: -4 });
  expect(await points(shop, customer)).toBe(-4);
  const later = await shop.customer();
  await shop.act(later, 'email.opened');
  await shop.settled();
  shop.clock.advance({ days: 59 });
  expect(await points(shop, later)).toBe(0);
  shop.clock.advance({ days: 1 });
  expect(await points(shop, later)).toBe(-4);
});

test('points given by hand count until they end; the reason is in the ledger and not in the log', async () => {
  const shop = await bareShop();
  const customer = await shop.customer();
  const expiresAt = new Date(shop.clock.now().getTime() + 86_400_000);
  const given = {
    customerId: customer,
    points: 60,
    reason: 'Met Ada at the fair',
    expiresAt,
    idempotencyKey: 'k',
  };
  await adjustLeadScore(shop.admin, given);
  await adjustLeadScore(shop.admin, given);
  await adjustLeadScore(shop.admin, { customerId: customer, points: -3, reason: 'Complained' });
  expect(await shop.score(customer)).toEqual([57, 'HOT']);
  shop.clock.advance({ days: 1 });
  expect(await shop.score(customer)).toEqual([-3, 'COLD']);
  expect((await shop.changes()).map((change) => (change as { reason: string }).reason)).toEqual([
    'Adjusted by hand +60',
    'Adjusted by hand -3',
    'Points given by hand, ended -60',
  ]);
  await shop.rescore();
  expect(await shop.score(customer)).toEqual([-3, 'COLD']);
});

test('the points of a deleted rule stay until history is worked out again', async () => {
  const shop = await bareShop();
  const id = await rule(shop, { ...opened, points: 30 });
  const customer = await shop.customer();
  await shop.act(customer, 'email.opened');
  await shop.settled();
  await deleteLeadScoreRule(shop.admin, { id });
  await shop.act(customer, 'email.opened');
  expect(await shop.score(customer)).toEqual([30, 'WARM']);
  await shop.rescore();
  expect(await shop.score(customer)).toEqual([0, 'COLD']);
});

test('new bounds of the grades regrade those whom they make a difference for, and say so', async () => {
  const shop = await bareShop();
  await rule(shop, { ...opened, points: 30 });
  const [one, two, cold] = [await shop.customer(), await shop.customer(), await shop.customer()];
  for (const customer of [one, two, two]) await shop.act(customer, 'email.opened');
  expect(await shop.score(one)).toEqual([30, 'WARM']);
  expect(await shop.score(two)).toEqual([60, 'HOT']);
  const before = (await shop.changes()).length;
  await updateSettings(shop.admin, { leadGrades: { warmFrom: 31 } });
  expect(await shop.score(one)).toEqual([30, 'COLD']);
  expect(await shop.score(two)).toEqual([60, 'HOT']);
  expect(await shop.score(cold)).toEqual([0, 'COLD']);
  expect((await shop.changes()).slice(before)).toEqual([
    { previousScore: 30, score: 30, previousGrade: 'WARM', grade: 'COLD', reason: 'Grades were set anew' },
  ]);
  const failure = await refused(shop.admin, () =>
    updateSettings(shop.admin, { leadGrades: { hotFrom: 76 } }),
  );
  expect(failure.message).toContain('Each must be higher than the one before; they would be 31, 76 and 76.');
});

test('a preview says what happens afterwards, of a new rule, a changed one and one about silence', async () => {
  const shop = await bareShop();
  const id = await rule(shop, { ...opened, points: 10 });
  const customers: string[] = [];
  for (let n = 0; n < 6; n++) {
    const customer = await shop.customer();
    customers.push(customer);
    for (let m = 0; m < n; m++) await shop.act(customer, 'email.opened');
    for (let m = 0; m < 6 - n; m++) await shop.act(customer, 'form.submitted');
  }
  await shop.settled();
  shop.clock.advance({ days: 20 });
  await shop.settled();
  const grades = async () => Promise.all(customers.map((customer) => shop.score(customer)));
  const order = ['COLD', 'WARM', 'HOT', 'QUALIFIED'];

  async function check(preview: object, save: () => Promise<unknown>) {
    const before = await grades();
    const ledger = await shop.ledger();
    const told = await previewLeadScoreRule(shop.admin, preview);
    expect(await shop.ledger()).toEqual(ledger);
    await save();
    await shop.settled();
    await shop.rescore();
    const after = await grades();
    const rank = ([, grade]: [number, string]) => order.indexOf(grade);
    const moved = after.map((now, n) => rank(now) - rank(before[n] as [number, string]));
    expect(told).toMatchObject({
      customers: 7,
      up: moved.filter((by) => by > 0).length,
      down: moved.filter((by) => by < 0).length,
      scoresChanged: after.filter(([score], n) => score !== before[n]?.[0]).length,
    });
    for (const { customer, score, grade } of told.sample) {
      const n = customers.findIndex((one) => uuidOf('Customer', one) === customer.id);
      expect(after[n]).toEqual([score, grade]);
    }
    return told;
  }

  const form = { name: 'Form', eventType: 'form.submitted', points: 20, maxOccurrences: 3 };
  const first = await check({ rule: form }, () => createLeadScoreRule(shop.admin, form));
  expect(first.up).toBeGreaterThan(2);
  const change = { points: 30, maxPerPeriod: 2, periodDays: 30 };
  const second = await check({ ruleId: id, rule: change }, () =>
    updateLeadScoreRule(shop.admin, { id, ...change }),
  );
  expect(second.scoresChanged).toBeGreaterThan(2);
  const quiet = { name: 'Quiet', inactiveDays: 15, points: -40 };
  const third = await check({ rule: quiet }, () => createLeadScoreRule(shop.admin, quiet));
  expect(third.down).toBeGreaterThan(2);
  await check({ ruleId: id, rule: { active: false } }, () =>
    updateLeadScoreRule(shop.admin, { id, active: false }),
  );
});

test('scores are worked out again one at a time', async () => {
  const shop = await bareShop();
  await rescoreCustomers(shop.admin, { idempotencyKey: 'a' });
  await rescoreCustomers(shop.admin, { idempotencyKey: 'a' });
  await shop.settled();
  await shop.stop();
  expect((await refused(shop.admin, () => rescoreCustomers(shop.admin, {}))).message).toContain(
    'Scores are being worked out again already',
  );
});

test.each([
  [{ ...opened, inactiveDays: 3 }, 'eventType: A rule waits for an event or for inactiveDays'],
  [{ name: 'None', points: 3 }, 'eventType: A rule waits for an event or for inactiveDays'],
  [{ ...opened, eventType: 'lead_score.changed' }, 'eventType: No rule can wait for this.'],
  [{ ...opened, points: 0 }, 'points: Must not be 0.'],
  [{ ...opened, periodDays: 3 }, 'periodDays: Goes together with maxPerPeriod.'],
  [{ ...opened, renews: true }, 'renews: Needs maxOccurrences'],
  [{ ...opened, points: 1_000, decayPerDay: 1 }, 'decayPerDay: Must take all points away within 365 days.'],
  [{ ...opened, perAmount: { amount: '10', currency: 'EUR' } }, 'perAmount: Goes only with the events'],
  [
    { ...opened, eventType: 'payment.recorded', perAmount: { amount: '10', currency: 'USD' } },
    'perAmount.currency: Must be EUR',
  ],
  [
    {
      ...opened,
      eventType: 'payment.recorded',
      perAmount: { amount: '10', currency: 'EUR' },
      maxOccurrences: 1,
    },
    'perAmount: Counts everything spent so far',
  ],
  [
    { ...opened, condition: { field: 'event.service', operator: 'is_set' } },
    'condition.field: email.opened does not say event.service.',
  ],
  [
    { name: 'Q', inactiveDays: 3, points: -1, condition: { field: 'event.subject', operator: 'is_set' } },
    'condition.field: event.subject is a field of an event',
  ],
])('a rule that makes no sense is refused: %#', async (fields, message) => {
  const shop = await bareShop();
  await shop.stop();
  expect((await refused(shop.admin, () => createLeadScoreRule(shop.admin, fields))).message).toContain(
    message,
  );
});
