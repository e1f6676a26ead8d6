import { beforeEach, describe, expect, test } from 'vitest';
import type { Context } from '../../../src/core/context.ts';
import { encodeId } from '../../../src/core/ids.ts';
import { cancelBooking } from '../../../src/resolvers/bookings/cancelBooking.ts';
import { completeBooking } from '../../../src/resolvers/bookings/completeBooking.ts';
import { createBooking } from '../../../src/resolvers/bookings/createBooking.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';
import { deleteCustomer } from '../../../src/resolvers/customers/deleteCustomer.ts';
import { updateCustomer } from '../../../src/resolvers/customers/updateCustomer.ts';
import { recordPayment } from '../../../src/resolvers/payments/recordPayment.ts';
import { calculateSegment } from '../../../src/resolvers/segments/calculateSegment.ts';
import { createSegment } from '../../../src/resolvers/segments/createSegment.ts';
import { explainSegment } from '../../../src/resolvers/segments/explainSegment.ts';
import { suggestSegments } from '../../../src/resolvers/segments/suggestSegments.ts';
import { updateSegment } from '../../../src/resolvers/segments/updateSegment.ts';
import { createService } from '../../../src/resolvers/services/createService.ts';
import { addTags } from '../../../src/resolvers/tags/addTags.ts';
import { createWorkspace, openTestDatabase, type TestWorkspace } from '../../support/context.ts';
import { type RunningReaders, runReaders } from '../../support/readers.ts';

const db = await openTestDatabase();
let shop: TestWorkspace;
let admin: Context;
let readers: RunningReaders;
let serviceId: string;

beforeEach(async () => {
  const committed = () => readers.committed();
  shop = await createWorkspace(db, { with: { committed } });
  readers = runReaders(db, shop.clock);
  admin = await shop.asUser('ADMIN');
  const service = await createService(admin, {
    name: 'Cut',
    durationMinutes: 30,
    price: { amount: '30', currency: 'EUR' },
  });
  serviceId = encodeId('Service', service.id);
});

const settled = () => readers.settled(shop.workspace.id);
const customer = async (more: Record<string, unknown> = {}) =>
  encodeId('Customer', (await createCustomer(admin, { firstName: 'Ada', ...more })).id);
const segment = async (criteria: unknown, more: Record<string, unknown> = {}) => {
  const made = await createSegment(admin, { name: `S${Math.random()}`, criteria, ...more });
  await settled();
  return made.id;
};
let slot = 0;
const book = async (customerId: string, days: number, complete = false) => {
  const startsAt = new Date(shop.clock.now().getTime() + days * 86_400_000 + ++slot * 60_000);
  const { id } = await createBooking(admin, { customerId, serviceId, startsAt });
  const booking = encodeId('Booking', id);
  if (complete) await completeBooking(admin, { id: booking });
  return booking;
};
const members = async (segmentId: string) =>
  (await db.segmentMember.findMany({ where: { segmentId } }))
    .map(({ customerId }) => encodeId('Customer', customerId))
    .sort();
const moves = async () =>
  (await shop.events())
    .filter(({ type }) => type.startsWith('segment.j') || type.startsWith('segment.l'))
    .map(({ type, customerId }) => [type, encodeId('Customer', customerId as string)]);

test('the first calculation is one event; from then on each one who joins or leaves is one', async () => {
  const [ada, bob] = [await customer({ vip: true }), await customer()];
  const id = await segment({ field: 'vip', operator: 'equals', value: true });
  expect(await members(id)).toEqual([ada]);
  expect(await shop.events('segment.calculated')).toMatchObject([
    { data: { members: 1, joined: 1, left: 0 } },
  ]);
  expect(await moves()).toEqual([]);

  await updateCustomer(admin, { id: bob, vip: true });
  await updateCustomer(admin, { id: ada, vip: false });
  await settled();
  expect(await members(id)).toEqual([bob]);
  expect(await moves()).toEqual([
    ['segment.joined', bob],
    ['segment.left', ada],
  ]);
  const row = await db.segment.findUniqueOrThrow({ where: { id } });
  expect(row.memberCount).toBe(1);
  expect(await db.segmentSize.findMany({ where: { segmentId: id } })).toMatchObject([{ members: 1 }]);
});

test('the tenth completed booking makes a VIP, and not the ninth', async () => {
  const vip = suggestSegments('EUR').find(({ name }) => name === 'VIP');
  const id = await segment(vip?.criteria);
  const ada = await customer();
  for (let n = 1; n <= 9; n++) await book(ada, -n, true);
  await settled();
  expect(await members(id)).toEqual([]);
  await book(ada, -10, true);
  await settled();
  expect(await members(id)).toEqual([ada]);
  expect(await moves()).toEqual([['segment.joined', ada]]);
});

test('exactly 1,000 spent is high value; a cent less is not', async () => {
  const high = suggestSegments('EUR').find(({ name }) => name === 'High value');
  const id = await segment(high?.criteria);
  const ada = await customer();
  await recordPayment(admin, {
    customerId: ada,
    amount: { amount: '999.99', currency: 'EUR' },
    method: 'CASH',
  });
  await recordPayment(admin, { customerId: ada, amount: { amount: '500', currency: 'USD' }, method: 'CASH' });
  await settled();
  expect(await members(id)).toEqual([]);
  await recordPayment(admin, {
    customerId: ada,
    amount: { amount: '0.01', currency: 'EUR' },
    method: 'CASH',
  });
  await settled();
  expect(await members(id)).toEqual([ada]);
});

describe('The passing of time', () => {
  test('brings those in who booked nothing for 90 days, when the time comes and not before', async () => {
    const risk = suggestSegments('EUR').find(({ name }) => name === 'At risk');
    const id = await segment(risk?.criteria);
    const ada = await customer();
    await book(ada, 0, true);
    const { startsAt } = await db.booking.findFirstOrThrow({ where: { workspaceId: shop.workspace.id } });
    await settled();
    shop.clock.set(new Date(startsAt.getTime() + 90 * 86_400_000));
    await customer(); // Something else happens in the last moment.
    await settled();
    expect(await members(id)).toEqual([]);
    shop.clock.set(new Date(startsAt.getTime() + 90 * 86_400_000 + 1));
    await settled();
    expect(await members(id)).toEqual([ada]);
    expect(await moves()).toEqual([['segment.joined', ada]]);
    await book(ada, 5);
    await settled();
    expect(await members(id)).toEqual([]);
  });

  test('takes a visit out of "in the last 30 days", also when nobody worked meanwhile', async () => {
    const id = await segment({
      field: 'bookings_count',
      operator: 'at_least',
      value: 2,
      where: { status: 'COMPLETED', within: { last: 30, unit: 'days' } },
    });
    const ada = await customer();
    await book(ada, -20, true);
    await book(ada, -1, true);
    await settled();
    expect(await members(id)).toEqual([ada]);
    shop.clock.advance({ days: 200 });
    await settled();
    expect(await members(id)).toEqual([]);
    expect(await moves()).toEqual([
      ['segment.joined', ada],
      ['segment.left', ada],
    ]);
  });

  test('lets a booking come near: "in the next 7 days"', async () => {
    const id = await segment({
      field: 'bookings_count',
      operator: 'at_least',
      value: 1,
      where: { within: { next: 7, unit: 'days' } },
    });
    const ada = await customer();
    await book(ada, 10);
    await settled();
    expect(await members(id)).toEqual([]);
    shop.clock.advance({ days: 4 });
    await settled();
    expect(await members(id)).toEqual([ada]);
    shop.clock.advance({ days: 7 });
    await settled();
    expect(await members(id)).toEqual([]);
  });

  test('makes people come of age', async () => {
    const id = await segment({ field: 'born_on', operator: 'before', value: { ago: 18, unit: 'years' } });
    const ada = await customer({ bornOn: new Date('2008-11-24') });
    await settled();
    expect(await members(id)).toEqual([]);
    shop.clock.advance({ days: 2 }); // 25 November: born before that day 18 years ago.
    await settled();
    expect(await members(id)).toEqual([ada]);
  });
});

test('a segment can ask for another; a change goes through both, and a circle is refused', async () => {
  const vips = await segment({ field: 'vip', operator: 'equals', value: true }, { name: 'VIPs' });
  const named = await segment(
    {
      match: 'all',
      conditions: [
        { field: 'segments', operator: 'contains', value: encodeId('Segment', vips) },
        { field: 'last_name', operator: 'starts_with', value: 'lov' },
      ],
    },
    { name: 'Named' },
  );
  const ada = await customer({ lastName: 'LOVELACE' });
  await settled();
  await updateCustomer(admin, { id: ada, vip: true });
  await settled();
  expect(await members(named)).toEqual([ada]);
  const criteria = { field: 'segments', operator: 'not_contains', value: encodeId('Segment', named) };
  await expect(updateSegment(admin, { id: encodeId('Segment', vips), criteria })).rejects.toThrow(
    'criteria: The segment would depend on itself by way of Named.',
  );
  const own = { field: 'segments', operator: 'contains', value: encodeId('Segment', named) };
  await expect(updateSegment(admin, { id: encodeId('Segment', named), criteria: own })).rejects.toThrow(
    'depend on itself.',
  );
});

test('a tag, a cancelled booking and a deleted customer move members; a new customer meets what asks for nothing', async () => {
  await addTags(admin, { customerIds: [await customer()], tags: ['Gold'] });
  const gold = await segment({ field: 'tags', operator: 'contains', value: 'gold' });
  const idle = await segment({
    field: 'bookings_count',
    operator: 'equals',
    value: 0,
    where: { status: ['CONFIRMED', 'PENDING'] },
  });
  const ada = await customer();
  await settled();
  expect(await members(idle)).toContain(ada);
  const booking = await book(ada, 3);
  await addTags(admin, { customerIds: [ada], tags: ['GOLD'] });
  await settled();
  expect(await members(gold)).toContain(ada);
  expect(await members(idle)).not.toContain(ada);
  await cancelBooking(admin, { id: booking });
  await settled();
  expect(await members(idle)).toContain(ada);
  await deleteCustomer(admin, { id: ada });
  await settled();
  expect([...(await members(gold)), ...(await members(idle))]).not.toContain(ada);
  const rows = await db.segment.findMany({ where: { workspaceId: shop.workspace.id } });
  for (const { id, memberCount } of rows) expect(memberCount).toBe((await members(id)).length);
});

test('a snapshot stays as it was until it is calculated again', async () => {
  const [ada, bob] = [await customer({ vip: true }), await customer()];
  const id = await segment({ field: 'vip', operator: 'equals', value: true }, { kind: 'SNAPSHOT' });
  await updateCustomer(admin, { id: bob, vip: true });
  await settled();
  expect(await members(id)).toEqual([ada]);
  await calculateSegment(admin, { id: encodeId('Segment', id) });
  await settled();
  expect(await members(id)).toEqual([ada, bob].sort());
});

test('whatever happens, in whatever order, the members are those whom a calculation from scratch finds', {
  timeout: 180_000,
}, async () => {
  const ids = [];
  for (const { criteria, name } of suggestSegments('EUR'))
    ids.push((await createSegment(admin, { name, criteria })).id);
  const people = [];
  for (let n = 0; n < 12; n++) people.push(await customer({ vip: n % 2 === 0 }));
  for (let n = 0; n < 60; n++) {
    const who = people[(n * 7) % people.length] as string;
    await book(who, ((n * 37) % 200) - 190, n % 3 > 0);
    if (n % 4 === 0)
      await recordPayment(admin, {
        customerId: who,
        amount: { amount: String(n * 9), currency: 'EUR' },
        method: 'CARD',
      });
    if (n % 20 === 10) shop.clock.advance({ days: 40 });
  }
  await settled();
  shop.clock.advance({ days: 2 }); // The bounds of RFM scores are of all of it then, however fast it was read.
  await settled();
  const live = [];
  for (const id of ids) live.push(await members(id));
  for (const id of ids) await calculateSegment(admin, { id: encodeId('Segment', id) });
  await settled();
  const scratch = [];
  for (const id of ids) scratch.push(await members(id));
  expect(live).toEqual(scratch);
  expect(scratch.filter((of) => of.length > 0).length).toBeGreaterThan(5);
});

test('it is explained why a customer is in: each part with the value that it saw, as far as the viewer may see it', async () => {
  const ada = await customer({ vip: true });
  await addTags(admin, { customerIds: [ada], tags: ['Gold'] });
  await recordPayment(admin, {
    customerId: ada,
    amount: { amount: '12.50', currency: 'EUR' },
    method: 'CASH',
  });
  const id = await segment({
    match: 'all',
    conditions: [
      { field: 'tags', operator: 'contains', value: 'gold' },
      { not: { field: 'total_spent', operator: 'at_least', value: 100 } },
    ],
  });
  const parts = [
    { path: '', sentence: 'tagged Gold and not (total spent is at least 100 EUR)', holds: true, value: null },
    { path: 'conditions.0', sentence: 'tagged Gold', holds: true, value: 'Gold' },
    { path: 'conditions.1', sentence: 'not (total spent is at least 100 EUR)', holds: true, value: null },
    {
      path: 'conditions.1.not',
      sentence: 'total spent is at least 100 EUR',
      holds: false,
      value: '12.50 EUR',
    },
  ];
  const [, uuid] = [
    ada,
    (await db.customer.findFirstOrThrow({ where: { workspaceId: shop.workspace.id } })).id,
  ];
  expect(await explainSegment(admin, id, uuid)).toMatchObject({ isMember: true, holds: true, parts });
  const marketing = await shop.asUser('MARKETING');
  expect((await explainSegment(marketing, id, uuid))?.parts[3]).toMatchObject({ holds: false, value: null });
});
