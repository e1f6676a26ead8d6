import { expect, test } from 'vitest';
import { completeBooking } from '../../../src/resolvers/bookings/completeBooking.ts';
import { confirmBooking } from '../../../src/resolvers/bookings/confirmBooking.ts';
import { deleteLeadScoreRule } from '../../../src/resolvers/leadScoreRules/deleteLeadScoreRule.ts';
import { updateLeadScoreRule } from '../../../src/resolvers/leadScoreRules/updateLeadScoreRule.ts';
import { refundPayment } from '../../../src/resolvers/payments/refundPayment.ts';
import { openTestDatabase } from '../../support/context.ts';
import { type ScoredShop, scoredShop } from './scoredShop.ts';

const db = await openTestDatabase();

/** Scores by the table of S4 alone: what the booking formula of S0 counts in proportion, at flat rates. */
async function byTable(shop: ScoredShop): Promise<void> {
  await shop.customer();
  await shop.settled(); // The rules come with the first event.
  for (const key of ['booked', 'spent', 'booked_within_30_days', 'booked_within_90_days'])
    await updateLeadScoreRule(shop.admin, { id: await shop.ruleOf(key), active: false });
  for (const key of ['course_purchased', 'course_completed'])
    await updateLeadScoreRule(shop.admin, { id: await shop.ruleOf(key), active: true });
  await shop.settled();
}

test.each([
  ['opens an e-mail', 'email.opened', 'Spring news', 5],
  ['clicks a link in an e-mail', 'email.clicked', 'Spring news', 10],
  ['visits the pricing page', 'page.visited', 'https://example.com/Pricing', 15],
  ['visits another page', 'page.visited', 'https://example.com/team', 0],
  ['downloads a resource', 'document.downloaded', 'Brochure', 10],
  ['submits an inquiry form', 'form.submitted', 'Inquiry', 20],
  ['refers a friend', 'referral.made', 'A friend', 30],
  ['unsubscribes', 'email.unsubscribed', 'Spring news', -50],
])('who %s gets the points of the table', async (_, type, about, points) => {
  const shop = await scoredShop(db);
  const customer = await shop.customer();
  await shop.act(customer, type, about);
  expect(await shop.score(customer)).toEqual([points, points > 25 ? 'WARM' : 'COLD']);
});

test('a free class attended, a course purchased and a course completed get the points of the table', async () => {
  const shop = await scoredShop(db);
  await byTable(shop);
  const [free, course] = [await shop.service('0'), await shop.service('300')];
  const attend = async (serviceId: string) => {
    const customer = await shop.customer();
    const id = await shop.book(customer, serviceId);
    await confirmBooking(shop.admin, { id });
    await completeBooking(shop.admin, { id });
    return customer;
  };
  expect(await shop.score(await attend(free))).toEqual([25, 'COLD']);
  const student = await attend(course);
  expect(await shop.score(student)).toEqual([40, 'WARM']);
  await shop.pay(student, '300');
  expect(await shop.score(student)).toEqual([90, 'QUALIFIED']);
});

test('silence of 14 days costs 5 points and of 30 days 15 more, once, until they do something again', async () => {
  const shop = await scoredShop(db);
  const customer = await shop.customer();
  await shop.act(customer, 'form.submitted');
  shop.clock.advance({ days: 13, hours: 23 });
  expect(await shop.score(customer)).toEqual([20, 'COLD']);
  shop.clock.advance({ hours: 1 });
  expect(await shop.score(customer)).toEqual([15, 'COLD']);
  shop.clock.advance({ days: 16 });
  expect(await shop.score(customer)).toEqual([0, 'COLD']);
  shop.clock.advance({ days: 100 });
  expect(await shop.score(customer)).toEqual([0, 'COLD']);
  await shop.act(customer, 'form.submitted');
  expect(await shop.score(customer)).toEqual([20, 'COLD']);
  shop.clock.advance({ days: 14 });
  expect(await shop.score(customer)).toEqual([15, 'COLD']);
  expect((await shop.changes()).map((change) => (change as { reason: string }).reason)).toEqual([
    'Submits inquiry form +20',
    'Inactive 14 days -5',
    'Inactive 30 days -15',
    'Submits inquiry form +20',
    'Inactive 14 days -5',
  ]);
});

test('the booking formula: 10 a booking, 1 for each full 10 spent, 20 within 30 days and 10 within 90', async () => {
  const shop = await scoredShop(db);
  const service = await shop.service('19.90');
  const customer = await shop.customer();
  await shop.book(customer, service);
  expect(await shop.score(customer)).toEqual([30, 'WARM']);
  await shop.book(customer, service);
  expect(await shop.score(customer)).toEqual([40, 'WARM']);

  await shop.pay(customer, '19.90');
  expect((await shop.score(customer))[0]).toBe(41);
  const second = await shop.pay(customer, '19.90'); // 39.80 in all
  expect((await shop.score(customer))[0]).toBe(43);
  await shop.pay(customer, '0.20'); // exactly 40
  expect((await shop.score(customer))[0]).toBe(44);
  await shop.pay(customer, '500', 'USD');
  expect((await shop.score(customer))[0]).toBe(44);
  await refundPayment(shop.admin, { id: second, amount: { amount: '0.01', currency: 'EUR' } });
  expect((await shop.score(customer))[0]).toBe(43);
  await refundPayment(shop.admin, { id: second });
  expect((await shop.score(customer))[0]).toBe(42); // 20.10 is left

  for (const key of ['inactive_14_days', 'inactive_30_days'])
    await updateLeadScoreRule(shop.admin, { id: await shop.ruleOf(key), active: false });
  shop.clock.advance({ days: 29, hours: 23, minutes: 59 });
  expect((await shop.score(customer))[0]).toBe(42);
  shop.clock.advance({ minutes: 1 });
  expect((await shop.score(customer))[0]).toBe(32);
  shop.clock.advance({ days: 59, hours: 23, minutes: 59 });
  expect((await shop.score(customer))[0]).toBe(32);
  shop.clock.advance({ minutes: 1 });
  expect(await shop.score(customer)).toEqual([22, 'COLD']);
  await shop.book(customer, service);
  expect(await shop.score(customer)).toEqual([52, 'HOT']);
});

test('a business gets the rules once: those it deletes stay away, and those it changes stay changed', async () => {
  const shop = await scoredShop(db);
  await shop.customer();
  await shop.settled();
  const count = () => db.leadScoreRule.count({ where: { workspaceId: shop.workspace.id } });
  expect(await count()).toBe(16);
  await deleteLeadScoreRule(shop.admin, { id: await shop.ruleOf('booked') });
  await updateLeadScoreRule(shop.admin, { id: await shop.ruleOf('email_opened'), points: 7 });
  await shop.stop();
  shop.start();
  const customer = await shop.customer();
  await shop.act(customer, 'email.opened');
  expect(await shop.score(customer)).toEqual([7, 'COLD']);
  expect(await count()).toBe(15);
});
